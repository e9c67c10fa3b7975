package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/rockbridge-db/rockbridge/engine"
)

type badgerSource struct {
	db      *badger.DB
	keepTTL bool
	now     uint64 // what has expired by then is left out, however long the reading takes

	withTTL, withMeta int // rows
}

func openBadger(dir string, c *choices) (source, error) {
	o := badger.DefaultOptions(dir).WithReadOnly(true).WithLogger(nil).WithMetricsEnabled(false).
		WithChecksumVerificationMode(options.OnBlockRead).WithVerifyValueChecksum(true)
	db, err := badger.Open(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if err := verifyTables(db); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is damaged: %w", dir, err), db.Close())
	}
	return &badgerSource{db: db, keepTTL: c.keepTTL, now: uint64(time.Now().Unix())}, nil
}

// verifyTables reads every table before any row: an iterator of Badger's takes a damaged block for the end of its table, without a
// word. Where a checksum does not fit, Badger itself may panic.
func verifyTables(db *badger.DB) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a block of a table does not fit its checksum (%v)", p)
		}
	}()
	return db.VerifyChecksum()
}

func (s *badgerSource) families() ([]family, error) {
	return []family{{name: "default", ttl: s.keepTTL, rows: s.rows}}, nil
}

// rows walks over all versions, the newest of a key first: Badger's own way to leave out what has expired looks at the clock, and
// two passes would differ.
func (s *badgerSource) rows(f func(key, value []byte) error) error {
	s.withTTL, s.withMeta = 0, 0
	return s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{PrefetchValues: true, PrefetchSize: 100, AllVersions: true})
		defer it.Close()
		var last []byte
		first := true
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			if !first && bytes.Equal(item.Key(), last) {
				continue
			}
			first, last = false, item.KeyCopy(last)
			if err := s.row(item, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *badgerSource) row(item *badger.Item, f func(key, value []byte) error) error {
	expires := item.ExpiresAt()
	switch {
	case expires == 0 && item.IsDeletedOrExpired(): // deleted
		return nil
	case expires != 0 && expires <= s.now:
		return nil
	case expires != 0:
		s.withTTL++
	}
	if item.UserMeta() != 0 {
		s.withMeta++
	}
	return item.Value(func(value []byte) error {
		if s.keepTTL {
			var at time.Time
			if expires != 0 {
				at = time.Unix(int64(expires), 0)
			}
			value = engine.WithTTL(value, at)
		}
		return f(item.Key(), value)
	})
}

func (s *badgerSource) notes() (notes []string) {
	if s.withTTL > 0 && !s.keepTTL {
		notes = append(notes, fmt.Sprintf("%d rows had a TTL, which was left out: --keep-ttl keeps it", s.withTTL))
	}
	if s.withMeta > 0 {
		notes = append(notes, fmt.Sprintf("%d rows had user metadata, which was left out", s.withMeta))
	}
	return notes
}

func (s *badgerSource) close() error { return s.db.Close() }
