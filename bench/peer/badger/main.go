// Program badger is the benchmarks' peer over Badger.
package main

import (
	"errors"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/rockbridge-db/rockbridge/bench/program"
	"github.com/rockbridge-db/rockbridge/bench/works"
)

var ways = map[string]works.Way[*store]{
	"scan/iterator":    func(s *store, w *works.Work) error { return s.Scan(&w.Sum) },
	"reverse/iterator": reverse,
	"count/iterator":   count,
	"get/View":         func(s *store, w *works.Work) error { return w.EachKey(s.get) },
	"multiget/View":    multiGet,
	"seek/iterator":    seek,
	"prefix/iterator":  prefixCount,
	"ycsb/calls":       replay,
}

type store struct{ db *badger.DB }

func open(c works.Config) (*store, error) {
	o := badger.DefaultOptions(c.Dir).WithLogger(nil).WithMetricsEnabled(false).WithCompression(options.None).
		WithMemTableSize(c.Memtable).WithBlockCacheSize(c.Cache).WithBlockSize(c.Block).WithCompactL0OnClose(true)
	// Values are in the tables, up to 1 MiB by default; the log, which a memory map reserves twice, stays small.
	o = o.WithValueLogFileSize(64 << 20)
	if c.Bloom == 0 {
		o.BloomFalsePositive = 0
	}
	db, err := badger.Open(o)
	if err != nil {
		return nil, err
	}
	return &store{db}, nil
}

func (s *store) Close() error { return s.db.Close() }

// Settle leaves one level of tables. Badger flushes its memtables when it is closed only, and has then been told to
// compact what that gives.
func (s *store) Settle() error { return s.db.Flatten(1) }

func (s *store) Put(r *works.Rows, n int) error {
	for from := 0; from < r.Len(); from += n {
		txn := s.db.NewTransaction(true)
		for i := from; i < min(from+n, r.Len()); i++ {
			err := txn.Set(r.Key(i), r.Value(i))
			if errors.Is(err, badger.ErrTxnTooBig) { // then it is two transactions, as its documentation shows
				if err = txn.Commit(); err == nil {
					txn = s.db.NewTransaction(true)
					err = txn.Set(r.Key(i), r.Value(i))
				}
			}
			if err != nil {
				txn.Discard()
				return err
			}
		}
		if err := txn.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// with opens an iterator for the time of f.
func (s *store) with(o badger.IteratorOptions, f func(it *badger.Iterator) error) error {
	return s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(o)
		defer it.Close()
		return f(it)
	})
}

// row counts where the iterator stands.
func row(it *badger.Iterator, sum *works.Sum) error {
	item := it.Item()
	return item.Value(func(value []byte) error {
		sum.Row(item.Key(), value)
		return nil
	})
}

func walk(o badger.IteratorOptions, s *store, sum *works.Sum) error {
	return s.with(o, func(it *badger.Iterator) error {
		for it.Rewind(); it.Valid(); it.Next() {
			if err := row(it, sum); err != nil {
				return err
			}
		}
		return nil
	})
}

// here reads values where they lie: nothing is to be fetched from a log.
func here() badger.IteratorOptions {
	o := badger.DefaultIteratorOptions
	o.PrefetchValues = false
	return o
}

func (s *store) Scan(sum *works.Sum) error { return walk(here(), s, sum) }

func reverse(s *store, w *works.Work) error {
	o := here()
	o.Reverse = true
	return walk(o, s, &w.Sum)
}

func count(s *store, w *works.Work) error {
	return s.with(here(), func(it *badger.Iterator) error {
		for it.Rewind(); it.Valid(); it.Next() {
			w.Sum.Rows++
			w.Sum.Bytes += it.Item().KeySize() + it.Item().ValueSize()
		}
		return nil
	})
}

func (s *store) get(key []byte, sum *works.Sum) error {
	return s.db.View(func(txn *badger.Txn) error { return lookup(txn, key, sum) })
}

func lookup(txn *badger.Txn, key []byte, sum *works.Sum) error {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return item.Value(func(value []byte) error {
		sum.Value(value)
		return nil
	})
}

func multiGet(s *store, w *works.Work) error {
	return w.EachGroup(func(keys [][]byte, sum *works.Sum) error {
		return s.db.View(func(txn *badger.Txn) error {
			for _, key := range keys {
				if err := lookup(txn, key, sum); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// from counts up to n rows from key on.
func from(it *badger.Iterator, key []byte, n int, sum *works.Sum) error {
	for it.Seek(key); it.Valid(); it.Next() {
		if err := row(it, sum); err != nil {
			return err
		}
		if n--; n == 0 {
			break
		}
	}
	return nil
}

func seek(s *store, w *works.Work) error {
	return s.with(here(), func(it *badger.Iterator) error {
		return w.EachKey(func(key []byte, sum *works.Sum) error { return from(it, key, w.N, sum) })
	})
}

func prefixCount(s *store, w *works.Work) error {
	return w.EachPrefix(func(prefix []byte, sum *works.Sum) error {
		o := here()
		o.Prefix = prefix
		return s.with(o, func(it *badger.Iterator) error {
			for it.Rewind(); it.ValidForPrefix(prefix); it.Next() {
				sum.Rows++
			}
			return nil
		})
	})
}

func replay(s *store, w *works.Work) error {
	return w.Replay(works.Steps{
		Get: s.get,
		Put: func(key, value []byte) error {
			return s.db.Update(func(txn *badger.Txn) error { return txn.Set(key, value) })
		},
		Scan: func(key []byte, n int, sum *works.Sum) error {
			return s.with(here(), func(it *badger.Iterator) error { return from(it, key, n, sum) })
		},
	})
}

func version() string { return program.ModuleVersion("github.com/dgraph-io/badger/v4") }

func main() {
	program.Main(map[string]program.Kind{
		"works": works.Engine[*store]{Name: "badger", Version: version, Open: open, Ways: ways}.Kind(),
	})
}
