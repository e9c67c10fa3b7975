package engine_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

func primaryOptions() *engine.Options {
	return &engine.Options{
		FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add},
		Families:      map[string]engine.FamilyOptions{"f": {MergeOperator: engine.Uint64Add}},
	}
}

// primaryChild goes on, until it is killed, with batches that each add a row and count, in two
// families. Between them it flushes and compacts.
func primaryChild(dir string) {
	db, err := engine.Open(dir, primaryOptions())
	must(err)
	f, err := db.ColumnFamily("f")
	must(err)
	_, _, _, err = engine.Count(nil, db, nil)
	must(err)
	n := uint64(0)
	if v, err := db.Get([]byte("newest"), nil); err == nil {
		n = binary.LittleEndian.Uint64(v)
	}
	for n++; ; n++ {
		newest := binary.LittleEndian.AppendUint64(nil, n)
		b := db.NewBatch()
		for _, c := range []*engine.Batch{b, b.In(f)} {
			must(c.Put([]byte("newest"), newest))
			must(c.Merge([]byte("sum"), binary.LittleEndian.AppendUint64(nil, 1)))
			must(c.Put(binary.BigEndian.AppendUint64([]byte("row "), n), newest))
		}
		must(db.Write(b, nil))
		switch {
		case n%50 == 0:
			must(f.Flush()) // one family alone: the other's rows stay in the log
		case n%70 == 0:
			must(db.Flush())
		case n%300 == 0:
			must(db.Compact(context.Background(), nil, nil))
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// whole checks that a state holds the batches 1 to n in both families, each whole, and tells n.
func whole(db *engine.DB) (n uint64, err error) {
	for i, name := range []string{"default", "f"} {
		c, err := db.ColumnFamily(name)
		if err != nil {
			return 0, err
		}
		newest, err := c.Get([]byte("newest"), nil)
		if errors.Is(err, engine.ErrNotFound) && (i == 0 || n == 0) {
			continue
		}
		if err != nil {
			return 0, err
		}
		m := binary.LittleEndian.Uint64(newest)
		if i == 1 && m != n {
			return 0, fmt.Errorf("family f has batch %d, the default one %d", m, n)
		}
		n = m
		if sum, err := c.Get([]byte("sum"), nil); err != nil || binary.LittleEndian.Uint64(sum) != n {
			return 0, fmt.Errorf("family %s: %d batches make a sum of %v, %w", name, n, sum, err)
		}
		rows, _, _, err := engine.Count(nil, c, &engine.IterOptions{Prefix: []byte("row ")})
		if err != nil || uint64(rows) != n {
			return 0, fmt.Errorf("family %s: %d batches and %d rows, %w", name, n, rows, err)
		}
	}
	return n, nil
}

// A process writes, is killed and started again, while a secondary and read-only openers here look at
// its database: they see whole batches, in order, and never fewer than before.
func TestReadersBesideAPrimaryThatIsKilled(t *testing.T) {
	lives, looks := 8, 40
	if testing.Short() {
		lives, looks = 3, 15
	}
	dir := filepath.Join(t.TempDir(), "db")
	mustDo(t, openDir(t, dir, primaryOptions()).Close())
	s := openSecondary(t, dir, nil)
	newest, tooFast := uint64(0), 0
	look := func(db *engine.DB) error {
		n, err := whole(db)
		if err == nil && n < newest {
			err = fmt.Errorf("batch %d after batch %d", n, newest)
		}
		newest = max(n, newest)
		return err
	}
	for range lives {
		ctx, kill := context.WithCancel(context.Background())
		primary := childCommand(ctx, t, "primary", dir)
		mustDo(t, primary.Start())
		begun, start := newest, time.Now()
		// Where opening takes long, the primary is too fast for most looks, and each of those takes seconds.
		for i := 0; i < looks && time.Since(start) < 10*time.Second || newest < begun+100; i++ {
			if i > 100*looks {
				t.Fatalf("the primary does not come on: batch %d after %d", newest, begun)
			}
			err := s.CatchUp(nil)
			if errors.Is(err, engine.ErrTryAgain) {
				tooFast++
				continue
			}
			mustDo(t, err, s.View(nil, look))
			if i%4 != 0 {
				continue
			}
			db, err := engine.Open(dir, &engine.Options{ReadOnly: true})
			if errors.Is(err, engine.ErrTryAgain) {
				tooFast++
				continue
			}
			mustDo(t, err)
			mustDo(t, look(db), db.Close())
		}
		kill()
		primary.Wait()
		mustDo(t, s.CatchUp(nil), s.View(nil, look))
	}
	db := openDir(t, dir, primaryOptions()) // what the crash left is what the secondary shows
	if n, err := whole(db); err != nil || n != newest {
		t.Errorf("the primary has %d batches, %v; the secondary showed %d", n, err, newest)
	}
	mustDo(t, db.Close())
	t.Logf("%d batches; %d times the primary was too fast", newest, tooFast)
}
