package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/rockbridge-db/rockbridge/bench/program"
	"github.com/rockbridge-db/rockbridge/bench/workload"
)

// modes are bbolt's two ways to commit: each call a transaction of its own, or gathered with those of other goroutines.
var modes = map[string]func(*bbolt.DB, func(*bbolt.Tx) error) error{
	"update": (*bbolt.DB).Update,
	"batch":  (*bbolt.DB).Batch,
}

var bucket = []byte("rows")

// fillRows are put by one transaction.
const fillRows = 10_000

type committer struct {
	db     *bbolt.DB
	commit func(*bbolt.DB, func(*bbolt.Tx) error) error
}

func openCommits(s workload.Spec) (workload.Store, error) {
	mode, ok := modes[s.Mode]
	if !ok {
		return nil, fmt.Errorf("bbolt: no mode is called %q", s.Mode)
	}
	if !s.Sync {
		return nil, errors.New("bbolt: without syncs a crash of the machine may leave no database: not compared")
	}
	if err := os.Mkdir(s.Dir, 0o755); err != nil {
		return nil, err
	}
	db, err := bbolt.Open(filepath.Join(s.Dir, "bolt.db"), 0o644, nil)
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &committer{db, mode}, nil
}

func (s *committer) Commit(key, value []byte) error {
	return s.commit(s.db, func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put(key, value) })
}

func (s *committer) Fill(rows int, row func(int) (key, value []byte)) error {
	for i := 0; i < rows; i += fillRows {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			for j := i; j < min(i+fillRows, rows); j++ {
				key, value := row(j)
				// Values are kept by reference until the transaction ends.
				if err := tx.Bucket(bucket).Put(key, append([]byte(nil), value...)); err != nil {
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

func (s *committer) Get(key []byte) (value []byte, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucket).Get(key)
		if v == nil {
			return errors.New("bbolt: no such key")
		}
		value = append([]byte(nil), v...)
		return nil
	})
	return value, err
}

func (s *committer) Close() error { return s.db.Close() }

func version() string { return program.ModuleVersion("go.etcd.io/bbolt") }
