//go:build grocksdb

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/linxGnu/grocksdb"

	"github.com/rockbridge-db/rockbridge/bench/program"
	"github.com/rockbridge-db/rockbridge/bench/workload"
)

type committer struct {
	db   *grocksdb.DB
	o    *grocksdb.WriteOptions
	fill *grocksdb.WriteOptions
	read *grocksdb.ReadOptions
}

func openCommits(s workload.Spec) (workload.Store, error) {
	if s.Mode != "" {
		return nil, fmt.Errorf("grocksdb: no mode is called %q", s.Mode)
	}
	table := grocksdb.NewDefaultBlockBasedTableOptions()
	table.SetBlockCache(grocksdb.NewLRUCache(uint64(s.Cache)))
	o := grocksdb.NewDefaultOptions()
	o.SetCreateIfMissing(true)
	o.SetErrorIfExists(true)
	o.SetWriteBufferSize(uint64(s.Memtable))
	o.SetCompression(grocksdb.NoCompression)
	o.SetBlockBasedTableFactory(table)
	if s.Options != "" {
		named, err := grocksdb.GetOptionsFromString(o, s.Options)
		if err != nil {
			return nil, err
		}
		o = named
	}
	db, err := grocksdb.OpenDb(o, s.Dir)
	if err != nil {
		return nil, err
	}
	write := grocksdb.NewDefaultWriteOptions()
	write.SetSync(s.Sync)
	return &committer{db, write, grocksdb.NewDefaultWriteOptions(), grocksdb.NewDefaultReadOptions()}, nil
}

func (s *committer) Commit(key, value []byte) error { return s.db.Put(s.o, key, value) }

func (s *committer) Fill(rows int, row func(int) (key, value []byte)) error {
	for i := range rows {
		key, value := row(i)
		if err := s.db.Put(s.fill, key, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *committer) Get(key []byte) ([]byte, error) { return s.db.GetBytes(s.read, key) }

func (s *committer) Close() error {
	s.db.Close()
	return nil
}

// library reads the version of RocksDB off the OPTIONS file of a database made for it: the C API does not tell it.
func library() string {
	const unknown = "RocksDB of unknown version"
	dir, err := os.MkdirTemp("", "grocksdb")
	if err != nil {
		return unknown
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left of it harms nobody
	o := grocksdb.NewDefaultOptions()
	o.SetCreateIfMissing(true)
	db, err := grocksdb.OpenDb(o, dir)
	if err != nil {
		return unknown
	}
	db.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "OPTIONS-*")) // the pattern is well formed
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return unknown
		}
		if _, rest, ok := strings.Cut(string(b), "rocksdb_version="); ok {
			v, _, _ := strings.Cut(rest, "\n")
			return "RocksDB " + v
		}
	}
	return unknown
}

func version() string {
	return program.ModuleVersion("github.com/linxGnu/grocksdb") + " on " + library()
}
