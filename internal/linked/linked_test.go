package linked_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/internal/linked"
)

// compile makes a program or a shared library of a few lines of C that call an assertion as RocksDB does, or none.
func compile(t *testing.T, name string, flags ...string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "db.c")
	// The name is put together, or this test would hold it too.
	text := "#include <assert.h>\nextern void __assert_fail(const char *, const char *, unsigned, const char *);\n" +
		"int main(int n, char **v) { (void)v;\n#ifndef NDEBUG\nif (n > 9) __assert_fail(\"n\", \"db.cc\", 1, \"void " + "rocks" + "db::DBImpl::Look()\");\n#endif\nreturn n - 1; }\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name)
	if out, err := exec.Command(cc, append(flags, "-o", file, source)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

func TestALineSaysWhichLibraryAProgramHas(t *testing.T) {
	shared := compile(t, "librocksdb.so.7.8", "-shared", "-fPIC")
	program := compile(t, "program", "-DNDEBUG")
	marked := compile(t, "marked", "-DNDEBUG")
	mark := filepath.Join(t.TempDir(), "mark")
	if err := os.WriteFile(mark, []byte("9.11.2\npgo\n/some where/9.11.2-pgo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("objcopy", "--add-section", ".rockbridge.library="+mark, marked).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	stripped := filepath.Join(t.TempDir(), "stripped")
	if out, err := exec.Command("strip", "-o", stripped, marked).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	for file, want := range map[string]string{
		shared:                             "system, " + shared + ", assertions on",
		program:                            "linked into the program, assertions off",
		marked:                             "pgo, /some where/9.11.2-pgo, assertions off",
		stripped:                           "pgo, /some where/9.11.2-pgo, assertions off",
		filepath.Join(t.TempDir(), "none"): "linked into the program, assertions unknown: ",
	} {
		if got := linked.Inspect(file).String(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, not %q", filepath.Base(file), got, want)
		}
	}
}

func TestTheSharedLibraryIsFoundAmongTheMappedFiles(t *testing.T) {
	maps := filepath.Join(t.TempDir(), "maps")
	for text, want := range map[string]string{
		"": "",
		"7f00-7f01 r-xp 00000000 fe:00 12 /usr/lib/librocksdb.so.7.8.3\n":                                 "/usr/lib/librocksdb.so.7.8.3",
		"1-2 rw-p 0 0:0 0 [heap]\n2-3 r--p 0 1:1 9 /a b/librocksdb.so.9.10\n3-4 r--p 0 1:1 9 /lib/c.so\n": "/a b/librocksdb.so.9.10",
		"2-3 r--p 0 1:1 9 /librocksdb/libz.so\n":                                                          "",
	} {
		if err := os.WriteFile(maps, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := linked.SharedLibrary(maps); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
	if got := linked.SharedLibrary(filepath.Join(t.TempDir(), "none")); got != "" {
		t.Errorf("without maps: %q", got)
	}
}
