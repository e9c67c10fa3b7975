package commits

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
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/launch"
	"github.com/rockbridge-db/rockbridge/bench/program"
	"github.com/rockbridge-db/rockbridge/bench/report"
	"github.com/rockbridge-db/rockbridge/bench/workload"
)

var update = flag.Bool("update", false, "write testdata/report.md and raw.txt instead of comparing them")

// invented is a run whose numbers can be checked by hand: pebble does 1000 commits a second for each goroutine in the
// first round and twice as many in the second, rockbridge half of that and bbolt a tenth.
func invented(t *testing.T) *Run {
	t.Helper()
	all, err := Choose("rockbridge,pebble,bbolt", "grouped,alone-wide")
	if err != nil {
		t.Fatal(err)
	}
	r := &Run{
		Plan: Plan{
			Contenders: all, Widths: map[Kind][]int{Synced: {1, 64}, Unsynced: {64}}, Rounds: 2, Seed: 7,
			Base: workload.Spec{Duration: time.Second, KeyBytes: 16, ValueBytes: 100, Memtable: 64 << 20, Cache: 128 << 20},
		},
		Machine: launch.Machine{CPU: "A processor", Cores: 2, MemoryGiB: 24, Kernel: "Linux 6", FileSystem: "ext4 on /dev/disk"},
		Go:      "go1.26", Library: "system, librocksdb.so.7.8, assertions on",
		Before: Disk{Latency{60 * time.Microsecond, 120 * time.Microsecond}, Latency{40 * time.Microsecond, 90 * time.Microsecond}},
		After:  Disk{Latency{61 * time.Microsecond, 121 * time.Microsecond}, Latency{41 * time.Microsecond, 91 * time.Microsecond}},
		Loads:  [2]string{"0.10, 0.20, 0.30", "2.00, 1.00, 0.50"}, Counter: "perf stat",
		Took: 90 * time.Second, Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	speed := map[string]float64{"pebble": 1000, "rockbridge": 500, "bbolt": 100}
	for _, j := range r.Plan.Jobs() {
		n := int64(speed[j.Contender.Peer] * float64(j.Goroutines*(j.Round+1)))
		r.Measured = append(r.Measured, Measured{j, workload.Result{
			Peer: j.Contender.Peer, Version: "v1", Commits: n, Elapsed: time.Second,
			P50: 50 * time.Microsecond, P99: 1234 * time.Microsecond, Max: time.Second, DiskBytes: 3 << 20,
			Used: program.Used{CPU: time.Duration(n) * 1500, CgoCalls: n, Mallocs: uint64(n) / 4, AllocBytes: uint64(n) * 16, PeakRSS: 20 << 20, Threads: 8},
		}})
	}
	for _, j := range r.Plan.Counting() {
		r.Counted = append(r.Counted, Counted{j, 2 / float64(j.Goroutines)})
	}
	return r
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is written now; look at it after: go test ./commits -update\n%s", file, got)
	}
}

func TestReportSaysWhatWasMeasured(t *testing.T) {
	var b bytes.Buffer
	if err := invented(t).WriteMarkdown(&b, "commits.txt", Charts{"s.svg", "u.svg", "p.svg", "f.svg"}); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.md", b.Bytes())
	for _, want := range []string{
		"| `rockbridge/grouped` | 750 (500 to 1,000) | 48,000 (32,000 to 64,000) |", // (500 + 1000) / 2
		"| `rockbridge/grouped` | 0.50 (0.50 to 0.50) | 0.50 (0.50 to 0.50) |",      // of pebble, in each round
		"| at least 2.5 times `rockbridge/alone-wide` at 64 | 1.00 (1.00 to 1.00) | missed |",
		"| at least 1 times `pebble` at 64 | 0.50 (0.50 to 0.50) | missed |",
		"| fewer than 1 fsync for 8 commits at 64 goroutines | 1 for 32.0 | met |",
		"| `bbolt/batch` | 2.00 | 0.0312 |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %s", want)
		}
	}
}

func TestReportWithoutCountsSaysSo(t *testing.T) {
	r := invented(t)
	r.Counted, r.Counter = nil, ""
	var b bytes.Buffer
	if err := r.WriteMarkdown(&b, "commits.txt", Charts{}); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "fsyncs a commit |") || strings.Contains(s, "1 fsync for") || !strings.Contains(s, "neither perf nor strace") {
		t.Error(s)
	}
}

