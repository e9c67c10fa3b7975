package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// result is what the runs of a programme came to.
type result struct {
	programme
	runs     int
	tests    int // that passed
	skipped  int
	took     time.Duration
	notes    []string // what a mixed load logged
	failures []failure
	seeds    []seed
	said     sums           // of runs that did not fail: the lines of others are among the findings
	reasons  map[string]int // why tests were skipped
	within   map[string]int // why parts of tests were
}

// failure is a run that did not pass.
type failure struct {
	log  string   // the file that has all it printed
	head []string // its first lines that say something
}

// buildAll makes each test program once.
func buildAll(all []programme) (map[binary]string, error) {
	built := map[binary]string{}
	for _, p := range all {
		if built[p.binary] != "" {
			continue
		}
		if p.binary.script != "" {
			built[p.binary] = p.binary.script
			continue
		}
		file, err := filepath.Abs(filepath.Join(logs, fmt.Sprintf("%s%d.test", p.binary.pkg, len(built))))
		if err != nil {
			return nil, err
		}
		args := append([]string{"test", "-c", "-o", file}, strings.Fields(p.binary.flags)...)
		fmt.Printf("soak: go %s ./%s\n", strings.Join(args, " "), p.binary.pkg)
		if out, err := exec.Command("go", append(args, "./"+p.binary.pkg)...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build of %s %s: %w\n%s", p.binary.pkg, p.binary.flags, err, out)
		}
		built[p.binary] = file
	}
	return built, nil
}

// repeat runs a programme until its share is over: at least once, and as a rule a little longer.
func repeat(p programme, file string, share time.Duration) *result {
	r := &result{programme: p}
	begin := time.Now()
	for r.runs == 0 || time.Since(begin)+r.took/time.Duration(2*max(r.runs, 1)) < share {
		r.once(file, share)
		r.took = time.Since(begin)
	}
	return r
}

var tells = regexp.MustCompile(`_test\.go:\d+: |^panic: |^fatal error: |^SIG|WARNING: DATA RACE|ERROR: |Assertion|^\s*--- FAIL`)

func (r *result) once(file string, share time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), share+time.Hour)
	defer cancel()
	out, err := r.command(ctx, file).CombinedOutput()
	log := filepath.Join(logs, fmt.Sprintf("%s-%d.log", r.fileName(), r.runs+1))
	if werr := os.WriteFile(log, out, 0o644); werr != nil {
		err = werr
	}
	r.take(log, string(out), err)
	fmt.Printf("soak: %s, run %d: %v\n", r.name, r.runs, outcome(err))
}

func (p *programme) command(ctx context.Context, file string) *exec.Cmd {
	if p.binary.script != "" {
		return exec.CommandContext(ctx, file, p.args...)
	}
	c := exec.CommandContext(ctx, file, append([]string{"-test.count=1", "-test.v", "-test.timeout=0"}, p.args...)...)
	c.Dir = p.binary.pkg
	c.Env = os.Environ()
	if p.binary.env != "" {
		here, _ := os.Getwd()
		c.Env = append(c.Env, strings.ReplaceAll(p.binary.env, "scripts/", here+"/scripts/"))
	}
	return c
}

// fileName is what the files of a programme's runs begin with.
func (p *programme) fileName() string {
	return strings.NewReplacer(" ", "-", ",", "").Replace(p.name)
}

// take adds a run: what it printed, which is in the file log, and how it ended.
func (r *result) take(log, out string, err error) {
	r.runs++
	p := parse(out)
	r.tests += p.passed
	r.skipped += p.skipped
	r.notes = append(r.notes, p.notes...)
	r.seeds = append(r.seeds, p.seeds...)
	r.reasons, r.within = plus(r.reasons, p.reasons), plus(r.within, p.within)
	switch {
	case err != nil:
		r.failures = append(r.failures, failure{log, head(out, err)})
	case p.passed == 0:
		r.failures = append(r.failures, failure{log, []string{"no test ran, or all were skipped"}})
	default:
		for _, line := range p.said {
			r.said.add(line)
		}
	}
}

// plus adds counts to those of earlier runs.
func plus(all, counts map[string]int) map[string]int {
	if all == nil {
		all = map[string]int{}
	}
	for what, n := range counts {
		all[what] += n
	}
	return all
}

func outcome(err error) string {
	if err != nil {
		return "FAILED: " + err.Error()
	}
	return "ok"
}

// head is the lines that tell what went wrong: the seeds among them.
func head(out string, err error) []string {
	lines := []string{err.Error()}
	for line := range strings.Lines(out) {
		if tells.MatchString(line) && len(lines) < 12 {
			lines = append(lines, strings.TrimRight(fmt.Sprintf("%.300s", line), "\n"))
		}
	}
	return lines
}
