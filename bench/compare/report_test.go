package compare

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/launch"
	"github.com/rockbridge-db/rockbridge/bench/program"
	"github.com/rockbridge-db/rockbridge/bench/works"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the order and the keys")

// invented is a run whose numbers can be checked by hand: a unit takes 100 ns in the first round and 200 in the second,
// by the C loop; others take as many times that as slower says for their peer, or for peer, work and way.
func invented(slower map[string]float64) *Run {
	r := &Run{
		Plan:    Plan{Peers: Peers, Settings: []Setting{Core}, Rounds: 2, Seed: 7},
		Machine: launch.Machine{CPU: "A processor", Cores: 2, MemoryGiB: 24, Kernel: "Linux 6", FileSystem: "ext4 on /dev/disk"},
		Go:      "go1.26", Versions: map[string]string{rockbridge: "RocksDB 9.11.2", cloop: "RocksDB 9.11.2", pebble: "v2"},
		Library: launch.Library{File: "/opt/librocksdb.so.9.11", Assertions: "off"},
		Differ:  []string{"`DBOptions x`: rockbridge \"1\", cloop \"2\", grocksdb \"2\""},
		Loads:   [2]string{"0.10", "2.00"}, Disk: map[string]map[string]int64{Core.Name: {pebble: 3 << 20}},
		Took: 90 * time.Second, Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	for round := range 2 {
		for _, stage := range Stages {
			for _, d := range stage.Works {
				for _, w := range d.Ways {
					factor := 1.0
					for _, key := range []string{w.Peer, w.Peer + " " + d.Name, w.Peer + " " + d.Name + " " + w.Way} {
						if f, ok := slower[key]; ok {
							factor = f
						}
					}
					r.Measured = append(r.Measured, Measured{Core.Name, d.Name, w, round, 1000, works.Result{
						Elapsed: time.Duration(factor * float64(round+1) * 100_000), Sum: works.Sum{Rows: 1000},
						Used: program.Used{CPU: 150_000, CgoCalls: 2000, Mallocs: 1000, AllocBytes: 112_000, PeakRSS: 20 << 20},
					}})
				}
			}
		}
	}
	return r
}

func text(t *testing.T, r *Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteMarkdown(&b, "peers.txt", map[string][]string{Core.Name: {"a.svg"}}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReportSaysWhatWasMeasured(t *testing.T) {
	s := text(t, invented(map[string]float64{rockbridge: 1.5, grocksdb: 3, pebble: 1.2, badger: 4, bbolt: 5}))
	for _, want := range []string{
		"| full scan (row) | 225 (150 to 300) | 150 (100 to 200) | 450 (300 to 600) | 180 (120 to 240) | 600 (400 to 800) | 750 (500 to 1,000) |",
		"| full scan (row) | 1.50 (1.50 to 1.50) | 1.00 (1.00 to 1.00) | 3.00 (3.00 to 3.00) |",
		"| full scan | `pebble iterator` | 0.80 (0.80 to 0.80) | slower |",
		"| `grocksdb Key+Value` | 450 (300 to 600) | 3.00 (3.00 to 3.00) | 150 | 2.00 | 1.00 | 112 | 20.0 |",
		"| full scan by `NextChunk`: time over the C loop at most 1.05 | 1.50 (1.50 to 1.50) | missed |",
		"| full scan against grocksdb's usual loop: at least 3 times as fast | 2.00 (2.00 to 2.00) | missed |",
		"| seek and 1 row against grocksdb: at least 1.5 times as fast | 2.00 (2.00 to 2.00) | met |",
		"| allocations of a `Get`: 1 | 1.00, grocksdb's `Get` 1.00 | met |",
		"| allocations of a `GetAppend`: 0 | 1.00, grocksdb's `Get` 1.00 | missed |",
		"librocksdb.so.9.11 of the system, assertions off; the same for rockbridge, cloop, grocksdb",
		"- `DBOptions x`: rockbridge \"1\"", "![nanoseconds a unit, core](a.svg)", "| MiB on disk, loaded and compacted |  |  |  | 3.00 |  |  |",
		"### YCSB E",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("the report lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(s)
	}
}

// aims gives what the report says of each aim that contains a word.
func aims(r *Run, word string) (out []string) {
	for _, row := range r.targetRows() {
		if strings.Contains(row[0], word) {
			out = append(out, row[2])
		}
	}
	return out
}

func TestAimsAreJudgedByTheirRatios(t *testing.T) {
	for _, c := range []struct {
		slower map[string]float64
		word   string
		want   []string
	}{
		{map[string]float64{rockbridge: 1.04}, "NextChunk", []string{"met"}},
		{map[string]float64{rockbridge: 1.06}, "NextChunk", []string{"missed"}},
		{map[string]float64{rockbridge: 1.06}, "HasPrefix", []string{"met"}},
		{map[string]float64{pebble: 0.99}, "scan against Pebble", []string{"missed"}},
		{map[string]float64{pebble: 1}, "scan against Pebble", []string{"met"}},
		{map[string]float64{"rockbridge multiget-100 Get": 1.3, "rockbridge multiget-100-hot Get": 1.9}, "`MultiGet` of 100", []string{"met", "missed"}},
		{map[string]float64{"rockbridge build call a Put": 7, grocksdb: 6.9}, "building a batch", []string{"met", "missed"}},
		{map[string]float64{"rockbridge count": 1.01}, "time over the C loop 1.00", []string{"missed"}},
		{map[string]float64{}, "time over the C loop 1.00", []string{"met"}},
		{map[string]float64{pebble: 0.89}, "every work", []string{"missed"}},
		{map[string]float64{pebble: 0.91}, "every work", []string{"met"}},
	} {
		if got := aims(invented(c.slower), c.word); !slices.Equal(got, c.want) {
			t.Errorf("%v: %q is %q, not %q", c.slower, c.word, got, c.want)
		}
	}
}

func TestWhatIsNotThereIsNotJudged(t *testing.T) {
	r := invented(nil)
	r.Measured = slices.DeleteFunc(r.Measured, func(m Measured) bool { return m.Work == "build" })
	if got := aims(r, "building a batch"); !slices.Equal(got, []string{"not measured", "not measured"}) {
		t.Errorf("a work that was left out is %q", got)
	}
	if got := r.missing(side{"no such work", rockbridge, "x"}); got != "not built" {
		t.Errorf("a work that nobody has is %q", got)
	}
	if got := r.missing(side{"scan", rockbridge, "no such way"}); got != "not built" {
		t.Errorf("a way that nobody has is %q", got)
	}
}

func TestEveryAimNamesWaysOfTheTable(t *testing.T) {
	for _, target := range targets {
		for _, s := range []side{target.own, target.base} {
			if (&Run{}).missing(s) != "not measured" {
				t.Errorf("%s: %+v is not in the table", target.aim, s)
			}
		}
	}
}

func TestDifferentWorkIsNoticed(t *testing.T) {
	change := func(f func(*works.Sum)) *Run {
		r := invented(nil)
		for i := range r.Measured {
			r.Measured[i].Sum = works.Sum{Rows: 10, Bytes: 1000, Check: 7}
		}
		f(&r.Measured[len(r.Measured)/2].Sum)
		return r
	}
	for what, c := range map[string]struct {
		f  func(*works.Sum)
		ok bool
	}{
		"nothing":               {func(*works.Sum) {}, true},
		"bytes not looked at":   {func(s *works.Sum) { s.Bytes, s.Check = 0, 0 }, true},
		"a row less":            {func(s *works.Sum) { s.Rows-- }, false},
		"a byte more":           {func(s *works.Sum) { s.Bytes++ }, false},
		"another byte":          {func(s *works.Sum) { s.Check++ }, false},
		"rows not counted even": {func(s *works.Sum) { *s = works.Sum{} }, false},
	} {
		if err := change(c.f).agree(); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestABlindFirstTurnHidesNobody protects that sums are compared even if the first turn has none.
func TestABlindFirstTurnHidesNobody(t *testing.T) {
	r := &Run{}
	for i, check := range []uint64{0, 5, 6} {
		r.Measured = append(r.Measured, Measured{Work: "scan", Way: Way{Peer: fmt.Sprint(i)}, Result: works.Result{Sum: works.Sum{Rows: 1, Check: check}}})
	}
	if r.agree() == nil {
		t.Error("5 and 6 are taken for the same")
	}
}

func TestDifferentVersionsAreRefused(t *testing.T) {
	r := invented(nil)
	r.Versions[grocksdb] = "v1.9.9 on RocksDB 9.11.2"
	if err := r.oneVersion(); err != nil {
		t.Error(err)
	}
	r.Versions[cloop] = "RocksDB 7.8.3"
	if r.oneVersion() == nil {
		t.Error("7.8.3 and 9.11.2 are compared")
	}
}

func TestOptionsThatDifferAreNamed(t *testing.T) {
	dir := t.TempDir()
	for peer, lines := range map[string]string{
		rockbridge: "[DBOptions]\n  a=1\n  b=2\n[CFOptions \"default\"]\n  a=3\n", cloop: "[DBOptions]\n  a=1\n  b=5\n[CFOptions \"default\"]\n  a=3\n",
	} {
		if err := os.Mkdir(filepath.Join(dir, peer), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"OPTIONS-000001": "[DBOptions]\na=9\n", "OPTIONS-000007": lines} {
			if err := os.WriteFile(filepath.Join(dir, peer, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := optionsDiffer([]string{rockbridge, cloop, pebble}, func(peer string) string { return filepath.Join(dir, peer) })
	if want := []string{"`DBOptions b`: rockbridge \"2\", cloop \"5\""}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q: %v", got, err)
	}
	if _, err := optionsDiffer([]string{grocksdb}, func(string) string { return dir }); err == nil {
		t.Error("a folder without an OPTIONS file is no failure")
	}
}

func TestRawResultsAreBenchmarkLines(t *testing.T) {
	r := invented(nil)
	var b bytes.Buffer
	if err := r.WriteRaw(&b); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^Benchmark\S+\t\d+(\t[0-9.]+ \S+)+$`)
	n := 0
	for l := range strings.Lines(b.String()) {
		if strings.HasPrefix(l, "Benchmark") {
			n++
			if !line.MatchString(strings.TrimSuffix(l, "\n")) || strings.Count(strings.Fields(l)[0], "/") != 4 {
				t.Errorf("benchstat does not read %q", l)
			}
		}
	}
	if n != len(r.Measured) {
		t.Errorf("%d lines of %d turns", n, len(r.Measured))
	}
	if want := "BenchmarkPeers/setting=core/work=get-hit/peer=rockbridge/way=Get\t1000\t100.00 ns/op\t150.00 cpu-ns/op\t2.0000 cgo/op\t112.00 B/op\t1.0000 allocs/op\t20971520 peak-rss-B\n"; !strings.Contains(b.String(), want) {
		t.Errorf("no line is %s", want)
	}
}

func TestChartsNameEveryPeer(t *testing.T) {
	dir := t.TempDir()
	r := invented(nil)
	charts, err := r.writeCharts(dir, "peers")
	if err != nil || len(charts[Core.Name]) != 2 {
		t.Fatalf("%v: %v", charts, err)
	}
	for _, file := range charts[Core.Name] {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(b))
		for err == nil {
			_, err = d.Token()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s is no XML: %v", file, err)
		}
		for _, peer := range Peers {
			if !strings.Contains(string(b), ">"+peer+"<") {
				t.Errorf("%s lacks %s", file, peer)
			}
		}
	}
}
