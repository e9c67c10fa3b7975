package engine

import (
	"os"
	"strconv"
	"strings"
)

// maxOpeningThreads is RocksDB's default.
const maxOpeningThreads = 16

// openingThreads has RocksDB start no more threads to open tables than there are tables. By itself it starts 15 and
// ends them again for each family (VersionBuilder::LoadTableHandlers), also where there is nothing to open.
func (o *Options) openingThreads(dir string) string {
	if o.InMemory != nil {
		return "max_file_opening_threads=1" // dir is no folder, and nothing waits for a disk
	}
	entries, _ := os.ReadDir(dir) // what cannot be read, RocksDB tells of
	tables := 0
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".sst") || strings.HasSuffix(e.Name(), ".ldb") {
			tables++
		}
	}
	return "max_file_opening_threads=" + strconv.Itoa(min(max(tables, 1), maxOpeningThreads))
}
