package server_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// What nobody chose is for single keys at random, and what somebody chose stays.
func TestOptionsFillInWhatIsLeftOpen(t *testing.T) {
	for name, c := range map[string]struct {
		given        engine.FamilyOptions
		size, filter string
		hashes       bool
	}{
		"nothing":  {engine.FamilyOptions{}, "8388608", "0.050000", true},
		"a size":   {engine.FamilyOptions{WriteBufferSize: 1 << 20}, "1048576", "0.050000", true},
		"a string": {engine.FamilyOptions{Extra: "max_write_buffer_number=3"}, "8388608", "0.000000", false},
	} {
		dir := filepath.Join(t.TempDir(), "db")
		db, err := engine.Open(dir, server.Options(engine.Options{FamilyOptions: c.given}))
		if err != nil {
			t.Fatal(err)
		}
		o, err := db.ColumnFamilies()[0].Options()
		if err != nil {
			t.Fatal(err)
		}
		if o["write_buffer_size"] != c.size || o["memtable_prefix_bloom_size_ratio"] != c.filter {
			t.Errorf("%s: memtables of %s with a filter of %s", name, o["write_buffer_size"], o["memtable_prefix_bloom_size_ratio"])
		}
		if got := strings.Contains(optionsFile(t, dir), "data_block_index_type=kDataBlockBinaryAndHash"); got != c.hashes {
			t.Errorf("%s: blocks have tables of hashes: %v", name, got)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// optionsFile is what RocksDB has written of an open database's options: those of tables too.
func optionsFile(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	b, err := os.ReadFile(slices.Max(names))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
