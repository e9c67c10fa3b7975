package rockbridge_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var staticCXX = flag.Bool("builds.cxx", false, "link programs with the tags rb_static and rb_cxx")

// emptyRoot is a folder that a program finds as its whole file system: no libraries, no /proc, no /dev,
// no /tmp, nothing but the program.
type emptyRoot struct {
	dir  string
	attr *syscall.SysProcAttr
}

// newEmptyRoot ends the test where the kernel lets this user confine no process.
func newEmptyRoot(t *testing.T) *emptyRoot {
	t.Helper()
	r := &emptyRoot{dir: t.TempDir()}
	r.attr = &syscall.SysProcAttr{Chroot: r.dir}
	if os.Geteuid() != 0 {
		// Root in a user namespace of its own may do so too.
		r.attr.Cloneflags = syscall.CLONE_NEWUSER
		r.attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		r.attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	// The way in must be open before a failure in there may count against the program.
	c := exec.Command("/missing")
	c.Dir, c.SysProcAttr = "/", r.attr
	if err := c.Run(); !os.IsNotExist(err) {
		cannotRun(t, fmt.Sprintf("chroot is for root, or needs user namespaces: %v", err))
	}
	return r
}

// run starts a program of the root in it, with nothing in its environment but a folder for temporary
// files, and wants success and an empty stderr.
func (r *emptyRoot) run(t *testing.T, stdin, program string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(t.Context(), program, args...)
	c.Dir, c.SysProcAttr, c.Env = "/", r.attr, []string{"TMPDIR=/"}
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := c.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %q: %v\n%.2000s", program, args, err, &stderr)
	}
	return stdout.String()
}

func (r *emptyRoot) expectOnly(t *testing.T, program string) {
	t.Helper()
	entries, err := os.ReadDir(r.dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != program {
		t.Fatalf("the folder holds %v: %v", entries, err)
	}
}

func TestTheStaticProgramRunsInAnEmptyFolder(t *testing.T) {
	needsArchives(t)
	root := newEmptyRoot(t)
	program := filepath.Join(root.dir, "rockbridge-static")
	if out, err := exec.Command("scripts/static", program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	expectLinkage(t, program, fullyStatic)
	root.expectOnly(t, "rockbridge-static")
	run := func(stdin string, args ...string) string { return root.run(t, stdin, "/rockbridge-static", args...) }

	var rows, more strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&rows, "key %06d\tvalue %d\n", i, i)
	}
	for i := range 1000 {
		fmt.Fprintf(&more, "more %06d\tvalue %d\n", i, i)
	}
	run(rows.String(), "load", "/db", "--format", "tsv")
	if got := run("", "scan", "/db"); got != rows.String() {
		t.Errorf("scan gave %d bytes, loaded were %d, beginning with %.200q", len(got), rows.Len(), got)
	}
	run(more.String(), "load", "/db", "--format", "tsv")
	run("", "compact", "/db")
	if got := run("", "count", "/db"); got != "6000\n" {
		t.Errorf("after opening it again, count gave %q", got)
	}
	if got := run("", "get", "/db", "more 000999"); got != "value 999\n" {
		t.Errorf("get gave %q", got)
	}
	if got := run("", "--version"); !strings.Contains(got, "RocksDB ") || strings.Contains(got, "unknown") {
		t.Errorf("--version gave %q", got)
	}
}

// TestAnImporterLinkedByTheDocumentedFlagsRunsInAnEmptyFolder runs every codec and an operator there.
func TestAnImporterLinkedByTheDocumentedFlagsRunsInAnEmptyFolder(t *testing.T) {
	needsArchives(t)
	root := newEmptyRoot(t)
	program := filepath.Join(root.dir, "importer")
	goBuild(t, newImporter(t), program, fullyStatic.flags)
	root.expectOnly(t, "importer")
	inside := root.run(t, "", "/importer", "/")
	if outside := runImporter(t, program); inside != outside {
		t.Errorf("in the empty folder it printed\n%s, outside\n%s", inside, outside)
	}
}

// Both ways to link archives go together with the tag rb_cxx: no shared C++ library comes beside that of the archive,
// and the C++ part finds its objects in them.
func TestTheCXXPartIsLinkedStaticallyToo(t *testing.T) {
	if !*staticCXX {
		t.Skip("it takes minutes: -builds.cxx, or make cxx-static")
	}
	needsArchives(t)
	dir := newImporter(t)
	for _, b := range []build{partlyStatic, fullyStatic} {
		b.flags = slices.Clone(b.flags)
		b.flags[1] += " rb_cxx"
		program := filepath.Join(t.TempDir(), "importer")
		goBuild(t, dir, program, b.flags)
		expectLinkage(t, program, b)
		got := runImporter(t, program)
		if !strings.Contains(got, engine.Resume.String()+": true\n") || !strings.Contains(got, engine.EventListeners.String()+": true\n") {
			t.Errorf("%s: the C++ part is not in use:\n%s", b.name, got)
		}
	}
}

// What hardens the C of the glue, cgo does not hand on to the C++ beside it.
func TestTheCXXPartIsHardenedAsTheCIs(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags", "rb_cxx", "-f", "{{.CgoCFLAGS}}|{{.CgoCXXFLAGS}}", "./cbridge").Output()
	if err != nil {
		t.Fatal(err)
	}
	c, cxx, _ := strings.Cut(string(out), "|")
	hardening := regexp.MustCompile(`-fstack-[\w-]+`)
	flags := hardening.FindAllString(c, -1)
	if len(flags) < 2 || !slices.Equal(flags, hardening.FindAllString(cxx, -1)) {
		t.Errorf("C has %s, C++ has %s", c, cxx)
	}
}

// Where all else is linked statically, the C++ part brings no shared C++ library: cgo reads one block of comments only.
func TestTheCXXPartBringsNoSharedLibraryIntoStaticBuilds(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags", "rb_cxx,rb_static", "-f", "{{.CgoLDFLAGS}}", "./cbridge").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "-static-libstdc++") {
		t.Errorf("it is linked with %s", out)
	}
}