func TestRawResultsAreBenchmarkLines(t *testing.T) {
	r := invented(t)
	var b bytes.Buffer
	if err := r.WriteRaw(&b); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^Benchmark[A-Z]\w*(/[a-z]+=[a-z:-]+|/goroutines=\d+)+\t\d+(\t[\d.]+ [\w/-]+)+$`)
	runs := 0
	for text := range strings.Lines(b.String()) {
		if text = strings.TrimSuffix(text, "\n"); !strings.HasPrefix(text, "Benchmark") {
			continue
		}
		runs++
		if !line.MatchString(text) {
			t.Errorf("no benchmark line: %q", text)
		}
	}
	if runs != len(r.Measured)+len(r.Counted) {
		t.Errorf("%d lines of %d runs", runs, len(r.Measured)+len(r.Counted))
	}
}

func TestChartsShowEveryContender(t *testing.T) {
	dir := t.TempDir()
	r := invented(t)
	charts, err := r.WriteCharts(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{charts.Synced, charts.Unsynced, charts.P99, charts.Fsyncs} {
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
		for _, c := range r.Plan.Contenders {
			in := strings.Contains(string(b), ">"+c.Name()+"<")
			if want := file != charts.Unsynced || c.Only == ""; in != want {
				t.Errorf("%s: %s is in it: %v", file, c.Name(), in)
			}
		}
	}
}

func TestNumbersAreReadable(t *testing.T) {
	for _, c := range []struct {
		f    func(float64) string
		x    float64
		want string
	}{
		{report.Thousands, 0, "0"},
		{report.Thousands, 999.6, "1,000"},
		{report.Thousands, -1234567, "-1,234,567"},
		{report.Thousands, -123, "-123"},
		{report.Significant, 0.0123456, "0.0123"},
		{report.Significant, 9.999, "10.00"},
		{report.Significant, 12.34, "12.3"},
		{report.Significant, 123.4, "123"},
		{report.Significant, 12345, "12,345"},
		{report.Significant, 0, "0"},
		{report.Ratio, 1.005, "1.00"},
	} {
		if got := c.f(c.x); got != c.want {
			t.Errorf("%v is shown as %q, not %q", c.x, got, c.want)
		}
	}
}

func TestCountersAddUpWhatTheyPrint(t *testing.T) {
	const perf = "# started on Thu Nov 26 14:00:00 2026\n\n" +
		"7,,syscalls:sys_enter_fsync,1000,100.00,,\n285,,syscalls:sys_enter_fdatasync,1000,100.00,,\n0,,syscalls:sys_enter_msync,1000,100.00,,\n"
	if n, err := parsePerf(perf); n != 292 || err != nil {
		t.Errorf("perf: %d, %v", n, err)
	}
	for _, bad := range []string{"", strings.Replace(perf, "285", "<not counted>", 1), strings.Replace(perf, "sys_enter_fsync", "", 1)[:60]} {
		if n, err := parsePerf(bad); err == nil {
			t.Errorf("perf: %d out of %q", n, bad)
		}
	}
	const strace = "% time     seconds  usecs/call     calls    errors syscall\n" +
		"------ ----------- ----------- --------- --------- ----------------\n" +
		" 66.67    0.000002           0         7         1 fsync\n 33.33    0.000001           0       285           fdatasync\n" +
		"------ ----------- ----------- --------- --------- ----------------\n100.00    0.000003           0       292         1 total\n"
	if n, err := parseStrace(strace); n != 292 || err != nil {
		t.Errorf("strace: %d, %v", n, err)
	}
}

func TestChooseKnowsThePeersAndModes(t *testing.T) {
	all, err := Choose("", "")
	if err != nil || len(all) != len(Contenders) {
		t.Errorf("%d contenders without a choice: %v", len(all), err)
	}
	some, err := Choose("", "alone-wide")
	if err != nil || len(some) < 2 || some[0].Name() != alone || some[1].Peer == "rockbridge" {
		t.Errorf("%v: %v", some, err)
	}
	// What is a mode of another peer's is none of rockbridge's.
	for _, bad := range [][2]string{{"leveldb", ""}, {"", "update"}, {"rockbridge,", "x"}} {
		if c, err := Choose(bad[0], bad[1]); err == nil {
			t.Errorf("%q gives %v", bad, c)
		}
	}
}

func TestEachRoundHasEveryContenderOnceAtEachWidth(t *testing.T) {
	plan := Plan{Contenders: Contenders, Widths: map[Kind][]int{Synced: {1, 8}, Unsynced: {2}}, Rounds: 5, Seed: 1}
	jobs := plan.Jobs()
	seen := map[string]int{}
	orders := map[string]bool{}
	order := ""
	for i, j := range jobs {
		if j.Contender.Only != "" && j.Contender.Only != j.Kind {
			t.Errorf("%s takes part in %s commits", j.Contender.Name(), j.Kind)
		}
		seen[fmt.Sprint(j.Contender.Name(), j.Kind, j.Goroutines, j.Round)]++
		if i > 0 && (jobs[i-1].Goroutines != j.Goroutines || jobs[i-1].Kind != j.Kind) {
			orders[order], order = true, ""
		}
		order += j.Contender.Name() + " "
	}
	for what, n := range seen {
		if n != 1 {
			t.Errorf("%s comes %d times", what, n)
		}
	}
	if want := 5 * (2*len(plan.Of(Synced)) + len(plan.Of(Unsynced))); len(jobs) != want {
		t.Errorf("%d jobs, want %d", len(jobs), want)
	}
	if len(orders) < 8 {
		t.Errorf("only %d orders of %d turns: not shuffled", len(orders), 15)
	}
}
