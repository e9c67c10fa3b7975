package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// writeReport writes OUT/DATE.md, or OUT/DATE-2.md and so on if there is one.
func writeReport(out string, begin time.Time, results []*result, heading func(w io.Writer)) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	f, err := newReport(filepath.Join(out, begin.UTC().Format(time.DateOnly)))
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Println("soak: report in", f.Name())
	heading(f)
	body(f, results)
	return f.Close()
}

// newReport makes the first of NAME.md, NAME-2.md and so on that is not there.
func newReport(name string) (*os.File, error) {
	for n := 1; ; n++ {
		path := name + ".md"
		if n > 1 {
			path = fmt.Sprintf("%s-%d.md", name, n)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

func heading(w io.Writer, begin time.Time, whole time.Duration) {
	fmt.Fprintf(w, "# Soak of %s\n\n", begin.UTC().Format(time.DateOnly))
	fmt.Fprintf(w, "`make soak`, %v asked for, begun %s, ended %s.\n\n",
		whole, begin.UTC().Format("15:04 MST"), time.Now().UTC().Format("15:04 MST"))
	fmt.Fprintf(w, "- commit %s\n- %s, %s/%s, %d processors\n- RocksDB %s\n- %s\n\n",
		output("git", "describe", "--always", "--dirty", "--abbrev=12"), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		rocksdb(), cc())
	fmt.Fprintf(w, "Every run has seeds of its own. Each programme is repeated until its share of the time is over.\n\n")
}

// headingOfLogs says less: what was run on which machine is not in logs.
func headingOfLogs(w io.Writer, last time.Time) {
	fmt.Fprintf(w, "# Soak of %s\n\n", last.UTC().Format(time.DateOnly))
	fmt.Fprintf(w, "Made of the logs of a soak, the last of which was written at %s. Times are not in them.\n\n", last.UTC().Format("15:04 MST"))
}

func table(w io.Writer, results []*result) {
	fmt.Fprintf(w, "| programme | one run | runs | tests passed | skipped | failed runs | time |\n|---|---|---|---|---|---|---|\n")
	for _, r := range results {
		name := r.name
		if r.root {
			name += " (root)"
		}
		fmt.Fprintf(w, "| %s | %s | %d | %d | %d | %d | %v |\n", name, r.each, r.runs, r.tests, r.skipped, len(r.failures), r.took.Round(time.Second))
	}
	fmt.Fprintln(w)
}

// body is the report but its heading.
func body(w io.Writer, results []*result) {
	table(w, results)
	for _, r := range results {
		for _, n := range r.notes {
			fmt.Fprintf(w, "- %s: %s\n", r.name, n)
		}
	}
	did(w, results)
	skipped(w, results)
	findings(w, results)
	seedsOf(w, results)
}

// did has what the tests logged.
func did(w io.Writer, results []*result) {
	fmt.Fprintf(w, "\n## What they did\n\nWhat tests that passed logged. Lines that differ in numbers are one: added up, and of places and times the largest.\n\n")
	for _, r := range results {
		if texts := r.said.texts(); len(texts) > 0 {
			fmt.Fprintf(w, "- %s: %s\n", r.name, strings.Join(texts, "; "))
		}
	}
}

// skipped has why tests were, and parts of tests, which the table does not count.
func skipped(w io.Writer, results []*result) {
	fmt.Fprintf(w, "\n## What was skipped, and why\n\n")
	none := true
	for _, r := range results {
		for _, of := range []struct {
			what    string
			reasons map[string]int
		}{{"tests", r.reasons}, {"parts of tests", r.within}} {
			for _, why := range slices.Sorted(maps.Keys(of.reasons)) {
				none = false
				fmt.Fprintf(w, "- %s, %s: %d: %.200s\n", r.name, of.what, of.reasons[why], why)
			}
		}
	}
	if none {
		fmt.Fprintln(w, "Nothing.")
	}
}

// seedsOf has the seeds of all runs, behind the flags that take them.
func seedsOf(w io.Writer, results []*result) {
	fmt.Fprintf(w, "\n## Seeds\n\nOf every run, behind the flag that takes it.\n\n")
	for _, r := range results {
		var flags []string
		numbers := map[string][]string{}
		for _, s := range r.seeds {
			if !slices.Contains(flags, s.flag) {
				flags = append(flags, s.flag)
			}
			numbers[s.flag] = append(numbers[s.flag], s.number)
		}
		for i, f := range flags {
			flags[i] = strings.TrimSpace(f + " " + strings.Join(numbers[f], " "))
		}
		fmt.Fprintf(w, "- %s: %s\n", r.name, cmp.Or(strings.Join(flags, "; "), "none"))
	}
}

func findings(w io.Writer, results []*result) {
	fmt.Fprintf(w, "\n## Findings\n\n")
	n := 0
	for _, r := range results {
		for _, f := range r.failures {
			n++
			fmt.Fprintf(w, "%d. %s: `%s %s`\n\n", n, r.name, cmp.Or(r.binary.script, r.binary.pkg), strings.Join(r.args, " "))
			for _, line := range f.head {
				fmt.Fprintf(w, "       %s\n", line)
			}
			fmt.Fprintln(w)
		}
	}
	if n == 0 {
		fmt.Fprintln(w, "None: no run failed.")
	}
}

// output is the first line that a command prints, or why there is none.
func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return fmt.Sprintf("unknown (%s: %v)", name, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func cc() string { return output("cc", "--version") }

var libraryLine = regexp.MustCompile(`(?m)^rocksdb: (.*)$`)

// rocksdb asks the engine's test program which library it has.
func rocksdb() string {
	out, err := exec.Command("go", "test", "-count=1", "-v", "-run", "^$", "-bench", "^$", "./engine").CombinedOutput()
	if m := libraryLine.FindSubmatch(out); err == nil && m != nil {
		return string(m[1])
	}
	return "unknown"
}
