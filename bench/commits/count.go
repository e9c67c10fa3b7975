package commits

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/bench/launch"
	"github.com/rockbridge-db/rockbridge/bench/workload"
)

// syncCalls are the system calls that wait for the disk. sync_file_range is none: it promises nothing.
var syncCalls = []string{"fsync", "fdatasync", "msync"}

// Counter counts the system calls of a program that wait for the disk, of any peer in the same way. Runs under it are
// not timed.
type Counter struct {
	Name  string
	wrap  func(out string) []string
	parse func(text string) (int64, error)
}

// perfCounter counts in the kernel, by trace points, and delays the program hardly.
var perfCounter = Counter{
	Name: "perf stat, trace points syscalls:sys_enter_*",
	wrap: func(out string) []string {
		events := "syscalls:sys_enter_" + strings.Join(syncCalls, ",syscalls:sys_enter_")
		return []string{"perf", "stat", "-x", ",", "-o", out, "-e", events, "--"}
	},
	parse: parsePerf,
}

// straceCounter stops the program at each counted call, which makes fsync slower and groups of commits larger.
var straceCounter = Counter{
	Name: "strace -c",
	wrap: func(out string) []string {
		return []string{"strace", "--seccomp-bpf", "-f", "-c", "-o", out, "-e", "trace=" + strings.Join(syncCalls, ","), "--"}
	},
	parse: parseStrace,
}

// FindCounter gives the best counter that works here, in a folder for its files; none is nil.
func FindCounter(ctx context.Context, dir string) *Counter {
	for _, c := range []*Counter{&perfCounter, &straceCounter} {
		if c.works(ctx, dir) {
			return c
		}
	}
	return nil
}

// works reports whether the program is there and may count.
func (c *Counter) works(ctx context.Context, dir string) bool {
	out := filepath.Join(dir, "count")
	words := append(c.wrap(out), "true")
	if err := exec.CommandContext(ctx, words[0], words[1:]...).Run(); err != nil {
		return false
	}
	_, err := c.read(out)
	return err == nil
}

func (c *Counter) read(file string) (int64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return c.parse(string(b))
}

// PerCommit runs a contender twice under the counter, once without commits, and gives the calls for each commit that
// only the commits can have made.
func (c *Counter) PerCommit(ctx context.Context, p launch.Programs, peer string, s workload.Spec) (float64, error) {
	out := s.Dir + ".count"
	defer func() { _ = os.Remove(out) }() // what is left of it harms nobody
	p.Wrap = c.wrap(out)
	var calls [2]int64
	var commits int64
	for i, goroutines := range []int{0, s.Goroutines} {
		s.Goroutines = goroutines
		res, err := run(ctx, p, peer, s)
		if err != nil {
			return 0, err
		}
		if calls[i], err = c.read(out); err != nil {
			return 0, err
		}
		commits = res.Commits
	}
	if commits == 0 {
		return 0, fmt.Errorf("%s %s: no commit in %v", peer, s.Mode, s.Duration)
	}
	return max(float64(calls[1]-calls[0]), 0) / float64(commits), nil
}

// parsePerf adds up lines such as "123,,syscalls:sys_enter_fsync,1000,100.00,,".
func parsePerf(text string) (sum int64, err error) {
	lines := 0
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if len(f) < 3 || !strings.HasPrefix(f[2], "syscalls:") {
			continue
		}
		n, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("perf did not count %s: %q", f[2], f[0])
		}
		sum += n
		lines++
	}
	if lines != len(syncCalls) {
		return 0, fmt.Errorf("perf counted %d of %d calls", lines, len(syncCalls))
	}
	return sum, nil
}

// parseStrace adds up a table whose fourth column is the number of calls. Calls that were not made have no line, and
// without any there is no table.
func parseStrace(text string) (sum int64, err error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 || !slices.Contains(syncCalls, f[len(f)-1]) {
			continue
		}
		n, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("strace: %w", err)
		}
		sum += n
	}
	return sum, nil
}
