package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// read compares what a read of an own row gave.
func (w *closeWorker) read(i int, key string, got []byte, err error) error {
	want, there := w.rows[i][key]
	switch {
	case err == engine.ErrNotFound && !there:
		return nil
	case err == nil && (!there || string(got) != want):
		return fmt.Errorf("%q is %q, acknowledged is %q", key, got, want)
	}
	return err
}

func (w *closeWorker) get() error {
	i, key := w.place()
	v, err := w.r.families[i].Get([]byte(key), nil)
	return w.read(i, key, v, err)
}

// getPinned looks at the lent memory for a while, in which Close may begin.
func (w *closeWorker) getPinned() error {
	i, key := w.place()
	var v []byte
	err := w.r.families[i].GetPinned([]byte(key), nil, func(lent []byte) error {
		if w.rnd.IntN(4) == 0 {
			time.Sleep(time.Duration(w.rnd.IntN(500)) * time.Microsecond)
		}
		v = append(v, lent...)
		return nil
	})
	return w.read(i, key, v, err)
}

// multiGet reads own rows of all families, one by one and in one call.
func (w *closeWorker) multiGet() error {
	i, _ := w.place()
	keys := make([][]byte, 1+w.rnd.IntN(80))
	mixed := make([]engine.FamilyKey, len(keys))
	for n := range keys {
		f, key := w.place()
		keys[n] = []byte(key)
		mixed[n] = engine.FamilyKey{Family: w.r.families[f], Key: keys[n]}
	}
	values, err := w.r.families[i].MultiGet(keys, nil)
	for n, v := range values {
		if err := w.read(i, string(keys[n]), v.Data, v.Err); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	values, err = w.r.db.MultiGetFamilies(mixed, nil)
	for n, v := range values {
		f := slices.Index(w.r.families, mixed[n].Family)
		if err := w.read(f, string(keys[n]), v.Data, v.Err); err != nil {
			return err
		}
	}
	return err
}

// multiGetShared reads through a snapshot that another worker may be about to close.
func (w *closeWorker) multiGetShared() error {
	s := w.r.shared.Load()
	if s == nil {
		return errIdle
	}
	_, key := w.place()
	_, err := s.In(w.r.families[w.rnd.IntN(len(closeFamilies))]).MultiGet([][]byte{[]byte(key), nil}, nil)
	if err == engine.ErrClosed && !w.r.closing.Load() {
		return errIdle // only the snapshot is closed
	}
	return err
}

func (w *closeWorker) has() error {
	i, key := w.place()
	got, err := w.r.families[i].Has([]byte(key), nil)
	if _, there := w.rows[i][key]; err == nil && got != there {
		return fmt.Errorf("%q is there: %v, acknowledged: %v", key, got, there)
	}
	return err
}

func (w *closeWorker) newIter() error {
	var r engine.Reader = w.r.families[w.rnd.IntN(len(closeFamilies))]
	if len(w.snapshots) > 0 && w.rnd.IntN(2) == 0 {
		r = w.snapshots[w.rnd.IntN(len(w.snapshots))].In(w.r.families[0])
	}
	it, err := r.NewIter(&engine.IterOptions{Prefix: fmt.Appendf(nil, "%02d/", w.id)})
	if err == nil {
		w.r.iterators.opened.Add(1)
		w.iterators = append(w.iterators, it)
	}
	return err
}

func (w *closeWorker) move() error {
	if len(w.iterators) == 0 {
		return errIdle
	}
	it := w.iterators[w.rnd.IntN(len(w.iterators))]
	ok := false
	switch w.rnd.IntN(7) {
	case 0:
		ok = it.First()
	case 1:
		ok = it.Last()
	case 2:
		ok = it.Next()
	case 3:
		ok = it.Prev()
	case 4:
		ok = it.NextChunk(new(iterator.Chunk))
	case 5:
		return it.Refresh()
	case 6:
		_, key := w.place()
		ok = it.SeekGE([]byte(key))
	}
	if !ok && it.Error() == nil {
		return errIdle // the end of the rows
	}
	if ok && !it.HasPrefix(nil) && it.Valid() {
		return errors.New("on a row without a key")
	}
	return it.Error()
}

func (w *closeWorker) closeIter() error {
	if len(w.iterators) == 0 {
		return errIdle
	}
	n := len(w.iterators) - 1
	err := w.iterators[n].Close()
	w.r.ended(&w.r.iterators)
	w.iterators = w.iterators[:n]
	if err == nil {
		return errIdle // Close succeeds after the database's
	}
	return err
}

func (w *closeWorker) newSnapshot() error {
	s, err := w.r.db.NewSnapshot()
	if err != nil {
		return err
	}
	w.r.snapshots.opened.Add(1)
	if old := w.r.shared.Swap(s); old != nil {
		w.snapshots = append(w.snapshots, old)
	}
	return nil
}

// readShared reads through a snapshot that another worker may be about to close.
func (w *closeWorker) readShared() error {
	s := w.r.shared.Load()
	if s == nil {
		return errIdle
	}
	_, key := w.place()
	_, err := s.In(w.r.families[w.rnd.IntN(len(closeFamilies))]).Get([]byte(key), nil)
	if err == engine.ErrNotFound {
		return nil
	}
	if err == engine.ErrClosed && !w.r.closing.Load() {
		return errIdle // only the snapshot is closed
	}
	return err
}

func (w *closeWorker) closeSnapshot() error {
	if len(w.snapshots) == 0 {
		return errIdle
	}
	n := len(w.snapshots) - 1
	err := w.snapshots[n].Close()
	w.r.ended(&w.r.snapshots)
	w.snapshots = w.snapshots[:n]
	if err == nil {
		return errIdle
	}
	return err
}

// view writes within a View, which must not see it.
func (w *closeWorker) view() error {
	i, key := w.place()
	w.r.snapshots.opened.Add(1)
	defer w.r.ended(&w.r.snapshots)
	return w.r.db.View(context.Background(), func(s *engine.Snapshot) error {
		before, there := w.rows[i][key]
		v := w.value()
		if err := w.r.families[i].Put([]byte(key), []byte(v), nil); err != nil {
			return err
		}
		w.rows[i][key] = v
		got, err := s.In(w.r.families[i]).Get([]byte(key), nil)
		if err == engine.ErrNotFound && !there {
			return nil
		}
		if err == nil && (!there || string(got) != before) {
			return fmt.Errorf("%q is %q in a snapshot of %q", key, got, before)
		}
		return err
	})
}

func (w *closeWorker) count() error {
	i, _ := w.place()
	w.r.iterators.opened.Add(1)
	defer w.r.ended(&w.r.iterators)
	o := &engine.IterOptions{Prefix: fmt.Appendf(nil, "%02d/", w.id)}
	n, _, _, err := engine.Count(context.Background(), w.r.families[i], o)
	if err == nil && n != int64(len(w.rows[i])) {
		return fmt.Errorf("%d rows, acknowledged are %d", n, len(w.rows[i]))
	}
	return err
}

func (w *closeWorker) property() error {
	w.r.db.LatestSequence()
	w.r.db.ColumnFamilies()
	_, err := w.r.families[w.rnd.IntN(3)].Property("rocksdb.num-files-at-level0")
	return err
}

// ownFamily creates a family of the worker's own with a row in it, or drops one.
func (w *closeWorker) ownFamily() error {
	for name, c := range w.live {
		err := w.r.db.DropColumnFamily(c)
		if err == nil {
			delete(w.live, name)
			delete(w.own, name)
		}
		return err
	}
	w.made++
	name := fmt.Sprintf("own %02d %d", w.id, w.made)
	c, err := w.r.db.CreateColumnFamily(name, nil)
	if err != nil {
		return err
	}
	w.live[name], w.own[name] = c, map[string]string{}
	if err := c.Put([]byte("k"), []byte(name), nil); err != nil {
		return err
	}
	w.own[name]["k"] = name
	return nil
}

func (w *closeWorker) checkpoint() error {
	if w.id%8 != 0 {
		return errIdle
	}
	dir := filepath.Join(w.r.t.TempDir(), "checkpoint")
	defer os.RemoveAll(filepath.Dir(dir))
	return w.r.db.Checkpoint(context.Background(), dir)
}
