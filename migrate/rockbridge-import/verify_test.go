package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// changing is a source that gives other rows each time.
type changing struct {
	reads int
	give  func(read int, f func(key, value []byte) error) error
}

func (c *changing) families() ([]family, error) {
	return []family{{name: "default", rows: func(f func(key, value []byte) error) error {
		c.reads++
		return c.give(c.reads, f)
	}}}, nil
}
func (c *changing) notes() []string { return nil }
func (c *changing) close() error    { return nil }

func TestVerifyFindsASourceThatChanges(t *testing.T) {
	sources := map[string]func(read int, f func(key, value []byte) error) error{
		"another value": func(read int, f func(key, value []byte) error) error {
			return errors.Join(f([]byte("a"), []byte{byte(read)}), f([]byte("b"), nil))
		},
		"a row less": func(read int, f func(key, value []byte) error) error {
			if read == 1 {
				return errors.Join(f([]byte("a"), nil), f([]byte("b"), nil))
			}
			return f([]byte("a"), nil)
		},
		"bytes that move from the key to the value": func(read int, f func(key, value []byte) error) error {
			if read == 1 {
				return f([]byte("ab"), []byte("c"))
			}
			return f([]byte("a"), []byte("bc"))
		},
	}
	for name, give := range sources {
		dst := filepath.Join(t.TempDir(), "new")
		j := &job{src: &changing{give: give}, path: "source", dst: dst, verify: true, stdout: io.Discard, stderr: io.Discard}
		if err := j.run(t.Context()); err == nil || !strings.Contains(err.Error(), "differs") {
			t.Errorf("%s: %v", name, err)
		}
		nothing(t, dst)
	}
	twice := &changing{give: func(_ int, f func(key, value []byte) error) error {
		return errors.Join(f([]byte("a"), nil), f([]byte("a"), []byte("1")))
	}}
	dst := filepath.Join(t.TempDir(), "new")
	j := &job{src: twice, path: "source", dst: dst, stdout: io.Discard, stderr: io.Discard}
	if err := j.run(t.Context()); err == nil {
		t.Error("a key came twice, and nobody minded")
	}
	nothing(t, dst)
}

func TestVerifyFindsADatabaseThatDiffers(t *testing.T) {
	var a, b, c, d digest
	a.add([]byte("k"), []byte("v"))
	a.add([]byte("l"), nil)
	b.add([]byte("l"), nil)
	b.add([]byte("k"), []byte("v"))
	c.add([]byte("l"), nil)
	c.add([]byte("k"), []byte("w"))
	d.add([]byte("l"), nil)
	d.add([]byte("kv"), nil)
	if a != b || a == c || a == d {
		t.Error("digests tell orders apart, or do not tell rows apart")
	}
}

const secondZstd = "github.com/DataDog/zstd"

func dependencies(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-deps"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// RocksDB brings a zstd in C; a second one in the program would take its place at some calls.
func TestNoSecondZstdIsLinked(t *testing.T) {
	for _, args := range [][]string{{"-tags", "pebblegozstd", "."}, {"."}, {"-tags", "pebblegozstd", "../internal/maker"}} {
		if slices.Contains(dependencies(t, args...), secondZstd) {
			t.Errorf("%v depends on %s", args, secondZstd)
		}
	}
	if !slices.Contains(dependencies(t, "github.com/cockroachdb/pebble/v2"), secondZstd) {
		t.Error("Pebble does without the tag: this test shows nothing any more")
	}
	if runtime.GOOS != "linux" {
		t.Skip("looks into a program of Linux")
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	static, ours := false, false
	var zstd []string
	for _, s := range symbols {
		if s.Section == elf.SHN_UNDEF {
			continue
		}
		static = static || s.Name == "rocksdb_open"
		ours = ours || strings.HasPrefix(s.Name, "rb_")
		if strings.HasPrefix(s.Name, "ZSTD_compress") {
			zstd = append(zstd, s.Name)
		}
	}
	if !ours {
		t.Error("the program has no symbols of the glue: this test shows nothing")
	}
	if !static && len(zstd) > 0 {
		t.Errorf("the program has a zstd of its own: %v", zstd)
	}
}

func TestABuildWithoutTheTagSaysWhatItLacks(t *testing.T) {
	if testing.Short() {
		t.Skip("builds another program")
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if out, err := exec.Command("go", "build", "-o", plain, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	src, _, dst := newStore(t, "pebble", 10)
	var stderr bytes.Buffer
	cmd := start(t, plain, "--from", "pebble", src, dst)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != exitError || !strings.Contains(stderr.String(), "pebblegozstd") {
		t.Errorf("%v: %s", err, stderr.String())
	}
	nothing(t, dst)
}
