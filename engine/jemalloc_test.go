package engine_test

import (
	"bytes"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// TestTheTagPutsRocksDBsMemoryIntoJemalloc holds with build tag rb_jemalloc and without it, unless the
// machine preloads an allocator.
func TestTheTagPutsRocksDBsMemoryIntoJemalloc(t *testing.T) {
	before := engine.ReadProcessMetrics()
	if (before.Allocator == "jemalloc") != withJemalloc {
		t.Fatalf("%+v, linked with jemalloc: %v", before, withJemalloc)
	}
	if !withJemalloc {
		return
	}
	db := openTemp(t, nil)
	value := bytes.Repeat([]byte("v"), 1<<20)
	for i := range 8 {
		mustDo(t, db.Put([]byte{byte(i)}, value, nil))
	}
	if after := engine.ReadProcessMetrics(); after.AllocatorInUse < before.AllocatorInUse+8<<20 {
		t.Errorf("%d bytes in use after 8 MiB went to a memtable, %d before", after.AllocatorInUse, before.AllocatorInUse)
	}
}
