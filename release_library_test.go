package rockbridge_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/internal/linked"
)

// archive stands for a Debian archive with the source package of a RocksDB 1.2.3 that has a few lines, for a cache of
// its own, and for the compiler that the build calls.
type archive struct {
	t   *testing.T
	dir string
	env []string

	mu    sync.Mutex        // the server is a goroutine of its own
	files map[string][]byte // what is served
	asked int               // files that were fetched
}

// offer has a file served from now on; nil: it is not there.
func (a *archive) offer(name string, text []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.files[name] = text; text == nil {
		delete(a.files, name)
	}
}

// fetched is how many files were asked for.
func (a *archive) fetched() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// newArchive ends the test where nothing can be built.
func newArchive(t *testing.T) *archive {
	t.Helper()
	for _, tool := range []string{"g++", "make", "patch", "xz", "flock", "/usr/lib/apt/apt-helper"} {
		if _, err := exec.LookPath(tool); err != nil {
			cannotRun(t, err.Error())
		}
	}
	a := &archive{t: t, dir: t.TempDir(), files: map[string][]byte{}}
	server := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(server.Close)
	a.pack()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "CGO_") && name != "ROCKBRIDGE_LIBRARY" && !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			a.env = append(a.env, v)
		}
	}
	a.env = append(a.env, "VERSION=1.2.3", "JOBS=1", "PINS="+a.dir+"/pins", "XDG_CACHE_HOME="+a.dir+"/cache",
		"DEBIAN_MIRROR="+server.URL, "DEBIAN_KEYRING=/dev/null", "CXX="+a.dir+"/compiler")
	a.write("compiler", fmt.Sprintf("#!/bin/sh\n%s", `dir=$(dirname "$0")
case "$*" in
*parts/*) echo "${*##* }" >>"$dir/compiled" ;;
esac
case "$*" in
*parts/rest*) while [ -e "$dir/stuck" ]; do sleep 0.05; done; if [ -e "$dir/broken" ]; then echo "a broken compiler" >&2; exit 1; fi ;;
esac
exec g++ "$@"
`))
	return a
}

func (a *archive) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	text, ok := a.files[filepath.Base(r.URL.Path)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	a.asked++
	_, _ = w.Write(text)
}

func (a *archive) write(name, text string) {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil { //nolint:gosec // some are programs
		a.t.Fatal(err)
	}
}

func (a *archive) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(a.dir, name)) // none is empty
	return string(b)
}

func (a *archive) remove(name string) {
	a.t.Helper()
	if err := os.Remove(filepath.Join(a.dir, name)); err != nil {
		a.t.Fatal(err)
	}
}

// pack makes the two files of the source package, and the pins.
func (a *archive) pack() {
	a.t.Helper()
	text, err := os.ReadFile("testdata/release/sources.txt")
	if err != nil {
		a.t.Fatal(err)
	}
	for _, part := range strings.Split("\n"+string(text), "\n-- ")[1:] {
		name, body, _ := strings.Cut(part, " --\n")
		a.write("upstream/"+name, body+"\n")
	}
	makefile, err := os.ReadFile("testdata/release/Makefile")
	if err != nil {
		a.t.Fatal(err)
	}
	a.write("upstream/Makefile", string(makefile))
	var pins strings.Builder
	for name, args := range map[string][]string{
		"rocksdb_1.2.3.orig.tar.gz":     {"-czf", "out", "--exclude=debian", "-C", a.dir, "upstream"},
		"rocksdb_1.2.3-1.debian.tar.xz": {"-cJf", "out", "-C", a.dir + "/upstream", "debian"},
	} {
		args[1] = filepath.Join(a.dir, name)
		if out, err := exec.Command("tar", args...).CombinedOutput(); err != nil {
			a.t.Fatalf("%v: %s", err, out)
		}
		text := []byte(a.read(name))
		a.offer(name, text)
		fmt.Fprintf(&pins, "1.2.3 sid %x %s\n", sha256.Sum256(text), name)
	}
	a.write("pins", pins.String())
}

