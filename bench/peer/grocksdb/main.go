//go:build grocksdb

// Program grocksdb is the benchmarks' peer over grocksdb, on the same RocksDB library as rockbridge.
//
// Each version of grocksdb compiles with the headers of some versions of RocksDB only, this one with 7.8's. Hence the
// build tag: the tests of the module must pass with every RocksDB. The programs are built with it.
package main

import (
	"github.com/rockbridge-db/rockbridge/bench/program"
	"github.com/rockbridge-db/rockbridge/bench/workload"
	"github.com/rockbridge-db/rockbridge/bench/works"
)

func main() {
	program.Main(map[string]program.Kind{
		"commits": workload.Peer{Name: "grocksdb", Version: version, Open: openCommits}.Kind(),
		"works":   works.Engine[*store]{Name: "grocksdb", Version: version, Open: open, Ways: ways}.Kind(),
	})
}
