package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// whole is the glue as it is, compiled under the sanitizers: what a mutant does not change is taken from here.
type whole struct {
	dir             string
	cflags, ldflags []string
	sources, tests  []string // "get.c", "get_test"
	wraps           map[string][]string
	passes          map[string]func() error // by test: whether it passes without a mutant
	compiled        map[string]func() error // by test: compiles its own file, unless that is done
	near            bool                    // only the programs next to a mutant are run
	most            time.Duration           // how long a program may take

	goOnce sync.Once
	goErr  error
}

var sanitizers = []string{
	"-std=c11", "-w", "-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
}

// programTime is how long a test program may take, which whole is done in seconds: a mutant that never ends is noticed too.
// nearTime is that of a sample.
const (
	programTime = 4 * time.Minute
	nearTime    = time.Minute
)

// buildWhole compiles what is missing or old in dir. If near is set, the tests are left until they are wanted.
func buildWhole(dir string, near bool) (*whole, error) {
	w := &whole{
		dir: dir, near: near, most: programTime,
		wraps: map[string][]string{}, passes: map[string]func() error{}, compiled: map[string]func() error{},
	}
	if near {
		w.most = nearTime
	}
	for flags, name := range map[*[]string]string{&w.cflags: "CgoCFLAGS", &w.ldflags: "CgoLDFLAGS"} {
		text, err := command(time.Minute, ".", "go", "list", "-f", `{{join .`+name+` " "}}`, "./cbridge")
		if err != nil {
			return nil, errors.New(text)
		}
		*flags = strings.Fields(text)
	}
	w.sources = bases("cbridge/*.c")
	link := regexp.MustCompile(`(?m)^/\* link: (.*) \*/$`)
	for _, t := range bases("cbridge/ctest/*_test.c") {
		b, err := os.ReadFile("cbridge/ctest/" + t)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(t, ".c")
		w.tests = append(w.tests, name)
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			w.wraps[name] = append(w.wraps[name], strings.Fields(m[1])...)
		}
	}
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return nil, err
	}
	for _, t := range w.tests {
		w.passes[t] = sync.OnceValue(func() error { return w.pass(t) })
		w.compiled[t] = sync.OnceValue(func() error { return w.bring("ctest/" + t + ".c") })
	}
	return w, w.compileAll()
}

// pass runs a program on the whole glue: one that fails there notices no mutant.
func (w *whole) pass(test string) error {
	dir := filepath.Join(w.dir, "programs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	program, err := w.link(test, dir)
	if err != nil {
		return err
	}
	if text, err := command(w.most, ".", program); err != nil {
		return fmt.Errorf("without a mutant %s fails: %s", test, reason(text, err))
	}
	return nil
}

func bases(pattern string) []string {
	names, _ := filepath.Glob(pattern)
	for i, n := range names {
		names[i] = filepath.Base(n)
	}
	return names
}

func (w *whole) compileAll() error {
	var all []func() error
	for _, f := range w.sources {
		all = append(all, func() error { return w.bring(f) })
	}
	if !w.near {
		for _, t := range w.tests {
			all = append(all, w.compiled[t])
		}
	}
	errs := make([]error, len(all))
	slots := make(chan struct{}, *workers)
	var wg sync.WaitGroup
	for i, compile := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = compile()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// bring compiles a file of the whole glue, unless its object is current.
func (w *whole) bring(file string) error {
	if w.current(file) {
		return nil
	}
	return w.compile("cbridge", file, w.dir)
}

// object is the name of the object of a file, "get.c" or "ctest/get_test.c".
func object(file string) string { return strings.TrimSuffix(filepath.Base(file), ".c") + ".o" }

// compile compiles a file of the folder cbridge into dir, and notes beside the object what it was made of.
func (w *whole) compile(cbridge, file, dir string) error {
	o := filepath.Join(dir, object(file))
	args := slices.Concat(w.cflags, sanitizers, []string{"-I" + cbridge, "-MMD", "-MF", o + ".d", "-c", filepath.Join(cbridge, file), "-o", o})
	if text, err := command(programTime, ".", "gcc", args...); err != nil {
		return fmt.Errorf("%s does not compile: %w\n%s", file, err, text)
	}
	return nil
}

// current reports whether the whole object of a file is newer than all that it was made of.
func (w *whole) current(file string) bool {
	o := filepath.Join(w.dir, object(file))
	made, err := os.Stat(o)
	if err != nil {
		return false
	}
	b, err := os.ReadFile(o + ".d")
	if err != nil {
		return false
	}
	for _, d := range strings.Fields(strings.ReplaceAll(string(b), "\\\n", ""))[1:] {
		if from, err := os.Stat(d); err != nil || !from.ModTime().Before(made.ModTime()) {
			return false
		}
	}
	return true
}

// dependents are the files whose objects a change of file makes old.
func (w *whole) dependents(file string) ([]string, error) {
	if strings.HasSuffix(file, ".c") {
		return []string{file}, nil
	}
	var out []string
	files := slices.Clone(w.sources)
	for _, t := range w.tests {
		files = append(files, "ctest/"+t+".c")
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(w.dir, object(f)) + ".d")
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(strings.Fields(string(b)), func(d string) bool { return filepath.Base(d) == file }) {
			out = append(out, f)
		}
	}
	return out, nil
}

// link makes the program of a test from the objects in dir, and from the whole ones where there is none.
func (w *whole) link(test, dir string) (string, error) {
	if err := w.compiled[test](); err != nil {
		return "", err
	}
	program := filepath.Join(dir, test)
	args := []string{"-fsanitize=address,undefined", "-o", program}
	for _, f := range append([]string{test + ".c"}, w.sources...) {
		o := filepath.Join(dir, object(f))
		if _, err := os.Stat(o); err != nil {
			o = filepath.Join(w.dir, object(f))
		}
		args = append(args, o)
	}
	args = slices.Concat(args, w.wraps[test], w.ldflags, []string{"-lcmocka"})
	if text, err := command(programTime, ".", "gcc", args...); err != nil {
		return "", fmt.Errorf("%s does not link: %w\n%s", test, err, text)
	}
	return program, nil
}

// command runs one, in a folder, and gives what it printed.
func command(most time.Duration, dir, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1", "GOWORK=off", "GOFLAGS=")
	c.WaitDelay = time.Second
	b, err := c.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("did not end within %s", most)
	}
	return string(b), err
}
