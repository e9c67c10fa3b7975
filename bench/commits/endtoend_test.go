package commits

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/launch"
	"github.com/rockbridge-db/rockbridge/bench/workload"
)

// TestEveryPeerCommits builds every program and does a tiny plan with all of them, down to the files of the report.
func TestEveryPeerCommits(t *testing.T) {
	all := Contenders
	programs, err := launch.Build(t.Context(), "..", t.TempDir(), Programs(all))
	if err != nil {
		t.Logf("without grocksdb, which needs a version for each RocksDB: %v", err)
		all, _ = Choose("rockbridge,pebble,bbolt", "") // none of them is unknown
		if programs, err = launch.Build(t.Context(), "..", t.TempDir(), Programs(all)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a mode that a peer does not have is refused", func(t *testing.T) { unknownModes(t, programs, all) })
	t.Run("every counter sees bbolt's two fsyncs", func(t *testing.T) { countersAgree(t, programs) })
	plan := Plan{
		Contenders: all, Widths: map[Kind][]int{Synced: {1, 4}, Unsynced: {2}}, Rounds: 1, Seed: 1,
		Base: workload.Spec{Duration: 20 * time.Millisecond, KeyBytes: 16, ValueBytes: 100, WarmRows: 10, Memtable: 4 << 20, Cache: 8 << 20},
	}
	if testing.Short() {
		plan.Widths[Synced] = []int{1}
	}
	r, err := Measure(t.Context(), plan, programs, t.TempDir(), !testing.Short(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range r.Measured {
		if len(all) < len(Contenders) && strings.HasPrefix(m.Version, "RocksDB 7.8.") {
			t.Errorf("grocksdb was not built for %s", m.Version)
		}
		if m.Commits == 0 || m.P50 <= 0 || m.Version == "" || m.Version == "unknown" || m.DiskBytes == 0 || m.PeakRSS == 0 {
			t.Errorf("%s: %+v", m.Contender.Name(), m.Result)
		}
		if one := m.CgoCalls == m.Commits; m.Contender.Name() == alone && !one {
			t.Errorf("%s: %d calls into C for %d commits", alone, m.CgoCalls, m.Commits)
		}
	}
	for _, c := range r.Counted {
		if c.Job.Goroutines == 1 && c.PerCommit < 0.9 {
			t.Errorf("%s: %.2f fsyncs for a synced commit of the only goroutine", c.Contender.Name(), c.PerCommit)
		}
	}
	out := t.TempDir()
	if err := r.WriteFiles(out); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{ReportFile, RawFile, "commits-synced.svg"} {
		if s, err := os.Stat(filepath.Join(out, file)); err != nil || s.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func unknownModes(t *testing.T, programs launch.Programs, contenders []Contender) {
	for _, c := range contenders {
		dir := filepath.Join(t.TempDir(), "db")
		s := workload.Spec{Mode: "no such", Dir: dir, Sync: true}
		if _, err := run(t.Context(), programs, c.Peer, s); err == nil || !strings.Contains(err.Error(), "no mode is called") {
			t.Errorf("%s takes any mode: %v", c.Peer, err)
		}
	}
}

// countersAgree looks at a commit of which it is known what it does: bbolt syncs its pages and then its meta page. Now
// and then it also syncs a file that it has made longer.
func countersAgree(t *testing.T, programs launch.Programs) {
	for _, c := range []*Counter{&perfCounter, &straceCounter} {
		if !c.works(t.Context(), t.TempDir()) {
			t.Logf("%s does not work here", c.Name)
			continue
		}
		s := workload.Spec{
			Mode: "update", Dir: filepath.Join(t.TempDir(), "db"), Sync: true, Goroutines: 1, Duration: 50 * time.Millisecond,
			KeyBytes: 16, ValueBytes: 100,
		}
		if n, err := c.PerCommit(t.Context(), programs, "bbolt", s); err != nil || n < 1.9 || n > 3 {
			t.Errorf("%s: %.2f fsyncs a commit: %v", c.Name, n, err)
		}
	}
}
