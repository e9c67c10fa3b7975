// Testtable sums up what go test -json printed, for several runs side by side.
//
//	go run ./scripts/testtable NAME=FILE...
//
// It prints one row for each run, why tests were skipped, and the output of each test that failed or did
// not end. Its exit code is 1 if there was any such, or a package that did not build, or a run without a
// test.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	var runs []*run
	for _, arg := range os.Args[1:] {
		name, path, ok := strings.Cut(arg, "=")
		if !ok {
			fatal(fmt.Errorf("%q is not NAME=FILE", arg))
		}
		f, err := os.Open(path)
		if err != nil {
			fatal(err)
		}
		r, err := readRun(name, f)
		f.Close()
		if err != nil {
			fatal(fmt.Errorf("%s: %w", path, err))
		}
		runs = append(runs, r)
	}
	out := bufio.NewWriter(os.Stdout)
	good := report(out, runs)
	if err := out.Flush(); err != nil {
		fatal(err)
	}
	if !good {
		os.Exit(1)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "testtable:", err)
	os.Exit(2)
}

// report prints all and tells whether every run is as it should be.
func report(w io.Writer, runs []*run) bool {
	good := len(runs) > 0
	for _, r := range runs {
		for _, f := range r.failures() {
			fmt.Fprintf(w, "--- FAILED on %s: %s\n%s", r.name, f.name, indent(f.output))
		}
	}
	reasons(w, runs)
	fmt.Fprintf(w, "\n%-10s %-8s %8s %7s %7s %7s\n", "suite", "RocksDB", "packages", "passed", "skipped", "failed")
	for _, r := range runs {
		failed := r.failures()
		fmt.Fprintf(w, "%-10s %-8s %8d %7d %7d %7d\n", r.name, r.version, r.tested(), r.passed, len(r.skipped()), len(failed))
		if len(failed) > 0 || r.passed == 0 {
			good = false
		}
	}
	for _, r := range runs {
		for _, f := range r.failures() {
			fmt.Fprintf(w, "FAILED on %s: %s\n", r.name, f.name)
		}
		if r.passed == 0 {
			fmt.Fprintf(w, "FAILED on %s: no test passed\n", r.name)
		}
	}
	return good
}

// reasons prints each skipped test once, with the runs that skipped it.
func reasons(w io.Writer, runs []*run) {
	var order []string
	where := map[string][]string{}
	for _, r := range runs {
		for _, s := range r.skipped() {
			line := s.name + ": " + strings.Join(strings.Fields(s.output), " ")
			if where[line] == nil {
				order = append(order, line)
			}
			where[line] = append(where[line], r.name)
		}
	}
	for _, line := range order {
		fmt.Fprintf(w, "skipped on %s: %s\n", strings.Join(where[line], ", "), line)
	}
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + line)
	}
	if b.Len() > 0 && !strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}
