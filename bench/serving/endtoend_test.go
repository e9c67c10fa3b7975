package serving

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/launch"
)

// TestBothServersAreMeasured does a tiny plan with both, down to the files of the report.
func TestBothServersAreMeasured(t *testing.T) {
	b, err := FindRedis()
	if err != nil {
		if os.Getenv("ROCKBRIDGE_MUST_RUN") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	b.Rockbridge = filepath.Join(t.TempDir(), "rockbridge")
	if err := launch.BuildCommand(t.Context(), "../../cmd/rockbridge", b.Rockbridge); err != nil {
		t.Fatal(err)
	}
	t.Run("a server that does not start tells why", func(t *testing.T) {
		wrong := Plan{Cache: -1, Memtable: -1}
		if _, err := start(t.Context(), Rockbridge, b, wrong, EverySecond, t.TempDir()); err == nil || !strings.Contains(err.Error(), "rocksdb-block-cache") {
			t.Errorf("%v", err)
		}
	})
	plan := Plan{
		Works: []string{"get", "mset"}, Durabilities: []Durability{EverySecond, Always}, Pipelines: []int{4}, Clients: []int{3}, Rounds: 1,
		Duration: time.Millisecond, Keys: 1200, Value: 100, Cache: 8 << 20, Memtable: 4 << 20, MemoryKeys: 2000,
	}
	r, err := Measure(t.Context(), plan, b, t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if want := 6; len(r.Measured) != want {
		t.Errorf("%d runs, want %d", len(r.Measured), want)
	}
	for _, m := range r.Measured {
		if m.Rate <= 0 || m.P50 <= 0 || m.P99 < m.P50 || m.Requests < 1000 {
			t.Errorf("%+v", m)
		}
	}
	for _, m := range r.Memory {
		if m.Loaded == 0 || m.Read == 0 || m.Peak < m.Read || m.Disk < 100*2000 || m.Reads.Rate == 0 {
			t.Errorf("%+v", m)
		}
	}
	if len(r.Memory) != 2 || !strings.Contains(r.Versions[0], "RocksDB") || !strings.Contains(r.Versions[1], "Redis") {
		t.Errorf("%+v %+v", r.Memory, r.Versions)
	}
	if err := r.WriteFiles(t.TempDir()); err != nil {
		t.Error(err)
	}
}
