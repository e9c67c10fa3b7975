package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

type boltSource struct {
	db        *bbolt.DB
	path      string
	prefix    bool // buckets become prefixes of the keys
	separator []byte

	sequences int // buckets that have one
}

func openBolt(path string, c *choices) (source, error) {
	separator, err := hex.DecodeString(c.separator)
	if err != nil || len(separator) == 0 {
		return nil, usagef("--separator %s: bytes in hexadecimal are wanted", c.separator)
	}
	s := &boltSource{path: path, prefix: c.buckets == "prefix", separator: separator}
	err = s.guarded(func() (err error) {
		s.db, err = bbolt.Open(path, 0o400, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%s: it is open for writing elsewhere", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// guarded calls f and makes errors of panics: bbolt has neither checksums nor errors for what is damaged, and follows numbers of
// pages to wherever they lead.
func (s *boltSource) guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s is damaged: %v", s.path, p)
		}
	}()
	return f()
}

// bucket is one at any depth, by the names of those that hold it and its own.
type bucket [][]byte

func (b bucket) find(tx *bbolt.Tx) *bbolt.Bucket {
	found := tx.Bucket(b[0])
	for _, name := range b[1:] {
		found = found.Bucket(name)
	}
	return found
}

func (s *boltSource) families() ([]family, error) {
	s.sequences = 0
	var all []bucket
	err := s.guarded(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			if err := checkBoltPages(s.path, tx); err != nil {
				return fmt.Errorf("%s is damaged: %w", s.path, err)
			}
			return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
				return s.collect(b, bucket{bytes.Clone(name)}, &all)
			})
		})
	})
	if err != nil {
		return nil, err
	}
	if s.prefix {
		return s.onePrefixed(all)
	}
	return s.oneEach(all)
}

// collect lists a bucket and those within it.
func (s *boltSource) collect(b *bbolt.Bucket, path bucket, all *[]bucket) error {
	*all = append(*all, path)
	if b.Sequence() != 0 {
		s.sequences++
	}
	return b.ForEachBucket(func(name []byte) error {
		within := append(path[:len(path):len(path)], bytes.Clone(name))
		return s.collect(b.Bucket(name), within, all)
	})
}

func (s *boltSource) oneEach(all []bucket) (families []family, err error) {
	seen := map[string]bool{}
	for _, b := range all {
		name := string(bytes.Join(b, []byte("/")))
		if seen[name] {
			return nil, fmt.Errorf("two buckets would become the family %q: use --buckets prefix", name)
		}
		seen[name] = true
		families = append(families, family{name: name, rows: func(f func(key, value []byte) error) error {
			return s.rows(b, nil, f)
		}})
	}
	return families, nil
}

func (s *boltSource) onePrefixed(all []bucket) ([]family, error) {
	for _, b := range all {
		for _, name := range b {
			if bytes.Contains(name, s.separator) {
				return nil, fmt.Errorf("the name of the bucket %q has the separator %q in it: use another --separator", name, s.separator)
			}
		}
	}
	return []family{{name: "default", rows: func(f func(key, value []byte) error) error {
		for _, b := range all {
			prefix := append(bytes.Join(b, s.separator), s.separator...)
			if err := s.rows(b, prefix, f); err != nil {
				return err
			}
		}
		return nil
	}}}, nil
}

// rows gives the rows of one bucket, without those of buckets within it. That keys ascend is all that can be checked.
func (s *boltSource) rows(b bucket, prefix []byte, f func(key, value []byte) error) error {
	var fErr error
	err := s.guarded(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			var key, last []byte
			first := true
			return b.find(tx).ForEach(func(k, v []byte) error {
				if !first && bytes.Compare(last, k) >= 0 {
					return fmt.Errorf("%s is damaged: a key is not above the one before it", s.path)
				}
				first, last = false, append(last[:0], k...)
				if v == nil { // a bucket
					return nil
				}
				key = append(append(key[:0], prefix...), k...)
				fErr = f(key, v)
				return fErr
			})
		})
	})
	if fErr != nil {
		return fErr
	}
	return err
}

func (s *boltSource) notes() []string {
	if s.sequences == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d buckets had a sequence, which was left out", s.sequences)}
}

func (s *boltSource) close() error { return s.guarded(s.db.Close) }
