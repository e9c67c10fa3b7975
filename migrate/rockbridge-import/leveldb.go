package main

import (
	"errors"
	"fmt"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/storage"
)

type levelSource struct {
	db    *leveldb.DB
	files storage.Storage
}

func openLevelDB(dir string) (source, error) {
	files, err := storage.OpenFile(dir, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	db, err := leveldb.Open(files, &opt.Options{ReadOnly: true, ErrorIfMissing: true, Strict: opt.StrictAll})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, errors.Join(err, files.Close()))
	}
	return &levelSource{db, files}, nil
}

func (s *levelSource) families() ([]family, error) {
	return []family{{name: "default", rows: s.rows}}, nil
}

func (s *levelSource) rows(f func(key, value []byte) error) error {
	it := s.db.NewIterator(nil, &opt.ReadOptions{DontFillCache: true, Strict: opt.StrictAll})
	defer it.Release()
	for it.Next() {
		if err := f(it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return it.Error()
}

func (s *levelSource) notes() []string { return nil }

func (s *levelSource) close() error { return errors.Join(s.db.Close(), s.files.Close()) }
