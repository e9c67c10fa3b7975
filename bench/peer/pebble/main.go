// Program pebble is the benchmarks' peer over Pebble.
package main

import (
	"github.com/rockbridge-db/rockbridge/bench/program"
	"github.com/rockbridge-db/rockbridge/bench/workload"
	"github.com/rockbridge-db/rockbridge/bench/works"
)

func main() {
	program.Main(map[string]program.Kind{
		"commits": workload.Peer{Name: "pebble", Version: version, Open: openCommits}.Kind(),
		"works":   works.Engine[*store]{Name: "pebble", Version: version, Open: open, Ways: ways}.Kind(),
	})
}
