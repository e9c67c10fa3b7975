package engine_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// RocksDB starts 15 threads for each family at Open, unless it is told how few tables there are.
func TestOpenStartsNoMoreThreadsThanThereAreTables(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	for _, want := range []string{"1", "3", "16"} {
		db := openDir(t, dir, &engine.Options{Extra: manualCompactions})
		options, err := db.Options()
		mustDo(t, err)
		if got := options["max_file_opening_threads"]; got != want {
			t.Errorf("max_file_opening_threads=%s, want %s", got, want)
		}
		for i := range map[string]int{"1": 3, "3": 20, "16": 0}[want] {
			mustDo(t, db.Put(fmt.Append(nil, i), []byte("v"), nil))
			mustDo(t, db.Flush())
		}
		mustDo(t, db.Close())
	}
	db := openDir(t, dir, &engine.Options{Extra: "max_file_opening_threads=5"})
	defer db.Close()
	if options, err := db.Options(); err != nil || options["max_file_opening_threads"] != "5" {
		t.Errorf("%v: %v", options["max_file_opening_threads"], err)
	}
}
