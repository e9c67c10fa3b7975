// Command skips notes which tests were skipped, and why, which go test shows with -v only. It reads what go test -json
// printed, prints what go test prints without it, lines that are none of it as they are, and adds to FILE a line
// "STEP<tab>PACKAGE TEST<tab>REASON" for each test that was skipped.
//
//	go test -json ./... 2>&1 | go run ./scripts/skips STEP FILE
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: skips STEP FILE <OUTPUT")
		os.Exit(2)
	}
	f, err := os.OpenFile(os.Args[2], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		err = filter(os.Stdin, os.Stdout, f, os.Args[1])
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "skips:", err)
		os.Exit(1)
	}
}

// event is a line of go test -json.
type event struct{ Action, Package, ImportPath, Test, Output string }

// line is one that a test printed, or with an empty name its package.
type line struct{ test, text string }

// run is what the packages under way have printed.
type run struct {
	out, skipped io.Writer
	step         string
	lines        map[string][]line
	ended        map[string]string // by package and test: pass, skip or fail
	err          error
}

func filter(in io.Reader, out, skipped io.Writer, step string) error {
	r := &run{out: out, skipped: skipped, step: step, lines: map[string][]line{}, ended: map[string]string{}}
	lines := bufio.NewReader(in)
	for {
		text, err := lines.ReadString('\n')
		var e event
		if json.Unmarshal([]byte(text), &e) == nil && e.Action != "" {
			r.take(e)
		} else {
			r.print(r.out, text)
		}
		if err == io.EOF || r.err != nil {
			break
		}
		if err != nil {
			return err
		}
	}
	for p := range r.lines { // it has not ended
		r.show(p)
	}
	return r.err
}

func (r *run) print(w io.Writer, text string) {
	if _, err := io.WriteString(w, text); err != nil && r.err == nil {
		r.err = err
	}
}

func (r *run) take(e event) {
	switch {
	case e.Action == "build-output":
		r.print(r.out, e.Output)
	case e.Action == "output":
		r.lines[e.Package] = append(r.lines[e.Package], line{e.Test, e.Output})
	case e.Action != "pass" && e.Action != "skip" && e.Action != "fail":
	case e.Test != "":
		r.ended[e.Package+" "+e.Test] = e.Action
		if e.Action == "skip" {
			r.skip(e)
		}
	default:
		if e.Action == "fail" {
			r.show(e.Package)
		} else if l := r.lines[e.Package]; len(l) > 0 { // "ok", and the time
			r.print(r.out, l[len(l)-1].text)
		}
		delete(r.lines, e.Package)
	}
}

var (
	marker = regexp.MustCompile(`^\s*(=== |--- (PASS|SKIP))`)
	logged = regexp.MustCompile(`^ {4,}\S+\.go:\d+: `)
	place  = regexp.MustCompile(`^\S+\.go:\d+: `)
)

// skip notes a test with what it said last.
func (r *run) skip(e event) {
	var reason []string
	for _, l := range r.lines[e.Package] {
		switch {
		case l.test != e.Test || marker.MatchString(l.text):
		case logged.MatchString(l.text):
			reason = strings.Fields(l.text)
		default:
			reason = append(reason, strings.Fields(l.text)...)
		}
	}
	why := place.ReplaceAllString(strings.Join(reason, " "), "")
	name := strings.TrimPrefix(e.Package, "github.com/rockbridge-db/rockbridge/") + " " + e.Test
	r.print(r.skipped, fmt.Sprintf("%s\t%s\t%s\n", r.step, name, why))
}

// show prints a package that failed: all but what tests that passed logged. What goes to standard error, as a report of
// the race detector does, may be taken for the output of another test.
func (r *run) show(p string) {
	for _, l := range r.lines[p] {
		good := r.ended[p+" "+l.test] == "pass" || r.ended[p+" "+l.test] == "skip"
		if !marker.MatchString(l.text) && !(good && logged.MatchString(l.text)) {
			r.print(r.out, l.text)
		}
	}
}
