//go:build grocksdb

package main

import (
	"github.com/linxGnu/grocksdb"

	"github.com/rockbridge-db/rockbridge/bench/works"
)

var ways = map[string]works.Way[*store]{
	"scan/Key+Value":     func(s *store, w *works.Work) error { return s.Scan(&w.Sum) },
	"reverse/Key+Value":  reverse,
	"count/Key+Value":    count,
	"get/Get":            func(s *store, w *works.Work) error { return w.EachKey(s.get) },
	"get/GetBytes":       getBytes,
	"get/GetPinned":      getPinned,
	"multiget/MultiGet":  multiGet,
	"seek/Seek+Next":     seek,
	"prefix/ValidPrefix": prefixCount,
	"build/Put":          build,
	"ycsb/calls":         replay,
}

type store struct {
	db    *grocksdb.DB
	cache *grocksdb.Cache
	o     *grocksdb.Options
	read  *grocksdb.ReadOptions
	write *grocksdb.WriteOptions
}

func open(c works.Config) (*store, error) {
	s := &store{read: grocksdb.NewDefaultReadOptions(), write: grocksdb.NewDefaultWriteOptions()}
	s.cache = grocksdb.NewLRUCache(uint64(c.Cache))
	table := grocksdb.NewDefaultBlockBasedTableOptions()
	table.SetBlockCache(s.cache)
	table.SetBlockSize(c.Block)
	table.SetFormatVersion(5)
	if c.Bloom > 0 {
		table.SetFilterPolicy(grocksdb.NewBloomFilterFull(float64(c.Bloom)))
	}
	o := grocksdb.NewDefaultOptions()
	o.SetCreateIfMissing(true)
	o.SetErrorIfExists(!c.Exists)
	o.SetWriteBufferSize(uint64(c.Memtable))
	o.SetCompression(grocksdb.NoCompression)
	o.SetBlockBasedTableFactory(table)
	if c.Options != "" {
		named, err := grocksdb.GetOptionsFromString(o, c.Options)
		if err != nil {
			return nil, err
		}
		o = named
	}
	s.o = o
	var err error
	s.db, err = grocksdb.OpenDb(o, c.Dir)
	return s, err
}

func (s *store) Close() error {
	s.db.Close()
	s.o.Destroy()
	s.cache.Destroy()
	s.read.Destroy()
	s.write.Destroy()
	return nil
}

func (s *store) Settle() error {
	f := grocksdb.NewDefaultFlushOptions()
	defer f.Destroy()
	if err := s.db.Flush(f); err != nil {
		return err
	}
	s.db.CompactRange(grocksdb.Range{})
	return nil
}

func (s *store) Put(r *works.Rows, n int) error {
	if n == 1 {
		for i := range r.Len() {
			if err := s.db.Put(s.write, r.Key(i), r.Value(i)); err != nil {
				return err
			}
		}
		return nil
	}
	b := grocksdb.NewWriteBatch()
	defer b.Destroy()
	rows := 0
	for i := range r.Len() {
		b.Put(r.Key(i), r.Value(i))
		if rows++; rows == n || i+1 == r.Len() {
			if err := s.db.Write(s.write, b); err != nil {
				return err
			}
			b.Clear()
			rows = 0
		}
	}
	return nil
}

func (s *store) Scan(sum *works.Sum) error {
	it := s.db.NewIterator(s.read)
	defer it.Close()
	for it.SeekToFirst(); it.Valid(); it.Next() {
		countRow(it, sum)
	}
	return it.Err()
}

// countRow is what grocksdb's documentation shows of a row: both slices, freed.
func countRow(it *grocksdb.Iterator, sum *works.Sum) {
	key, value := it.Key(), it.Value()
	sum.Row(key.Data(), value.Data())
	key.Free()
	value.Free()
}

func reverse(s *store, w *works.Work) error {
	it := s.db.NewIterator(s.read)
	defer it.Close()
	for it.SeekToLast(); it.Valid(); it.Prev() {
		countRow(it, &w.Sum)
	}
	return it.Err()
}

func count(s *store, w *works.Work) error {
	it := s.db.NewIterator(s.read)
	defer it.Close()
	for it.SeekToFirst(); it.Valid(); it.Next() {
		key, value := it.Key(), it.Value()
		w.Sum.Rows++
		w.Sum.Bytes += int64(key.Size() + value.Size())
		key.Free()
		value.Free()
	}
	return it.Err()
}

func (s *store) get(key []byte, sum *works.Sum) error {
	v, err := s.db.Get(s.read, key)
	if err != nil {
		return err
	}
	if v.Exists() {
		sum.Value(v.Data())
	}
	v.Free()
	return nil
}

func getBytes(s *store, w *works.Work) error {
	return w.EachKey(func(key []byte, sum *works.Sum) error {
		v, err := s.db.GetBytes(s.read, key)
		if v != nil {
			sum.Value(v)
		}
		return err
	})
}

func getPinned(s *store, w *works.Work) error {
	return w.EachKey(func(key []byte, sum *works.Sum) error {
		v, err := s.db.GetPinned(s.read, key)
		if err != nil {
			return err
		}
		if v.Exists() {
			sum.Value(v.Data())
			v.Destroy()
		}
		return nil
	})
}

func multiGet(s *store, w *works.Work) error {
	return w.EachGroup(func(keys [][]byte, sum *works.Sum) error {
		values, err := s.db.MultiGet(s.read, keys...)
		if err != nil {
			return err
		}
		for _, v := range values {
			if v.Exists() {
				sum.Value(v.Data())
			}
		}
		values.Destroy()
		return nil
	})
}

func seek(s *store, w *works.Work) error {
	it := s.db.NewIterator(s.read)
	defer it.Close()
	return w.EachKey(func(key []byte, sum *works.Sum) error {
		n := 0
		for it.Seek(key); it.Valid(); it.Next() {
			countRow(it, sum)
			if n++; n == w.N {
				break
			}
		}
		return it.Err()
	})
}

// prefixCount is grocksdb's usual loop. It gives no upper bound: grocksdb would hand RocksDB memory of Go's to keep.
func prefixCount(s *store, w *works.Work) error {
	return w.EachPrefix(func(prefix []byte, sum *works.Sum) error {
		it := s.db.NewIterator(s.read)
		defer it.Close()
		for it.Seek(prefix); it.ValidForPrefix(prefix); it.Next() {
			sum.Rows++
		}
		return it.Err()
	})
}

func build(_ *store, w *works.Work) error {
	b := grocksdb.NewWriteBatch()
	defer b.Destroy()
	return w.EachBatch(b.Clear, func(key, value []byte) error {
		b.Put(key, value)
		return nil
	})
}

func replay(s *store, w *works.Work) error {
	return w.Replay(works.Steps{
		Get: s.get,
		Put: func(key, value []byte) error { return s.db.Put(s.write, key, value) },
		Scan: func(key []byte, n int, sum *works.Sum) error {
			it := s.db.NewIterator(s.read)
			defer it.Close()
			for it.Seek(key); it.Valid() && n > 0; it.Next() {
				countRow(it, sum)
				n--
			}
			return it.Err()
		},
	})
}
