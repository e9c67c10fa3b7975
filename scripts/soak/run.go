package main

import (
	"bytes"
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

var (
	ended = regexp.MustCompile(`(?m)^--- (PASS|SKIP): `)
	said  = regexp.MustCompile(`(?m)^\s+(?:\w+_test\.go:\d+: )?((?:seed \d+: .*faults|\w[\w ]*: first quarter).*)$`)
	tells = regexp.MustCompile(`_test\.go:\d+: |^panic: |^fatal error: |^SIG|WARNING: DATA RACE|ERROR: |Assertion|^\s*--- FAIL`)
)

func (r *result) once(file string, share time.Duration) {
	r.runs++
	name := fmt.Sprintf("%s-%d.log", strings.NewReplacer(" ", "-", ",", "").Replace(r.name), r.runs)
	ctx, cancel := context.WithTimeout(context.Background(), share+time.Hour)
	defer cancel()
	c := exec.CommandContext(ctx, file, append([]string{"-test.count=1", "-test.v", "-test.timeout=0"}, r.args...)...)
	c.Dir = r.binary.pkg
	c.Env = os.Environ()
	if r.binary.env != "" {
		here, _ := os.Getwd()
		c.Env = append(c.Env, strings.ReplaceAll(r.binary.env, "scripts/", here+"/scripts/"))
	}
	out, err := c.CombinedOutput()
	log := filepath.Join(logs, name)
	if werr := os.WriteFile(log, out, 0o644); werr != nil {
		err = werr
	}
	for _, m := range ended.FindAllSubmatch(out, -1) {
		if string(m[1]) == "PASS" {
			r.tests++
		} else {
			r.skipped++
		}
	}
	for _, m := range said.FindAllSubmatch(out, -1) {
		r.notes = append(r.notes, string(m[1]))
	}
	switch {
	case err != nil:
		r.failures = append(r.failures, failure{log, head(out, err)})
	case !bytes.Contains(out, []byte("--- PASS")):
		r.failures = append(r.failures, failure{log, []string{"no test ran, or all were skipped"}})
	}
	fmt.Printf("soak: %s, run %d: %v\n", r.name, r.runs, outcome(err))
}

func outcome(err error) string {
	if err != nil {
		return "FAILED: " + err.Error()
	}
	return "ok"
}

// head is the lines that tell what went wrong: the seeds among them.
func head(out []byte, err error) []string {
	lines := []string{err.Error()}
	for line := range strings.Lines(string(out)) {
		if tells.MatchString(line) && len(lines) < 12 {
			lines = append(lines, strings.TrimRight(fmt.Sprintf("%.300s", line), "\n"))
		}
	}
	return lines
}
