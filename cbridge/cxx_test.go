//go:build rb_cxx

package cbridge_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// lookAtHandles asks the C++ part about itself and about handles that are none.
const lookAtHandles = `
#include <stdio.h>
#include <stdlib.h>
#include "cxx.h"

int main(void) {
  const char *words = rb_cxx_refusal();
  printf("refusal: %s\n", words != NULL ? words : "none");
  void *wild = (void *)1234567;
  void *zeros[8] = {0};
  void *there = zeros;
  const void *handles[] = {&wild, zeros, &there};
  for (int i = 0; i < 3; i++) {
    rb_status s = rb_cxx_check((const rocksdb_t *)handles[i], (const rocksdb_column_family_handle_t *)handles[i]);
    printf("%d: %s\n", s.code, s.msg);
    free(s.msg);
  }
  return 0;
}
`

// Where the headers are of another version than the library, or its objects lie otherwise, the C++ part says so
// and is not used; handles that lead nowhere are found out without a crash.
func TestTheCXXPartFindsOutWhatDoesNotFit(t *testing.T) {
	headers := rocksdbHeaders(t)
	version, err := os.ReadFile(filepath.Join(headers, "version.h"))
	if err != nil {
		t.Fatal(err)
	}
	options, err := os.ReadFile(filepath.Join(headers, "options.h"))
	if err != nil {
		t.Fatal(err)
	}
	const unfit = "3: rb_cxx does not find the C++ objects behind RocksDB's handles"
	for what, c := range map[string]struct {
		name, text, refusal, check string
	}{
		"as it is": {"", "", "refusal: none\n", unfit},
		"another version": {
			"version.h", regexp.MustCompile(`(#define ROCKSDB_PATCH) \d+`).ReplaceAllString(string(version), "$1 77"),
			"was compiled with the headers of RocksDB ", "3: rb_cxx was compiled with the headers",
		},
		"another layout": {
			"options.h", strings.Replace(string(options), "struct DBOptions {", "struct DBOptions { char padding[64];", 1),
			"does not find RocksDB's objects where its headers have them", "3: rb_cxx does not find RocksDB's objects",
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if c.name != "" {
				if c.text == string(version) || c.text == string(options) {
					t.Fatal("the header was not changed")
				}
				// The whole folder, so that headers that include each other by their folder get the changed one.
				if err := os.CopyFS(filepath.Join(dir, "rocksdb"), os.DirFS(headers)); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "rocksdb", c.name), []byte(c.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out := lookWith(t, dir)
			if !strings.Contains(out, c.refusal) || strings.Count(out, c.check) != 3 {
				t.Error(out)
			}
		})
	}
}

// rocksdbHeaders is the folder of the headers that the compiler takes.
func rocksdbHeaders(t *testing.T) string {
	t.Helper()
	c := exec.Command("g++", append(strings.Fields(os.Getenv("CGO_CXXFLAGS")), "-std=c++20", "-M", "-x", "c++", "-")...)
	c.Stdin = strings.NewReader("#include <rocksdb/options.h>\n")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`\S+/rocksdb/options\.h`).Find(out)
	if m == nil {
		t.Fatalf("no header in %s", out)
	}
	return filepath.Dir(string(m))
}

// lookWith compiles the C++ part and what it needs, with headers of dir before all others, and runs lookAtHandles.
func lookWith(t *testing.T, dir string) string {
	t.Helper()
	source := filepath.Join(dir, "look.c")
	if err := os.WriteFile(source, []byte(lookAtHandles), 0o600); err != nil {
		t.Fatal(err)
	}
	compile := func(compiler, flags string, args ...string) {
		args = append(append([]string{"-I" + dir, "-I."}, args...), strings.Fields(os.Getenv(flags))...)
		if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", compiler, err, out)
		}
	}
	var objects []string
	for _, name := range []string{source, "status.c", "events.c"} {
		object := filepath.Join(dir, filepath.Base(name)+".o")
		compile("gcc", "CGO_CFLAGS", "-std=c11", "-D_DEFAULT_SOURCE", "-c", name, "-o", object)
		objects = append(objects, object)
	}
	object, program := filepath.Join(dir, "cxx.o"), filepath.Join(dir, "look")
	compile("g++", "CGO_CXXFLAGS", "-std=c++20", "-c", "cxx.cc", "-o", object)
	compile("g++", "CGO_LDFLAGS", append(objects, object, "-o", program, "-lrocksdb")...)
	out, err := runner.Command(t.Context(), program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
