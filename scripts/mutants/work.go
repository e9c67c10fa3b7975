package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// goTests are what is run on a mutant that the cmocka programs leave alive, one after the other.
var goTests = [][]string{
	{"go", "test", "-short", "-failfast", "./cbridge", "./iterator"},
	{"go", "test", "-short", "-failfast", "-skip", "Threads|Lanes|PowerCut|Crash|Builds|Memory", "./engine"},
}

const goTime = 15 * time.Minute

// work tries mutants as they come, in a copy of the tree.
func (w *whole) work(dir string, list []mutant, next <-chan int, out []outcome) error {
	tree, objects := filepath.Join(dir, "tree"), filepath.Join(dir, "objects")
	if err := copyTree(".", tree); err != nil {
		return err
	}
	for i := range next {
		begin := time.Now()
		o, err := w.try(list[i], tree, objects)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", list[i].file, list[i].breaks, err)
		}
		o.took = time.Since(begin)
		out[i] = o
		fmt.Println(o)
	}
	return nil
}

// try applies a mutant to a copy of the tree, runs tests until one fails, and takes it out again.
func (w *whole) try(m mutant, tree, objects string) (o outcome, err error) {
	o.mutant = m
	file := filepath.Join(tree, "cbridge", m.file)
	text, err := os.ReadFile(file)
	if err != nil {
		return o, err
	}
	changed, err := m.apply(string(text))
	if err != nil {
		return o, err
	}
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		return o, err
	}
	defer os.WriteFile(file, text, 0o644)
	if err := os.RemoveAll(objects); err != nil {
		return o, err
	}
	if err := os.MkdirAll(objects, 0o755); err != nil {
		return o, err
	}
	old, err := w.dependents(m.file)
	if err != nil {
		return o, err
	}
	for _, f := range old {
		if err := w.compile(filepath.Join(tree, "cbridge"), f, objects); err != nil {
			return o, err
		}
	}
	if o.killer, o.how, err = w.tryPrograms(m, objects); err != nil || o.killer != "" || w.near {
		return o, err
	}
	w.goOnce.Do(func() {
		if killer, how := tryGo("."); killer != "" {
			w.goErr = fmt.Errorf("without a mutant go test fails: %s", how)
		}
	})
	if w.goErr != nil {
		return o, w.goErr
	}
	o.killer, o.how = tryGo(tree)
	return o, nil
}

// order has the programs that a mutant names first, then those of the name of its file, then all others, unless only what
// is next to it is wanted and there is such.
func (w *whole) order(m mutant) []string {
	base := strings.TrimSuffix(strings.TrimSuffix(m.file, ".c"), ".h")
	out := slices.Clone(m.tests)
	for _, close := range []bool{true, false} {
		if !close && w.near && len(out) > 0 {
			break
		}
		for _, t := range w.tests {
			if !slices.Contains(out, t) && strings.HasPrefix(t, base) == close {
				out = append(out, t)
			}
		}
	}
	return out
}

// tryPrograms runs the programs with the objects of a mutant until one fails.
func (w *whole) tryPrograms(m mutant, objects string) (killer, how string, err error) {
	if err := os.MkdirAll(objects, 0o755); err != nil {
		return "", "", err
	}
	for _, t := range w.order(m) {
		program, err := w.link(t, objects)
		if err != nil {
			return "", "", err
		}
		if text, err := command(w.most, ".", program); err != nil {
			return t, reason(text, err), w.passes[t]()
		}
		if err := os.Remove(program); err != nil {
			return "", "", err
		}
	}
	return "", "", nil
}

func tryGo(tree string) (killer, how string) {
	for _, args := range goTests {
		if text, err := command(goTime, tree, args[0], args[1:]...); err != nil {
			return "go test", reason(text, err)
		}
	}
	return "", ""
}

var reasons = regexp.MustCompile(`(?m)ERROR: (?:AddressSanitizer: \S+|LeakSanitizer: [a-z ]+)|runtime error: .*|^\[  FAILED  \] \w*[a-z]\w*$|^\s*--- FAIL: \w+|^panic: .*|^fatal error: .*`)

// reason is what a test that failed said first.
func reason(text string, err error) string {
	if r := strings.TrimSpace(reasons.FindString(text)); r != "" {
		return strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(r, "--- FAIL: "), "ERROR: "), "[  FAILED  ] ")
	}
	return err.Error()
}

// copyTree copies the source of the root module: no folder whose name begins with a dot, none of what is built.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != from && (strings.HasPrefix(d.Name(), ".") || path == "bin" || path == "dist") {
			return fs.SkipDir
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), b, 0o644)
	})
}
