package engine_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// indexedBatch stages a row, reads it back in two ways and commits it; Close may come at any point.
func (w *closeWorker) indexedBatch() error {
	b, err := w.r.db.NewIndexedBatch()
	if err != nil {
		return err
	}
	w.r.batches.opened.Add(1)
	i, key := w.place()
	err = w.commitIndexed(b.In(w.r.families[i]), i, key, w.value())
	if w.rnd.IntN(8) == 0 {
		w.r.batches.left.Add(1)
		return err
	}
	if e := b.Close(); e != nil {
		return e
	}
	w.r.ended(&w.r.batches)
	return err
}

func (w *closeWorker) commitIndexed(b *engine.IndexedBatch, i int, key, value string) error {
	if err := b.Put([]byte(key), []byte(value)); err != nil {
		return err
	}
	switch got, err := b.Get([]byte(key), nil); {
	case err != nil:
		return err
	case string(got) != value:
		return fmt.Errorf("%q is %q in the batch that set it to %q", key, got, value)
	}
	w.r.iterators.opened.Add(1)
	it, err := b.NewIter(&engine.IterOptions{Prefix: []byte(key)})
	if err == nil {
		if it.First() && string(it.Value()) != value {
			err = fmt.Errorf("an iterator shows %q, the batch set it to %q", it.Value(), value)
		}
		err = errors.Join(err, it.Refresh(), it.Close())
	}
	w.r.ended(&w.r.iterators)
	if err != nil {
		return err
	}
	err = b.Commit(nil)
	if err == nil {
		w.rows[i][key] = value
	}
	return err
}

// One goroutine at a time may use an indexed batch; several at once get answers all the same, while
// others walk over its iterators, and no call into C meets another.
func TestMisuseOfAnIndexedBatchBySeveralGoroutines(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 6
	}
	for range rounds {
		db := openTemp(t, addingAndPlain())
		plain, err := db.ColumnFamily("plain")
		if err != nil {
			t.Fatal(err)
		}
		b := newIndexed(t, db)
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() { misuseIndexed(t, b.In(plain), b, g) })
		}
		wg.Wait()
		b.Close()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func misuseIndexed(t *testing.T, plain, b *engine.IndexedBatch, g int) {
	failed := func(err error) bool {
		known := err == nil || errors.Is(err, engine.ErrClosed) || errors.Is(err, engine.ErrInvalidArgument) ||
			err == engine.ErrNotFound
		if !known {
			t.Errorf("goroutine %d: %v", g, err)
		}
		return !known
	}
	for i := range 150 {
		key := fmt.Appendf(nil, "%d", i%20)
		_, read := b.Get(key, nil)
		_, other := plain.Get(key, nil)
		_, has := b.Has(key, nil)
		errs := []error{
			b.Put(key, uint64le(1)), plain.Put(key, key), b.Merge(key, uint64le(1)), read, has, other, b.SetSavepoint(),
			b.In(nil).SetSavepoint(), plain.DeleteRange(key, append(key, 'x')),
		}
		switch i % 10 {
		case 3:
			errs = append(errs, b.RollbackToSavepoint())
		case 5:
			errs = append(errs, b.Commit(nil))
		case 7:
			b.Reset()
		case 9:
			for range b.Records() {
			}
		}
		it, err := b.NewIter(nil)
		errs = append(errs, err)
		if err == nil {
			it.Last()
			it.Prev()
			errs = append(errs, it.Refresh())
			it.First()
			errs = append(errs, it.Close())
		}
		if i == 140 && g == 0 {
			errs = append(errs, b.Close())
		}
		for _, err := range errs {
			if failed(err) {
				return
			}
		}
	}
}