func (a *archive) command(name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(a.t.Context(), 3*time.Minute)
	a.t.Cleanup(cancel)
	c := exec.CommandContext(ctx, name, args...)
	c.Env = a.env
	c.WaitDelay = 10 * time.Second
	return c
}

// run starts one of the scripts and gives what it printed.
func (a *archive) run(name string, args ...string) (string, error) {
	out, err := a.command(name, args...).CombinedOutput()
	return string(out), err
}

func (a *archive) mustRun(name string, args ...string) string {
	a.t.Helper()
	out, err := a.run(name, args...)
	if err != nil {
		a.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// expectFailure wants a script to fail and to print all of the words.
func (a *archive) expectFailure(words []string, name string, args ...string) {
	a.t.Helper()
	out, err := a.run(name, args...)
	for _, w := range words {
		if err == nil || !strings.Contains(out, w) {
			a.t.Errorf("%s %q: %v, without %q:\n%s", name, args, err, w, out)
		}
	}
}

func (a *archive) prefix(kind string) string {
	return a.dir + "/cache/rockbridge/rocksdb/1.2.3-" + kind
}

// program links one with what scripts/library names, and runs it.
func (a *archive) program(choice string) (path, printed string) {
	a.t.Helper()
	path = filepath.Join(a.dir, "program")
	a.env = append(a.env, "ROCKBRIDGE_LIBRARY="+choice)
	a.mustRun("scripts/library", "sh", "-c", `g++ -o "$0" testdata/release/program.cc $CGO_CFLAGS $CGO_LDFLAGS -lrocksdb`, path)
	return path, a.mustRun(path)
}

// compiled tells how often a file was compiled.
func (a *archive) compiled(name string) int { return strings.Count(a.read("compiled"), name) }

func needsBuilds(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles C++")
	}
	needsArchives(t)
}

func TestAReleaseLibraryIsBuiltOnceAndFound(t *testing.T) {
	needsBuilds(t)
	a := newArchive(t)
	if out := a.mustRun("scripts/library", "--default", "best"); !strings.HasPrefix(out, "RocksDB of the system") {
		t.Errorf("before the build, the best library is %s", out)
	}
	a.env = append(a.env, "ROCKBRIDGE_LIBRARY=release")
	a.expectFailure([]string{"no release library", "make rocksdb"}, "scripts/library", "true")
	a.env = append(a.env, "ROCKBRIDGE_LIBRARY=")

	if out := a.mustRun("scripts/rocksdb"); !strings.Contains(out, "RocksDB 1.2.3, release, is in "+a.prefix("release")) {
		t.Errorf("the build printed\n%s", out)
	}
	before := a.read("compiled")
	if out := a.mustRun("scripts/rocksdb"); !strings.Contains(out, "is there") || a.read("compiled") != before || a.fetched() != 2 {
		t.Errorf("the second build fetched %d files and printed\n%s", a.fetched(), out)
	}
	want := "RocksDB 1.2.3, release, " + a.prefix("release")
	if out := a.mustRun("scripts/library", "--default", "best"); strings.TrimSpace(out) != want {
		t.Errorf("the best library is %s", out)
	}
	if out := a.mustRun("scripts/library", "--default", "best", "scripts/library"); !strings.Contains(out, want) { // make within make
		t.Errorf("a library that was chosen is chosen again as %s", out)
	}
	if out := a.mustRun("scripts/library", "true"); !strings.Contains(out, "RocksDB of the system") {
		t.Errorf("by itself a test links %s", out)
	}
	a.env = append(a.env, "ROCKBRIDGE_LIBRARY=system")
	if out := a.mustRun("scripts/library", "--default", "best"); !strings.HasPrefix(out, "RocksDB of the system") {
		t.Errorf("system is %s", out)
	}
	program, printed := a.program("1.2.3-release")
	form := "1 the plain form"
	if cpu, _ := os.ReadFile("/proc/cpuinfo"); runtime.GOARCH == "amd64" && strings.Contains(string(cpu), "sse4_2") && strings.Contains(string(cpu), "pclmul") {
		form = "42 the instruction's form, which is longer than a short text"
	}
	if printed != "-1 45 "+form+"\n" {
		t.Errorf("the program printed %q", printed)
	}
	if l := linked.Inspect(program); l.Kind != "release" || l.Folder != a.prefix("release") || l.Assertions != "off" {
		t.Errorf("the program has %+v", l)
	}
}

func TestAnInterruptedBuildGoesOnWhereItWas(t *testing.T) {
	needsBuilds(t)
	a := newArchive(t)
	a.write("broken", "")
	a.expectFailure([]string{"failed", "a broken compiler", "1.2.3-release.log"}, "scripts/rocksdb")
	if a.compiled("parts/hot00.o") != 1 {
		t.Fatalf("compiled were\n%s", a.read("compiled"))
	}
	a.remove("broken")

	a.write("stuck", "")
	c := a.command("scripts/rocksdb")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if a.compiled("parts/rest") > 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	a.expectFailure([]string{"another build of 1.2.3-release is at work"}, "scripts/rocksdb")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil {
		t.Error("a build that was ended says that it succeeded")
	}
	a.remove("stuck")

	if out := a.mustRun("scripts/rocksdb"); strings.Contains(out, " 0 of ") || a.fetched() != 2 {
		t.Errorf("the last build fetched %d files in all and printed\n%s", a.fetched(), out)
	}
	// The newest object may be a broken one, so each interruption costs one that was not.
	if n := a.compiled("parts/hot00.o"); n != 1 {
		t.Errorf("the first object was compiled %d times:\n%s", n, a.read("compiled"))
	}
	if _, printed := a.program("release"); !strings.HasPrefix(printed, "-1 45 ") {
		t.Errorf("the program printed %q", printed)
	}
}

func TestALibraryIsOptimisedByAProfile(t *testing.T) {
	needsBuilds(t)
	a := newArchive(t)
	a.write("train", `#!/bin/sh
set -e
g++ -o "$2/program" testdata/release/program.cc -I"$1/include" -L"$1/lib" -lrocksdb
"$2/program"
"$2/program"
ls "$1/../profile" >"$(dirname "$0")/profile"
`)
	a.env = append(a.env, "TRAIN="+a.dir+"/train")
	a.mustRun("scripts/rocksdb", "pgo")
	if got := a.read("profile"); strings.Count(got, ".gcda") != 2 || strings.Contains(got, "rest") {
		t.Errorf("profiles were left of\n%s", got)
	}
	for name, n := range map[string]int{"parts/hot00.o": 3, "parts/rest00.o": 1} {
		if a.compiled(name) != n {
			t.Errorf("%s was compiled %d times, not %d:\n%s", name, a.compiled(name), n, a.read("compiled"))
		}
	}
	program, printed := a.program("best")
	if !strings.HasPrefix(printed, "-1 45 ") {
		t.Errorf("the program printed %q", printed)
	}
	if l := linked.Inspect(program); l.Kind != "pgo" || l.Folder != a.prefix("pgo") {
		t.Errorf("the program has %+v", l)
	}
}

func TestAWrongSourceIsRefused(t *testing.T) {
	a := newArchive(t)
	const name = "rocksdb_1.2.3.orig.tar.gz"
	right := []byte(a.read(name))
	a.offer(name, append([]byte("x"), right...))
	a.expectFailure([]string{name, "refused"}, "scripts/rocksdb")
	if _, err := os.Stat(a.dir + "/cache/rockbridge/rocksdb/build/1.2.3-release"); !os.IsNotExist(err) {
		t.Errorf("it was unpacked: %v", err)
	}
	a.offer(name, nil)
	a.expectFailure([]string{"the archive has no " + name, "VERSION="}, "scripts/rocksdb")

	// A file in the cache is looked at before each use.
	a.offer(name, right)
	a.write("cache/rockbridge/rocksdb/source/1.2.3/"+name, "wrong")
	a.write("broken", "")
	a.expectFailure([]string{"had a wrong checksum and is fetched anew", "a broken compiler"}, "scripts/rocksdb")
}
