package engine_test

import (
	"flag"
	"fmt"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/linked"
)

// nameTheLibrary says, above the figures of benchmarks, which RocksDB they are of: a line as the ones that go test
// itself prints there, which benchstat takes as a property of the run.
func nameTheLibrary() {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() != "" {
		fmt.Printf("rocksdb: %s, %s\n", engine.Version(), linked.Here())
	}
}
