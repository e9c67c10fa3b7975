package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// scanWays are the ways to read many rows under a context. Each gives the number of rows that it saw.
var scanWays = map[string]func(ctx context.Context, db *engine.DB) (rows int, err error){
	"Next": func(ctx context.Context, db *engine.DB) (n int, err error) {
		it, err := db.NewIter(&engine.IterOptions{Context: ctx})
		if err != nil {
			return 0, err
		}
		for it.First(); it.Valid(); it.Next() {
			n++
		}
		return n, it.Close()
	},
	"Prev": func(ctx context.Context, db *engine.DB) (n int, err error) {
		it, err := db.NewIter(&engine.IterOptions{Context: ctx})
		if err != nil {
			return 0, err
		}
		for it.Last(); it.Valid(); it.Prev() {
			n++
		}
		return n, it.Close()
	},
	"NextChunk": func(ctx context.Context, db *engine.DB) (n int, err error) {
		it, err := db.NewIter(&engine.IterOptions{Context: ctx})
		if err != nil {
			return 0, err
		}
		var c iterator.Chunk
		for it.NextChunk(&c) {
			n += c.Len()
		}
		return n, it.Close()
	},
	"Scan": func(ctx context.Context, db *engine.DB) (n int, err error) {
		rows, done := engine.Scan(db, &engine.IterOptions{Context: ctx})
		for range rows {
			n++
		}
		return n, done()
	},
	"Count": func(ctx context.Context, db *engine.DB) (int, error) {
		n, _, _, err := engine.Count(ctx, db, nil)
		return int(n), err
	},
	"Count of a snapshot": func(ctx context.Context, db *engine.DB) (rows int, err error) {
		err = db.View(ctx, func(s *engine.Snapshot) error {
			n, _, _, err := engine.Count(ctx, s, nil)
			rows = int(n)
			return err
		})
		return rows, err
	},
}

const cancelRows = 100_000

// On a slow disk, reading many rows ends soon after its context does, and long before the rows do.
func TestScansStopWithTheirContext(t *testing.T) {
	onSlowDisk(t, func(t *testing.T, d slowDisk) {
		db := openCold(t, &engine.Options{BlockCacheSize: -1}, cancelRows)
		d.set(diskReadDelay, 1000)
		for name, scan := range scanWays {
			ctx, cancel := context.WithCancel(t.Context())
			var at time.Time
			time.AfterFunc(50*time.Millisecond, func() {
				at = time.Now()
				cancel()
			})
			n, err := scan(ctx, db)
			late := time.Since(at)
			expectError(t, name, err, context.Canceled)
			if n >= cancelRows/4 {
				t.Errorf("%s: %d of %d rows were read", name, n, cancelRows)
			}
			t.Logf("%s stopped %v after its context, after %d rows", name, late.Round(time.Microsecond), n)
		}
	})
}
