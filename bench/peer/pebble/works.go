package main

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/rockbridge-db/rockbridge/bench/works"
)

var ways = map[string]works.Way[*store]{
	"scan/iterator":    func(s *store, w *works.Work) error { return s.Scan(&w.Sum) },
	"reverse/iterator": reverse,
	"count/iterator":   count,
	"get/Get":          func(s *store, w *works.Work) error { return w.EachKey(s.get) },
	"multiget/Get":     func(s *store, w *works.Work) error { return w.EachKey(s.get) },
	"multiget/seeks":   seekGroups,
	"seek/SeekGE+Next": seek,
	"prefix/iterator":  prefixCount,
	"build/Batch.Set":  build,
	"ycsb/calls":       replay,
}

type store struct{ db *pebble.DB }

func open(c works.Config) (*store, error) {
	o := &pebble.Options{
		ErrorIfExists: !c.Exists, CacheSize: c.Cache, MemTableSize: uint64(c.Memtable),
		FormatMajorVersion: pebble.FormatNewest, Logger: silent{},
	}
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	for i := range o.Levels {
		o.Levels[i].BlockSize = c.Block
		if c.Bloom > 0 {
			o.Levels[i].FilterPolicy = bloom.FilterPolicy(c.Bloom)
		}
	}
	db, err := pebble.Open(c.Dir, o)
	if err != nil {
		return nil, err
	}
	return &store{db}, nil
}

func (s *store) Close() error { return s.db.Close() }

func (s *store) Settle() error {
	return errors.Join(s.db.Flush(), s.db.Compact(context.Background(), []byte{}, bytes.Repeat([]byte{0xFF}, 32), false))
}

func (s *store) Put(r *works.Rows, n int) error {
	if n == 1 {
		for i := range r.Len() {
			if err := s.db.Set(r.Key(i), r.Value(i), pebble.NoSync); err != nil {
				return err
			}
		}
		return nil
	}
	b := s.db.NewBatch()
	for i := range r.Len() {
		if err := b.Set(r.Key(i), r.Value(i), nil); err != nil {
			return err
		}
		if int(b.Count()) == n || i+1 == r.Len() {
			if err := b.Commit(pebble.NoSync); err != nil {
				return err
			}
			b.Reset()
		}
	}
	return b.Close()
}

// with opens an iterator for the time of f.
func (s *store) with(o *pebble.IterOptions, f func(it *pebble.Iterator) error) error {
	it, err := s.db.NewIter(o)
	if err != nil {
		return err
	}
	return errors.Join(f(it), it.Close())
}

func (s *store) Scan(sum *works.Sum) error {
	return s.with(nil, func(it *pebble.Iterator) error {
		for ok := it.First(); ok; ok = it.Next() {
			sum.Row(it.Key(), it.Value())
		}
		return it.Error()
	})
}

func reverse(s *store, w *works.Work) error {
	return s.with(nil, func(it *pebble.Iterator) error {
		for ok := it.Last(); ok; ok = it.Prev() {
			w.Sum.Row(it.Key(), it.Value())
		}
		return it.Error()
	})
}

func count(s *store, w *works.Work) error {
	return s.with(nil, func(it *pebble.Iterator) error {
		for ok := it.First(); ok; ok = it.Next() {
			w.Sum.Rows++
			w.Sum.Bytes += int64(len(it.Key()) + len(it.Value()))
		}
		return it.Error()
	})
}

func (s *store) get(key []byte, sum *works.Sum) error {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	sum.Value(v)
	return closer.Close()
}

// seekGroups looks N keys up in their order by one iterator, which makes use of where it stands.
func seekGroups(s *store, w *works.Work) error {
	return w.EachGroup(func(keys [][]byte, sum *works.Sum) error {
		keys = slices.Clone(keys) // a caller's keys keep their order
		slices.SortFunc(keys, bytes.Compare)
		return s.with(nil, func(it *pebble.Iterator) error {
			for _, key := range keys {
				if it.SeekGE(key) && bytes.Equal(it.Key(), key) {
					sum.Value(it.Value())
				}
			}
			return it.Error()
		})
	})
}

func seek(s *store, w *works.Work) error {
	return s.with(nil, func(it *pebble.Iterator) error {
		return w.EachKey(func(key []byte, sum *works.Sum) error {
			n := 0
			for ok := it.SeekGE(key); ok; ok = it.Next() {
				sum.Row(it.Key(), it.Value())
				if n++; n == w.N {
					break
				}
			}
			return it.Error()
		})
	})
}

func prefixCount(s *store, w *works.Work) error {
	return w.EachPrefix(func(prefix []byte, sum *works.Sum) error {
		return s.with(&pebble.IterOptions{LowerBound: prefix, UpperBound: works.After(prefix)}, func(it *pebble.Iterator) error {
			for ok := it.First(); ok; ok = it.Next() {
				sum.Rows++
			}
			return it.Error()
		})
	})
}

func build(s *store, w *works.Work) error {
	b := s.db.NewBatch()
	err := w.EachBatch(b.Reset, func(key, value []byte) error { return b.Set(key, value, nil) })
	return errors.Join(err, b.Close())
}

func replay(s *store, w *works.Work) error {
	return w.Replay(works.Steps{
		Get: s.get,
		Put: func(key, value []byte) error { return s.db.Set(key, value, pebble.NoSync) },
		Scan: func(key []byte, n int, sum *works.Sum) error {
			return s.with(nil, func(it *pebble.Iterator) error {
				for ok := it.SeekGE(key); ok && n > 0; ok = it.Next() {
					sum.Row(it.Key(), it.Value())
					n--
				}
				return it.Error()
			})
		},
	})
}
