package serving

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/commits"
	"github.com/rockbridge-db/rockbridge/bench/launch"
)

const heading = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"` + "\n"

func TestRedisBenchmarksLinesAreRead(t *testing.T) {
	for work, line := range map[string]string{
		"set":  `"SET","23696.68","0.383","0.016","0.071","2.279","4.559","11.031"`,
		"mset": `"MSET (10 keys)","23696.68","0.383","0.016","0.071","2.279","4.559","11.031"`,
	} {
		r, err := parseCSV(strings.NewReader(heading+line+"\n"), work)
		if want := (Result{0, 23696.68, 71 * time.Microsecond, 4559 * time.Microsecond, 11031 * time.Microsecond}); err != nil || r != want {
			t.Errorf("%s: %+v, %v", work, r, err)
		}
	}
	for what, text := range map[string]string{
		"nothing": "", "no line": heading, "another work": heading + `"GET","1","0","0","0","0","0","0"`,
		"an error besides": "Error from server: MISCONF\n" + heading + `"SET","1","0","0","0","0","0","0"`,
		"a short line":     heading + `"SET","1"`, "no number": heading + `"SET","1","0","0","x","0","0","0"`,
		"no rate": heading + `"SET","0","0","0","0","0","0","0"`, "another format": `"SET","1"` + "\n" + `"SET","1"`,
	} {
		if r, err := parseCSV(strings.NewReader(text), "set"); err == nil {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

func TestProcIsRead(t *testing.T) {
	cpu, err := parseStat("12 (a) b (c) S 1 12 12 0 -1 4194560 9 8 0 0 150 50 7 3 20 0 4 0 100 9 9\n")
	if err != nil || cpu != 2100*time.Millisecond {
		t.Errorf("%v, %v", cpu, err)
	}
	for _, bad := range []string{"", "12 (a) S 1 2", "12 (a) S 1 12 12 0 -1 4194560 9 8 0 0 x 50 7 3 20"} {
		if cpu, err := parseStat(bad); err == nil {
			t.Errorf("%q: %v", bad, cpu)
		}
	}
	now, peak, err := parseStatus("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nThreads:\t4\n")
	if err != nil || now != 1<<20 || peak != 2<<20 {
		t.Errorf("%d, %d, %v", now, peak, err)
	}
	if _, _, err := parseStatus("VmRSS:\t    1024 kB\n"); err == nil {
		t.Error("no peak, and no error")
	}
	if now, peak, err := residentOf(os.Getpid()); err != nil || now == 0 || peak < now {
		t.Errorf("of this process: %d, %d, %v", now, peak, err)
	}
	if _, err := cpuOf(os.Getpid()); err != nil {
		t.Error(err)
	}
}

// peer answers what it is asked, and keeps it.
type peer struct {
	bytes.Buffer
	answers io.Reader
}

func (p *peer) Read(b []byte) (int, error) { return p.answers.Read(b) }

func TestTheLoaderWantsEveryKeyToBeSet(t *testing.T) {
	request := appendSet(appendSet(nil, key(7), []byte("seven")), key(8), nil)
	const want = "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000007\r\n$5\r\nseven\r\n*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000008\r\n$0\r\n\r\n"
	if string(request) != want {
		t.Errorf("%q", request)
	}
	for answers, want := range map[string]string{
		"+OK\r\n+OK\r\n": "", "+OK\r\n": "EOF", "-MISCONF Errors writing\r\n": `"-MISCON`, "+OK\r\n-ERR\r\n": `"-ERR`, "": "EOF",
	} {
		p := &peer{answers: strings.NewReader(answers)}
		err := exchange(p, request, 2)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || p.String() != string(request) {
			t.Errorf("%q: %v", answers, err)
		}
	}
}

func TestServersTakeTurns(t *testing.T) {
	p := Plan{Works: Works, Durabilities: []Durability{EverySecond, Always}, Pipelines: []int{1, 16}, Clients: []int{50, 500}, Rounds: 4}
	first := map[string]int{}
	for round := range p.Rounds {
		for _, d := range p.Durabilities {
			jobs := p.Jobs(d, round)
			for i := 0; i < len(jobs); i += 2 {
				if jobs[i].Setting != jobs[i+1].Setting || jobs[i].Server == jobs[i+1].Server {
					t.Fatalf("%+v and %+v are no pair", jobs[i], jobs[i+1])
				}
				first[fmt.Sprint(jobs[i].Setting, jobs[i].Server)]++
			}
			if gets := strings.Count(fmt.Sprint(jobs), "get"); gets != map[Durability]int{EverySecond: 8}[d] {
				t.Errorf("%d GETs under %s", gets, d)
			}
		}
	}
	if want := 2 * (len(p.Of(EverySecond)) + len(p.Of(Always))); len(first) != want {
		t.Errorf("%d servers come first, want %d", len(first), want)
	}
	for what, n := range first {
		if n != 2 {
			t.Errorf("%s comes first %d times of 4", what, n)
		}
	}
}

// invented is a run whose numbers can be checked by hand: Redis does 1000 requests a second for each in a pipeline in the first round,
// and twice as many in the second; rockbridge 0.6 of that at GET, 1.5 of it at what is synced, and else 0.4.
func invented() *Run {
	r := &Run{
		Plan: Plan{
			Works: Works, Durabilities: []Durability{EverySecond, Always}, Pipelines: []int{1, 16}, Clients: []int{50, 500}, Rounds: 2,
			Duration: time.Second, Keys: 1000, Value: 100, Cache: 128 << 20, Memtable: 8 << 20, MemoryKeys: 10_000_000,
		},
		Machine:  launch.Machine{CPU: "A processor", Cores: 2, MemoryGiB: 24, Kernel: "Linux 6", FileSystem: "ext4 on /dev/disk"},
		Versions: [2]string{"rockbridge (devel), RocksDB 7.8.3", "Redis server v=7.0.15"}, Go: "go1.26", Library: "system, assertions on",
		Before: commits.Disk{Growing: commits.Latency{P50: 60 * time.Microsecond, P99: 120 * time.Microsecond}},
		Loads:  [2]string{"0.10, 0.20, 0.30", "2.00, 1.00, 0.50"}, Took: 90 * time.Second, Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Memory: []Memory{
			{Server: Rockbridge, Loaded: 500 << 20, Read: 600 << 20, Peak: 700 << 20, Disk: 1 << 30, Load: time.Minute, Reads: Result{Rate: 5000}},
			{Server: Redis, Loaded: 2000 << 20, Read: 2000 << 20, Peak: 2000 << 20, Disk: 2 << 30, Load: time.Second, Reads: Result{Rate: 9000}},
		},
	}
	for round := range r.Plan.Rounds {
		for _, d := range r.Plan.Durabilities {
			for _, j := range r.Plan.Jobs(d, round) {
				rate := float64(1000 * j.Pipeline * (round + 1))
				switch {
				case j.Server == Redis:
				case d == Always:
					rate *= 1.5
				case j.Work == "get":
					rate *= 0.6
				default:
					rate *= 0.4
				}
				r.Measured = append(r.Measured, Measured{j, Result{1000, rate, 50 * time.Microsecond, 1234 * time.Microsecond, time.Second}, 20 * time.Millisecond})
			}
		}
	}
	return r
}

func TestReportSaysWhatWasMeasured(t *testing.T) {
	r := invented()
	var b bytes.Buffer
	if err := r.WriteMarkdown(&b, "server.txt", map[Group]Charts{{EverySecond, 50}: {Rate: "rate.svg", P99: "p99.svg"}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| load averages | 0.10, 0.20, 0.30 before, 2.00, 1.00, 0.50 after |",
		"| librocksdb | system, assertions on |",
		"| versions | rockbridge (devel), RocksDB 7.8.3; go1.26; Redis server v=7.0.15 |",
		"| at least 0.5 times Redis's GET with pipelines of 1 at 500 clients, `everysec` | 0.60 (0.60 to 0.60) | met |",
		"| at least 0.5 times Redis's MSET with pipelines of 1 at 50 clients, `everysec` | 0.40 (0.40 to 0.40) | missed |",
		"| at least 0.8 times Redis's GET with pipelines of 16 at 50 clients, `everysec` | 0.60 (0.60 to 0.60) | missed |",
		"| more than 1 times Redis's SET with pipelines of 1 at 50 clients, `always` | 1.50 (1.50 to 1.50) | met |",
		"| at most 0.25 of Redis's resident memory with 10,000,000 keys, loaded | 0.25 | met |",
		"| at most 0.25 of Redis's resident memory with 10,000,000 keys, after GETs | 0.30 | missed |",
		"## appendfsync everysec, 50 clients\n\n![requests a second by pipeline](rate.svg)",
		// (600 + 1200) / 2, 20 ms of 1000 requests
		"| GET, 1 | 900 (600 to 1,200) | 1,500 (1,000 to 2,000) | 0.60 (0.60 to 0.60) | 0.02 (0.02 to 0.02) | 0.02 (0.02 to 0.02) | 20.0 (20.0 to 20.0) | 20.0 (20.0 to 20.0) |",
		"| INCR, 16 | 50.0 (50.0 to 50.0) | 50.0 (50.0 to 50.0) | 1,234 (1,234 to 1,234) | 1,234 (1,234 to 1,234) |",
		"| rockbridge | 500 MiB | 600 MiB | 700 MiB | 1024 MiB | 1m0s | 5,000 |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %s", want)
		}
	}
	if at := strings.Index(b.String(), "## appendfsync always"); strings.Contains(b.String()[at:], "| GET,") {
		t.Error("GETs under always")
	}
	if t.Failed() {
		t.Log(b.String())
	}
	r.Measured, r.Memory = nil, nil
	b.Reset()
	if err := r.WriteMarkdown(&b, "server.txt", nil); err != nil || strings.Contains(b.String(), "## Aims") || strings.Contains(b.String(), "## Memory") || strings.Contains(b.String(), "NaN") {
		t.Errorf("of nothing: %v\n%s", err, &b)
	}
}

// What must be more than something is not met by that.
func TestAsMuchIsNotMore(t *testing.T) {
	r := invented()
	for i := range r.Measured {
		r.Measured[i].Rate = 1000
	}
	for _, row := range r.targetRows() {
		if more := strings.HasPrefix(row[0], "more"); strings.HasPrefix(row[1], "1.00") && more != (row[2] == "missed") {
			t.Errorf("%q", row)
		}
	}
}

func TestRawResultsAreBenchmarkLines(t *testing.T) {
	r := invented()
	var b bytes.Buffer
	if err := r.WriteRaw(&b); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^Benchmark[A-Z]\w*(/[a-z]+=\w+)+\t\d+(\t[\d.]+ [\w/-]+)+$`)
	runs := 0
	for text := range strings.Lines(b.String()) {
		if text = strings.TrimSuffix(text, "\n"); strings.HasPrefix(text, "Benchmark") {
			if runs++; !line.MatchString(text) {
				t.Errorf("no benchmark line: %q", text)
			}
		}
	}
	if want := len(r.Measured) + len(r.Memory); runs != want {
		t.Errorf("%d lines of %d runs", runs, want)
	}
}

func TestChartsShowBothServers(t *testing.T) {
	dir, r := t.TempDir(), invented()
	if err := r.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	report, err := os.ReadFile(filepath.Join(dir, ReportFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range r.Groups() {
		for _, what := range []string{"rate", "p99"} {
			file := fmt.Sprintf("server-%s-%d-%s.svg", g.Durability, g.Clients, what)
			b, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			d := xml.NewDecoder(bytes.NewReader(b))
			for err == nil {
				_, err = d.Token()
			}
			if !errors.Is(err, io.EOF) || !strings.Contains(string(report), "("+file+")") {
				t.Errorf("%s is no XML, or not in the report: %v", file, err)
			}
			for _, name := range []string{">GET rockbridge<", ">GET redis<", ">SET rockbridge<", ">SET redis<"} {
				if in := strings.Contains(string(b), name); in != (g.Durability == EverySecond || !strings.Contains(name, "GET")) {
					t.Errorf("%s: %s is in it: %v", file, name, in)
				}
			}
		}
	}
}
