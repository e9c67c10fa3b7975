package rockbridge_test

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// mustRun names the environment variable that turns a test of the builds that lacks something from a
// skipped into a failed one. Continuous integration sets it.
const mustRun = "ROCKBRIDGE_MUST_RUN"

// cannotRun ends a test that lacks something.
func cannotRun(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv(mustRun) != "" {
		t.Fatalf("%s is set, but %s", mustRun, reason)
	}
	t.Skip(reason)
}

// needsArchives ends a test where programs cannot be linked statically.
func needsArchives(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("links programs of 20 MB")
	}
	if runtime.GOOS != "linux" {
		cannotRun(t, "the tag rb_static is for Linux only")
	}
	if l := os.Getenv("ROCKBRIDGE_LIBRARY"); l != "" && l != "system" {
		t.Skip("with a library that make rocksdb built there is one way to link")
	}
	out, err := exec.Command("scripts/setup", "--print", "build", "static").CombinedOutput()
	if err != nil || len(out) > 0 {
		cannotRun(t, strings.TrimSpace(string(out)))
	}
}

// build is one way to link a program that imports rockbridge, as README.md tells it.
type build struct {
	name   string
	flags  []string
	shared *regexp.Regexp // the shared libraries that the program may name; nil: none, and no dynamic linker
	inside bool           // RocksDB is in the program
}

var (
	ofTheCLibrary = regexp.MustCompile(`^(lib(c|m|dl|pthread|resolv)\.so\.\d+|ld-linux.*\.so\.\d+)$`)
	dynamicBuild  = build{"dynamic", nil, regexp.MustCompile(``), false}
	partlyStatic  = build{"rb_static", []string{"-tags", "rb_static"}, ofTheCLibrary, true}
	fullyStatic   = build{"static", []string{"-tags", "rb_static netgo osusergo", "-ldflags", "-extldflags=-static"}, nil, true}
)

// newImporter makes a module of its own that imports this one.
func newImporter(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("testdata/importer/main.go")
	if err != nil {
		t.Fatal(err)
	}
	module := fmt.Sprintf("module importer\n\ngo 1.26\n\nrequire %s v0.0.0\n\nreplace %[1]s => %s\n", modulePath, strconv.Quote(root))
	for name, text := range map[string][]byte{"main.go": program, "go.mod": []byte(module)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// goBuild builds the program in dir. A warning of the linker is a failure.
func goBuild(t *testing.T, dir, program string, flags []string) {
	t.Helper()
	c := exec.Command("go", append(append([]string{"build"}, flags...), "-o", program, ".")...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off")
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("go build %q: %v\n%s", flags, err, out)
	}
}

// expectLinkage looks into a program whether it is what its build says.
func expectLinkage(t *testing.T, program string, b build) {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range libraries {
		if b.shared == nil || !b.shared.MatchString(l) {
			t.Errorf("the %s program names the library %s", b.name, l)
		}
	}
	linker := slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
	if linker != (b.shared != nil) {
		t.Errorf("the %s program names a dynamic linker: %v", b.name, linker)
	}
	named := slices.ContainsFunc(libraries, func(l string) bool { return strings.HasPrefix(l, "librocksdb.so") })
	if named == b.inside {
		t.Errorf("the %s program names librocksdb.so: %v", b.name, named)
	}
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	inside := slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == "rocksdb_open" && s.Section != elf.SHN_UNDEF })
	if inside != b.inside {
		t.Errorf("the %s program holds RocksDB: %v", b.name, inside)
	}
}

// runImporter gives what the importing program found.
func runImporter(t *testing.T, program string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := runner.Command(t.Context(), program, t.TempDir())
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
	}
	if !strings.Contains(stdout.String(), "counter 42\n") {
		t.Fatalf("the program printed\n%s", &stdout)
	}
	return stdout.String()
}

// TestBuildsCanBeSwitched goes from each way to link to each other one, with the user's build cache and
// one output file. All find the same: codecs, operators, and the features of later versions, whose
// functions are weak and would be missing if only a weak reference named their member of the archive.
func TestBuildsCanBeSwitched(t *testing.T) {
	needsArchives(t)
	dir := newImporter(t)
	program := filepath.Join(dir, "importer")
	want := ""
	for i, b := range []build{
		dynamicBuild, partlyStatic, fullyStatic, dynamicBuild, fullyStatic, partlyStatic, dynamicBuild,
	} {
		goBuild(t, dir, program, b.flags)
		expectLinkage(t, program, b)
		got := runImporter(t, program)
		if i == 0 {
			want = got
			t.Logf("every build should print\n%s", want)
		}
		if got != want {
			t.Errorf("build %d, %s: the program printed\n%s", i, b.name, got)
		}
	}
}

// TestWithoutCgoOneLineSaysWhatIsNeeded covers what Go does by itself when it builds for another system.
func TestWithoutCgoOneLineSaysWhatIsNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles parts of the standard library for three systems")
	}
	const want = "undefined: rockbridge_needs_CGO_ENABLED_1_and_a_C_compiler_and_librocksdb"
	// What stands on cbridge needs much more of the standard library, which is compiled here for this system only.
	packages := map[string][]string{
		"linux": {"./cbridge", "./engine", "./iterator"}, "darwin": {"./cbridge"}, "windows": {"./cbridge"},
	}
	for system, of := range packages {
		for _, command := range []string{"build", "vet"} {
			c := exec.Command("go", append([]string{command}, of...)...)
			c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+system)
			out, err := c.CombinedOutput()
			lines := map[string]bool{}
			for line := range strings.Lines(string(out)) {
				// "go vet" prints the line of the compiler and repeats it as its own.
				if line = strings.TrimPrefix(strings.TrimSpace(line), "vet: "); !strings.HasPrefix(line, "#") {
					lines[line] = true
				}
			}
			if err == nil || len(lines) != 1 || !strings.Contains(string(out), want) {
				t.Errorf("%s: go %s: %v\n%s", system, command, err, out)
			}
		}
	}
}
