package server_test

import (
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// What nobody chose is for single keys at random, and what somebody chose stays.
func TestOptionsFillInWhatIsLeftOpen(t *testing.T) {
	for name, c := range map[string]struct {
		given        engine.FamilyOptions
		size, filter string
	}{
		"nothing":  {engine.FamilyOptions{}, "8388608", "0.050000"},
		"a size":   {engine.FamilyOptions{WriteBufferSize: 1 << 20}, "1048576", "0.050000"},
		"a string": {engine.FamilyOptions{Extra: "max_write_buffer_number=3"}, "8388608", "0.000000"},
	} {
		db, err := engine.Open(filepath.Join(t.TempDir(), "db"), server.Options(engine.Options{FamilyOptions: c.given}))
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
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
