package compare

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/bench/launch"
	"github.com/rockbridge-db/rockbridge/bench/works"
)

// build compiles all programs; without a version of grocksdb for the RocksDB here, all but that one.
func build(t *testing.T) (programs launch.Programs, peers []string, tracer string) {
	t.Helper()
	dir := t.TempDir()
	peers = Peers
	programs, err := launch.Build(t.Context(), "..", dir, peers)
	if err != nil {
		t.Logf("without grocksdb, which needs a version for each RocksDB: %v", err)
		peers = slices.DeleteFunc(slices.Clone(Peers), func(p string) bool { return p == grocksdb })
		if programs, err = launch.Build(t.Context(), "..", dir, peers); err != nil {
			t.Fatal(err)
		}
	}
	if tracer, err = launch.Trace(t.Context(), "..", dir); err != nil {
		t.Fatal(err)
	}
	return programs, peers, tracer
}

// TestAllPeersDoTheSameWork builds every program and does every work in every way on a few hundred rows, down to the
// files of the report: Measure fails if what they saw differs.
func TestAllPeersDoTheSameWork(t *testing.T) {
	programs, peers, tracer := build(t)
	t.Run("the table names what the programs can do", func(t *testing.T) { sameWays(t, programs, peers) })
	small := Setting{Name: Core.Name, KeyBytes: 16, ValueBytes: 100, Rows: 700, Scale: 0.002, Cache: 8 << 20, Memtable: 8 << 20}
	plan := Plan{Peers: peers, Settings: []Setting{small}, Rounds: 1, Seed: *seed}
	t.Logf("-seed=%d", *seed)
	if !testing.Short() {
		large := small
		large.Name, large.KeyBytes, large.ValueBytes, large.Lasting = "large", 24, 10<<10, true
		plan.Settings = append(plan.Settings, large)
	}
	r, err := Measure(t.Context(), plan, programs, tracer, t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	everyWay(t, r)
	for _, m := range r.Measured {
		if m.Elapsed <= 0 || m.PeakRSS == 0 {
			t.Errorf("%s %s: %+v", m.Work, m.Way.name(), m.Result)
		}
		if !strings.HasPrefix(m.Work, "load") && m.Work != "batches" && m.Work != "overwrite" && m.Work != "get-missing" && m.Sum.Rows == 0 {
			t.Errorf("%s %s saw no row", m.Work, m.Way.name())
		}
		if first, _ := find(m.Work); m.Way.Way == "Get" && m.Work == "get-hit" && m.Sum.Rows != m.Units {
			t.Errorf("%s found %d of %d rows", first.Name, m.Sum.Rows, m.Units)
		}
	}
	for _, peer := range peers {
		if r.Versions[peer] == "" || strings.Contains(r.Versions[peer], "unknown") || r.Disk[Core.Name][peer] == 0 {
			t.Errorf("%s: version %q, %d bytes on disk", peer, r.Versions[peer], r.Disk[Core.Name][peer])
		}
	}
	out := t.TempDir()
	if err := r.WriteFiles(out, "peers"); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"peers.md", "peers.txt", "peers-core-reads.svg", "peers-core-writes.svg"} {
		if s, err := os.Stat(filepath.Join(out, file)); err != nil || s.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// everyWay wants a turn of each way of the table, and looks for sums over bytes that at least two peers have.
func everyWay(t *testing.T, r *Run) {
	t.Helper()
	for _, s := range r.Plan.Settings {
		for _, stage := range r.Plan.Stages(s) {
			for _, d := range stage.Works {
				sums := 0
				for _, w := range r.Plan.ways(d, "") {
					if len(r.values(s.Name, d.Name, w.Peer, w.Way, nanos)) != r.Plan.Rounds {
						t.Errorf("%s: %s had no turn", d.Name, w.name())
					}
				}
				for _, m := range r.Measured {
					if m.Work == d.Name && m.Sum.Check != 0 {
						sums++
					}
				}
				looked := d.Work != "put" && d.Work != "count" && d.Work != "prefix" && d.Work != "build" && d.Keys != works.Missing
				if looked && sums < 2 {
					t.Errorf("%s: %d ways have looked at the bytes", d.Name, sums)
				}
			}
		}
	}
}

// sameWays compares the table with the tables in the programs.
func sameWays(t *testing.T, programs launch.Programs, peers []string) {
	for _, peer := range peers {
		var res works.Result
		if err := programs.Run(t.Context(), peer, "works", limit, works.Request{Do: "ways"}, &res); err != nil {
			t.Fatal(err)
		}
		var named []string
		for _, stage := range Stages {
			for _, d := range stage.Works {
				for _, w := range d.Ways {
					if w.Peer == peer && d.Work != "put" {
						named = append(named, d.Work+"/"+w.Way)
					}
				}
			}
		}
		slices.Sort(named)
		if named = slices.Compact(named); !slices.Equal(named, res.Ways) {
			t.Errorf("%s can %q; the table says %q", peer, res.Ways, named)
		}
	}
}
