package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// writeModes are the ways in which RocksDB lets writers through.
var writeModes = map[string]engine.Options{
	"plain": {}, "pipelined": {PipelinedWrite: true}, "unordered": {UnorderedWrite: true},
}

// Modes that exclude each other are refused before there is a file, however they are asked for.
func TestWriteModesThatContradictEachOther(t *testing.T) {
	for name, o := range map[string]engine.Options{
		"both":                         {PipelinedWrite: true, UnorderedWrite: true},
		"pipelined and by name":        {PipelinedWrite: true, Extra: "unordered_write=true"},
		"unordered and by name":        {UnorderedWrite: true, Extra: "max_open_files=50; enable_pipelined_write = 1 "},
		"both by name":                 {Extra: "unordered_write=true;enable_pipelined_write=true"},
		"pipelined, two queues":        {PipelinedWrite: true, Extra: "two_write_queues=true"},
		"unordered, two queues":        {UnorderedWrite: true, Extra: "two_write_queues=true"},
		"pipelined, two queues, names": {Extra: "two_write_queues=true;enable_pipelined_write=true"},
		"pipelined, atomic flush":      {PipelinedWrite: true, Extra: "atomic_flush=true"},
		"unordered, not concurrent":    {UnorderedWrite: true, Extra: "allow_concurrent_memtable_write=false"},
	} {
		dir := filepath.Join(t.TempDir(), "db")
		_, err := engine.Open(dir, &o)
		expectError(t, name, err, engine.ErrInvalidArgument)
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: there are files: %v", name, err)
		}
	}
}

// RocksDB itself refuses merges in place under unordered writes: when it opens a family, makes one, and
// changes its options.
func TestUnorderedWritesRefuseSuccessiveMerges(t *testing.T) {
	const merges = "max_successive_merges=2"
	_, err := engine.Open(filepath.Join(t.TempDir(), "db"), &engine.Options{UnorderedWrite: true, Extra: merges})
	expectError(t, "open", err, engine.ErrInvalidArgument)
	db := openTemp(t, &engine.Options{UnorderedWrite: true})
	_, err = db.CreateColumnFamily("f", &engine.FamilyOptions{Extra: merges})
	expectError(t, "create", err, engine.ErrInvalidArgument)
	err = newFamily(t, db, "g").SetOptions(map[string]string{"max_successive_merges": "2"})
	expectError(t, "set", err, engine.ErrInvalidArgument)
	if err := usable(func() error { return db.Put([]byte("k"), nil, nil) }); err != nil {
		t.Error(err)
	}
}

// The mode that was asked for is in force; of a field and Extra, Extra counts; and no mode is kept.
func TestWriteModesInForce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	for _, x := range []struct {
		o                    engine.Options
		pipelined, unordered string
	}{
		{engine.Options{PipelinedWrite: true}, "true", "false"},
		{engine.Options{UnorderedWrite: true}, "false", "true"},
		{engine.Options{Extra: "unordered_write=true"}, "false", "true"},
		{engine.Options{PipelinedWrite: true, Extra: "enable_pipelined_write=false;unordered_write=true"}, "false", "true"},
		{engine.Options{}, "false", "false"},
	} {
		db := openDir(t, dir, &x.o)
		o, err := db.Options()
		if err != nil || o["enable_pipelined_write"] != x.pipelined || o["unordered_write"] != x.unordered {
			t.Errorf("%+v: pipelined %s, unordered %s; %v", x.o, o["enable_pipelined_write"], o["unordered_write"], err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
