package main

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// event is a line of go test -json.
type event struct{ Action, Package, ImportPath, Test, Output, FailedBuild string }

// result is a test, or a package as a whole if it is named so.
type result struct{ name, state, output string }

// run is what one run of go test printed.
type run struct {
	name, version string
	packages      map[string]*result
	tests         map[string]*result
	order         []*result // tests and builds, in the order of their first line
	passed        int
	stray         string // lines that are no events
}

// readRun reads a stream. A line "RocksDB VERSION ..." before it names the library.
func readRun(name string, in io.Reader) (*run, error) {
	r := &run{name: name, version: "?", packages: map[string]*result{}, tests: map[string]*result{}}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if err == io.EOF {
			return r, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (r *run) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		if version, ok := strings.CutPrefix(line, "RocksDB "); ok {
			r.version, _, _ = strings.Cut(version, " ")
			return
		}
		r.stray += line
		return
	}
	switch {
	case e.ImportPath != "":
		r.named(r.tests, e.ImportPath+" [build]").take(e)
	case e.Test == "":
		r.named(r.packages, e.Package).take(e)
	default:
		x := r.named(r.tests, e.Package+" "+e.Test)
		x.take(e)
		if e.Action == "pass" {
			r.passed++
		}
	}
}

func (r *run) named(in map[string]*result, name string) *result {
	if in[name] == nil {
		in[name] = &result{name: short(name)}
		r.order = append(r.order, in[name])
	}
	return in[name]
}

// short leaves out the module's path.
func short(name string) string {
	return strings.TrimPrefix(name, "github.com/rockbridge-db/rockbridge/")
}

func (x *result) take(e event) {
	switch e.Action {
	case "output", "build-output":
		if !isMarker(e.Output) {
			x.output += e.Output
		}
	case "pass", "fail", "skip", "build-fail":
		x.state = e.Action
	}
}

// isMarker tells the lines of go test itself from those of a test.
func isMarker(line string) bool {
	line = strings.TrimSpace(line)
	return slices.ContainsFunc([]string{"=== ", "--- PASS", "--- SKIP", "--- FAIL"}, func(m string) bool {
		return strings.HasPrefix(line, m)
	})
}

// skipped are the tests that were; a package without tests is not.
func (r *run) skipped() []*result {
	return slices.DeleteFunc(slices.Clone(r.order), func(x *result) bool {
		return x.state != "skip" || r.isPackage(x)
	})
}

// failures are the tests that failed or did not end, failed builds, packages that failed without a
// failed test, and what was printed outside of all of them if there is nothing else to show.
func (r *run) failures() []*result {
	var all []*result
	for _, x := range r.order {
		bad := x.state != "pass" && x.state != "skip"
		if bad && !r.isPackage(x) && (x.state != "" || !strings.HasSuffix(x.name, "[build]")) {
			all = append(all, x)
		}
	}
	for _, x := range r.order {
		if r.isPackage(x) && x.state != "pass" && x.state != "skip" {
			ofIt := func(y *result) bool { return strings.HasPrefix(y.name, x.name+" ") }
			if !slices.ContainsFunc(all, ofIt) {
				all = append(all, x)
			}
		}
	}
	if len(all) == 0 && r.passed == 0 && r.stray != "" {
		all = append(all, &result{name: "the run itself", output: r.stray})
	}
	return all
}

func (r *run) isPackage(x *result) bool {
	for _, p := range r.packages {
		if p == x {
			return true
		}
	}
	return false
}

// tested counts the packages that have tests.
func (r *run) tested() int {
	n := 0
	for _, p := range r.packages {
		if p.state != "skip" {
			n++
		}
	}
	return n
}
