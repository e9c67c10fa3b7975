package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// waiter is one of many goroutines that call, each with contexts of its own, through narrow lanes.
type waiter struct {
	db                  *engine.DB
	id                  int
	rnd                 *rand.Rand
	acked, gone, either []string // keys that must be there, that must not, and that may be
}

// Many goroutines wait for slots, groups and syncs, leave at random moments, and are closed upon. Every call
// returns, with an answer that says what came of it: rows that were acknowledged are there, those that
// were given up are not.
func TestNoWaiterIsLost(t *testing.T) {
	r, seed := seededRand(t, "commit.seed", *commitSeed)
	rounds := 30
	if testing.Short() {
		rounds = 9
	}
	modes := slices.Sorted(maps.Values(commitModes))
	var acked, gone, either int
	for n := range rounds {
		o := &engine.Options{
			Commit: modes[n%len(modes)], FastLane: 2 + r.IntN(3), Gate: 4 + r.IntN(8), BlockCacheSize: -1,
			FamilyOptions: engine.FamilyOptions{WriteBufferSize: 128 << 10},
		}
		waiters := playWaiters(t, r, o)
		if t.Failed() {
			t.Fatalf("seed %d, round %d, %+v", seed, n, o)
		}
		for _, w := range waiters {
			acked, gone, either = acked+len(w.acked), gone+len(w.gone), either+len(w.either)
		}
	}
	t.Logf("%d rounds: %d rows acknowledged, %d given up, %d may be there", rounds, acked, gone, either)
	if acked == 0 || gone == 0 {
		t.Error("too little happened")
	}
}

func playWaiters(t *testing.T, r *rand.Rand, o *engine.Options) []*waiter {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, o)
	for i := range 200 {
		mustDo(t, db.Put(coldRowKey(i), valueOf(200), nil))
	}
	mustDo(t, db.Flush())
	waiters := make([]*waiter, 64)
	var wg sync.WaitGroup
	var closing atomic.Bool
	for i := range waiters {
		w := &waiter{db: db, id: i, rnd: rand.New(rand.NewPCG(r.Uint64(), 0))}
		waiters[i] = w
		wg.Go(func() {
			for n := 0; ; n++ {
				if err := w.call(n); errors.Is(err, engine.ErrClosed) {
					if !closing.Load() {
						t.Errorf("%v before Close", err)
					}
					return
				} else if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	time.Sleep(time.Duration(r.IntN(20_000)) * time.Microsecond)
	closing.Store(true)
	if err := db.Close(); err != nil {
		var leak *engine.LeakError
		if !errors.As(err, &leak) {
			t.Errorf("Close: %v", err)
		}
	}
	waitOrDie(t, &wg)
	db = openDir(t, dir, &engine.Options{ReadOnly: true})
	defer db.Close()
	there := rowsOf(t, db)
	for _, w := range waiters {
		for _, key := range w.acked {
			if _, ok := there[key]; !ok {
				t.Errorf("%s was acknowledged and is not there", key)
			}
		}
		for _, key := range w.gone {
			if _, ok := there[key]; ok {
				t.Errorf("%s was given up and is there", key)
			}
		}
		for _, keys := range [][]string{w.acked, w.either} {
			for _, key := range keys {
				delete(there, key)
			}
		}
	}
	if len(there) != 200 {
		t.Errorf("%d rows, 200 were there before", len(there))
	}
	return waiters
}

// context gives one that has ended, that ends soon, or that never does.
func (w *waiter) context() (context.Context, context.CancelFunc) {
	switch w.rnd.IntN(3) {
	case 0:
		return nil, func() {}
	case 1:
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Duration(w.rnd.IntN(1000))*time.Microsecond, cancel)
		return ctx, cancel
	}
	return context.WithTimeout(context.Background(), time.Duration(w.rnd.IntN(1000))*time.Microsecond)
}

// call makes a call of any kind. It answers nil, ErrClosed, or what should not have come of it.
func (w *waiter) call(n int) error {
	ctx, cancel := w.context()
	defer cancel()
	read := &engine.ReadOptions{Context: ctx}
	key := coldRowKey(w.rnd.IntN(200))
	var err error
	switch w.rnd.IntN(20) {
	case 0, 1, 2:
		_, err = w.db.Get(key, read)
	case 3:
		_, err = w.db.Has(key, read)
	case 4:
		_, err = w.db.MultiGet([][]byte{key, coldRowKey(7)}, read)
	case 5:
		var it interface {
			First() bool
			Next() bool
			Close() error
		}
		if it, err = w.db.NewIter(&engine.IterOptions{Context: ctx}); err == nil {
			it.First()
			it.Next()
			err = it.Close()
		}
	case 6:
		_, _, _, err = engine.Count(ctx, w.db, &engine.IterOptions{Limit: 100})
	case 7:
		if w.rnd.IntN(10) == 0 {
			err = w.db.Flush()
		} else {
			err = w.db.SyncWAL()
		}
	case 8:
		if w.rnd.IntN(10) == 0 {
			err = w.db.Compact(ctx, nil, nil)
		} else {
			_, err = w.db.Property("rocksdb.num-entries-active-mem-table")
		}
	default:
		return w.write(ctx, fmt.Sprintf("row %d/%d", w.id, n))
	}
	return endedOr(err)
}

// endedOr is err, unless it is that of a context that has ended.
func endedOr(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, engine.ErrTimedOut) {
		return nil
	}
	return err
}

func (w *waiter) write(ctx context.Context, key string) error {
	o := &engine.WriteOptions{
		Context: ctx, Sync: w.rnd.IntN(4) == 0, NoSlowdown: w.rnd.IntN(10) == 0, LowPriority: w.rnd.IntN(10) == 0,
	}
	value := make([]byte, w.rnd.IntN(400))
	if w.rnd.IntN(50) == 0 {
		value = make([]byte, 200_000) // a group by itself
	}
	var err error
	if w.rnd.IntN(2) == 0 {
		err = w.db.Put([]byte(key), value, o)
	} else {
		b := w.db.NewBatch()
		b.Put([]byte(key), value)
		err = w.db.Write(b, o)
	}
	switch {
	case err == nil:
		w.acked = append(w.acked, key)
	case (endedOr(err) == nil || errors.Is(err, engine.ErrClosed)) && outcomeUnknown(err):
		w.either = append(w.either, key)
		if endedOr(err) != nil {
			return err
		}
	case endedOr(err) == nil, errors.Is(err, engine.ErrClosed), o.NoSlowdown && errors.Is(err, engine.ErrWouldBlock):
		w.gone = append(w.gone, key)
		if errors.Is(err, engine.ErrClosed) {
			return err
		}
	default:
		return err
	}
	return nil
}
