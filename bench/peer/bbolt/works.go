package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/rockbridge-db/rockbridge/bench/works"
)

var ways = map[string]works.Way[*store]{
	"scan/cursor":    func(s *store, w *works.Work) error { return s.Scan(&w.Sum) },
	"reverse/cursor": reverse,
	"count/cursor":   count,
	"get/View":       func(s *store, w *works.Work) error { return w.EachKey(s.get) },
	"multiget/View":  multiGet,
	"seek/cursor":    seek,
	"prefix/cursor":  prefixCount,
	"ycsb/calls":     replay,
}

type store struct{ db *bbolt.DB }

// open has commits not wait for the disk, as the other peers' do not in these works: a crash of the machine, not of the
// process, may then cost the database.
func open(c works.Config) (*store, error) {
	if !c.Exists {
		if err := os.Mkdir(c.Dir, 0o755); err != nil {
			return nil, err
		}
	}
	o := *bbolt.DefaultOptions
	o.NoSync, o.NoGrowSync = true, true
	db, err := bbolt.Open(filepath.Join(c.Dir, "bolt.db"), 0o644, &o)
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &store{db}, nil
}

func (s *store) Close() error { return s.db.Close() }

// Settle has nothing to do but to bring the pages to disk: nothing happens in the background.
func (s *store) Settle() error { return s.db.Sync() }

func (s *store) Put(r *works.Rows, n int) error {
	for from := 0; from < r.Len(); from += n {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucket)
			for i := from; i < min(from+n, r.Len()); i++ {
				if err := b.Put(r.Key(i), r.Value(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// with opens a cursor for the time of f.
func (s *store) with(f func(c *bbolt.Cursor) error) error {
	return s.db.View(func(tx *bbolt.Tx) error { return f(tx.Bucket(bucket).Cursor()) })
}

func (s *store) Scan(sum *works.Sum) error {
	return s.with(func(c *bbolt.Cursor) error {
		for k, v := c.First(); k != nil; k, v = c.Next() {
			sum.Row(k, v)
		}
		return nil
	})
}

func reverse(s *store, w *works.Work) error {
	return s.with(func(c *bbolt.Cursor) error {
		for k, v := c.Last(); k != nil; k, v = c.Prev() {
			w.Sum.Row(k, v)
		}
		return nil
	})
}

func count(s *store, w *works.Work) error {
	return s.with(func(c *bbolt.Cursor) error {
		for k, v := c.First(); k != nil; k, v = c.Next() {
			w.Sum.Rows++
			w.Sum.Bytes += int64(len(k) + len(v))
		}
		return nil
	})
}

func (s *store) get(key []byte, sum *works.Sum) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		lookup(tx.Bucket(bucket), key, sum)
		return nil
	})
}

func lookup(b *bbolt.Bucket, key []byte, sum *works.Sum) {
	if v := b.Get(key); v != nil {
		sum.Value(v)
	}
}

func multiGet(s *store, w *works.Work) error {
	return w.EachGroup(func(keys [][]byte, sum *works.Sum) error {
		return s.db.View(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucket)
			for _, key := range keys {
				lookup(b, key, sum)
			}
			return nil
		})
	})
}

// from counts up to n rows from key on.
func from(c *bbolt.Cursor, key []byte, n int, sum *works.Sum) {
	for k, v := c.Seek(key); k != nil; k, v = c.Next() {
		sum.Row(k, v)
		if n--; n == 0 {
			return
		}
	}
}

func seek(s *store, w *works.Work) error {
	return s.with(func(c *bbolt.Cursor) error {
		return w.EachKey(func(key []byte, sum *works.Sum) error {
			from(c, key, w.N, sum)
			return nil
		})
	})
}

func prefixCount(s *store, w *works.Work) error {
	return w.EachPrefix(func(prefix []byte, sum *works.Sum) error {
		return s.with(func(c *bbolt.Cursor) error {
			for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
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
			return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put(key, value) })
		},
		Scan: func(key []byte, n int, sum *works.Sum) error {
			return s.with(func(c *bbolt.Cursor) error {
				from(c, key, n, sum)
				return nil
			})
		},
	})
}
