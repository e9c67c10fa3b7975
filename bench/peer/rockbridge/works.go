package main

import (
	"errors"

	"github.com/rockbridge-db/rockbridge/bench/works"
	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// ways are rockbridge's ways to do the works: what the table in bench/compare/table.go calls "get" and "GetAppend" is
// here "get/GetAppend". A new one is a row here and one there.
var ways = map[string]works.Way[*store]{
	"scan/NextChunk":      scan((*iterator.Iterator).NextChunk),
	"scan/Next+HasPrefix": scanPrefix,
	"scan/Next+Key+Value": scanCopies,
	"scan/call a step":    scanSteps,
	"reverse/PrevChunk":   scan((*iterator.Iterator).PrevChunk),
	"count/Count":         count,
	"count/Next":          countNext,
	"get/Get":             get,
	"get/GetAppend":       getAppend,
	"multiget/MultiGet":   multiGet,
	"multiget/Get":        get,
	"seek/SeekGE+Next":    seek(false),
	"seek/with Limit":     seek(true),
	"prefix/Count":        prefixCount,
	"prefix/Next":         prefixNext,
	"build/Batch.Put":     build,
	"build/call a Put":    buildCalls,
	"ycsb/calls":          replay,
}

type store struct {
	db     *engine.DB
	config works.Config
	step   *stepper // of the way that makes a call for each step; nil until it is done
}

func open(c works.Config) (*store, error) {
	o := &engine.Options{ErrorIfExists: !c.Exists, BlockCacheSize: c.Cache, Extra: c.Options}
	o.WriteBufferSize, o.BlockSize, o.BloomBitsPerKey, o.Compression = c.Memtable, c.Block, float64(c.Bloom), engine.NoCompression
	db, err := engine.Open(c.Dir, o)
	if err != nil {
		return nil, err
	}
	return &store{db: db, config: c}, nil
}

func (s *store) Close() error {
	if s.step != nil {
		s.step.db.Close()
	}
	return s.db.Close()
}

func (s *store) Settle() error { return errors.Join(s.db.Flush(), s.db.Compact(nil, nil, nil)) }

func (s *store) Scan(sum *works.Sum) error {
	w := &works.Work{}
	err := scan((*iterator.Iterator).NextChunk)(s, w)
	*sum = w.Sum
	return err
}

func (s *store) Put(r *works.Rows, n int) error {
	if n == 1 {
		for i := range r.Len() {
			if err := s.db.Put(r.Key(i), r.Value(i), nil); err != nil {
				return err
			}
		}
		return nil
	}
	b := s.db.NewBatch()
	for i := range r.Len() {
		if err := b.Put(r.Key(i), r.Value(i)); err != nil {
			return err
		}
		if b.Count() == n || i+1 == r.Len() {
			if err := s.db.Write(b, nil); err != nil {
				return err
			}
			b.Reset()
		}
	}
	return nil
}

// with opens an iterator for the time of f.
func (s *store) with(o *engine.IterOptions, f func(it *iterator.Iterator)) error {
	it, err := s.db.NewIter(o)
	if err != nil {
		return err
	}
	f(it)
	return it.Close()
}

func scan(next func(*iterator.Iterator, *iterator.Chunk) bool) works.Way[*store] {
	return func(s *store, w *works.Work) error {
		return s.with(nil, func(it *iterator.Iterator) {
			var c iterator.Chunk
			sum := w.Sum
			for next(it, &c) {
				for i := range c.Len() {
					sum.Row(c.Key(i), c.Value(i))
				}
			}
			w.Sum = sum
		})
	}
}

// scanPrefix looks at no byte but those that the prefix has, which all rows do.
func scanPrefix(s *store, w *works.Work) error {
	prefix := []byte{0}
	return s.with(nil, func(it *iterator.Iterator) {
		rows := int64(0)
		for it.Next() {
			if it.HasPrefix(prefix) {
				rows++
			}
		}
		w.Sum.Rows = rows
	})
}

func scanCopies(s *store, w *works.Work) error {
	return s.with(nil, func(it *iterator.Iterator) {
		for it.Next() {
			w.Sum.Row(it.Key(), it.Value())
		}
	})
}

func count(s *store, w *works.Work) error {
	rows, keys, values, err := engine.Count(nil, s.db, nil)
	w.Sum.Rows, w.Sum.Bytes = rows, keys+values
	return err
}

func countNext(s *store, w *works.Work) error {
	return s.with(nil, func(it *iterator.Iterator) {
		for it.Next() {
			w.Sum.Rows++
			w.Sum.Bytes += int64(it.KeyLen() + it.ValueLen())
		}
	})
}

func get(s *store, w *works.Work) error {
	return w.EachKey(func(key []byte, sum *works.Sum) error {
		v, err := s.db.Get(key, nil)
		if err == nil {
			sum.Value(v)
			return nil
		}
		return found(err)
	})
}

func getAppend(s *store, w *works.Work) error {
	var buf []byte
	return w.EachKey(func(key []byte, sum *works.Sum) (err error) {
		if buf, err = s.db.GetAppend(buf[:0], key, nil); err == nil {
			sum.Value(buf)
			return nil
		}
		return found(err)
	})
}

// found has keys that are not there be no failure.
func found(err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}

func multiGet(s *store, w *works.Work) error {
	return w.EachGroup(func(keys [][]byte, sum *works.Sum) error {
		values, err := s.db.MultiGet(keys, nil)
		if err != nil {
			return err
		}
		for _, v := range values {
			if v.Err == nil {
				sum.Value(v.Data)
			} else if err := found(v.Err); err != nil {
				return err
			}
		}
		return nil
	})
}

// seek reads N rows from each key on, with one iterator, into buffers that are used again. An iterator that is told
// how many rows are wanted fetches so many.
func seek(limit bool) works.Way[*store] {
	return func(s *store, w *works.Work) (err error) {
		o := &engine.IterOptions{}
		if limit {
			o.Limit = w.N
		}
		var key, value []byte
		closeErr := s.with(o, func(it *iterator.Iterator) {
			err = w.EachKey(func(from []byte, sum *works.Sum) error {
				n := 0
				for ok := it.SeekGE(from); ok; ok = it.Next() {
					key, value = it.AppendKey(key[:0]), it.AppendValue(value[:0])
					sum.Row(key, value)
					if n++; n == w.N {
						break
					}
				}
				return it.Error()
			})
		})
		return errors.Join(err, closeErr)
	}
}

func prefixCount(s *store, w *works.Work) error {
	return w.EachPrefix(func(prefix []byte, sum *works.Sum) error {
		rows, _, _, err := engine.Count(nil, s.db, &engine.IterOptions{Prefix: prefix})
		sum.Rows += rows
		return err
	})
}

func prefixNext(s *store, w *works.Work) error {
	return w.EachPrefix(func(prefix []byte, sum *works.Sum) error {
		return s.with(&engine.IterOptions{Prefix: prefix}, func(it *iterator.Iterator) {
			for it.Next() {
				sum.Rows++
			}
		})
	})
}

func build(s *store, w *works.Work) error {
	b := s.db.NewBatch()
	return w.EachBatch(b.Reset, b.Put)
}

// buildCalls builds the batch that RocksDB's C API has, with one call for each row.
func buildCalls(_ *store, w *works.Work) error {
	b := cbridge.NewCBatch()
	defer b.Free()
	return w.EachBatch(b.Clear, func(key, value []byte) error {
		b.Put(key, value)
		return nil
	})
}

func replay(s *store, w *works.Work) error {
	var buf, key, value []byte
	return w.Replay(works.Steps{
		Get: func(key []byte, sum *works.Sum) (err error) {
			if buf, err = s.db.GetAppend(buf[:0], key, nil); err == nil {
				sum.Value(buf)
				return nil
			}
			return found(err)
		},
		Put: func(key, value []byte) error { return s.db.Put(key, value, nil) },
		Scan: func(from []byte, n int, sum *works.Sum) error {
			return s.with(&engine.IterOptions{Limit: n}, func(it *iterator.Iterator) {
				for ok := it.SeekGE(from); ok; ok = it.Next() {
					key, value = it.AppendKey(key[:0]), it.AppendValue(value[:0])
					sum.Row(key, value)
				}
			})
		},
	})
}
