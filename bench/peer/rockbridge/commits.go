package main

import (
	"fmt"

	"github.com/rockbridge-db/rockbridge/bench/workload"
	"github.com/rockbridge-db/rockbridge/engine"
)

// modes are the ways in which rockbridge can commit.
var modes = map[string]func(*engine.Options){
	"grouped":         func(o *engine.Options) { o.Commit = engine.CommitGrouped },
	"pipelined":       func(o *engine.Options) { o.Commit = engine.CommitPipelined },
	"buffered":        func(o *engine.Options) { o.Extra = "manual_wal_flush=true;" + o.Extra },
	"alone":           func(o *engine.Options) { o.Commit = engine.CommitAlone },
	"alone-wide":      wide,
	"alone-pipelined": func(o *engine.Options) { wide(o); o.PipelinedWrite = true },
	"alone-unordered": func(o *engine.Options) { wide(o); o.UnorderedWrite = true },
}

// wide lets as many goroutines as it can into C at once: of its widest gate a quarter, 1,024, is for commits that go by
// themselves.
func wide(o *engine.Options) {
	o.Commit = engine.CommitAlone
	o.Gate = 4096
}

type committer struct {
	db *engine.DB
	o  *engine.WriteOptions
}

func openCommits(s workload.Spec) (workload.Store, error) {
	mode, ok := modes[s.Mode]
	if !ok {
		return nil, fmt.Errorf("rockbridge: no mode is called %q", s.Mode)
	}
	o := &engine.Options{ErrorIfExists: true, BlockCacheSize: s.Cache, Extra: s.Options}
	o.WriteBufferSize, o.Compression = s.Memtable, engine.NoCompression
	mode(o)
	db, err := engine.Open(s.Dir, o)
	if err != nil {
		return nil, err
	}
	return &committer{db, &engine.WriteOptions{Sync: s.Sync}}, nil
}

func (s *committer) Commit(key, value []byte) error { return s.db.Put(key, value, s.o) }

func (s *committer) Fill(rows int, row func(int) (key, value []byte)) error {
	for i := range rows {
		key, value := row(i)
		if err := s.db.Put(key, value, nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *committer) Get(key []byte) ([]byte, error) { return s.db.Get(key, nil) }

func (s *committer) Close() error { return s.db.Close() }

func version() string { return "RocksDB " + engine.Version() }
