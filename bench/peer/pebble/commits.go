package main

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/rockbridge-db/rockbridge/bench/program"
	"github.com/rockbridge-db/rockbridge/bench/workload"
)

type committer struct {
	db *pebble.DB
	o  *pebble.WriteOptions
}

// silent keeps Pebble's messages out of the results; what is fatal still ends the process.
type silent struct{}

func (silent) Infof(string, ...any)           {}
func (silent) Errorf(string, ...any)          {}
func (silent) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

func openCommits(s workload.Spec) (workload.Store, error) {
	if s.Mode != "" {
		return nil, fmt.Errorf("pebble: no mode is called %q", s.Mode)
	}
	o := &pebble.Options{
		ErrorIfExists: true, CacheSize: s.Cache, MemTableSize: uint64(s.Memtable),
		FormatMajorVersion: pebble.FormatNewest, Logger: silent{},
	}
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	db, err := pebble.Open(s.Dir, o)
	if err != nil {
		return nil, err
	}
	write := pebble.NoSync
	if s.Sync {
		write = pebble.Sync
	}
	return &committer{db, write}, nil
}

func (s *committer) Commit(key, value []byte) error { return s.db.Set(key, value, s.o) }

func (s *committer) Fill(rows int, row func(int) (key, value []byte)) error {
	for i := range rows {
		key, value := row(i)
		if err := s.db.Set(key, value, pebble.NoSync); err != nil {
			return err
		}
	}
	return nil
}

func (s *committer) Get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if err != nil {
		return nil, err
	}
	v = append([]byte(nil), v...)
	return v, closer.Close()
}

func (s *committer) Close() error { return s.db.Close() }

func version() string { return program.ModuleVersion("github.com/cockroachdb/pebble/v2") }
