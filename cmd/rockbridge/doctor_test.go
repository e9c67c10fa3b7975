package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// diagnosed runs doctor and gives its report, with the exit code that goes with it.
func diagnosed(t *testing.T, args ...string) *diagnosis {
	t.Helper()
	return diagnosedBy(t, command(t, append([]string{"doctor", "--json"}, args...)...))
}

func diagnosedBy(t *testing.T, cmd *exec.Cmd) *diagnosis {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run() // its error is the exit code below
	d := &diagnosis{}
	if err := json.Unmarshal(stdout.Bytes(), d); err != nil {
		t.Fatalf("%v: %v, stdout %q, stderr %q", cmd.Args, err, stdout.String(), stderr.String())
	}
	want := exitOK
	if d.Wrong > 0 {
		want = exitError
	}
	if cmd.ProcessState.ExitCode() != want || stderr.Len() != 0 {
		t.Errorf("%v: %v with %d wrong, stderr %q", cmd.Args, cmd.ProcessState, d.Wrong, stderr.String())
	}
	return d
}

// found are the findings of a check with that mark.
func (d *diagnosis) found(check, mark string) (all []finding) {
	for _, f := range d.Checks {
		if f.Check == check && f.Mark == mark {
			all = append(all, f)
		}
	}
	return all
}

// expect wants a finding with that mark and text, and something to do unless it is ok.
func (d *diagnosis) expect(t *testing.T, check, mark, text string) {
	t.Helper()
	for _, f := range d.found(check, mark) {
		if strings.Contains(f.Found, text) && (mark != markWrong || f.Do != "") {
			return
		}
	}
	var all strings.Builder
	ok(t, d.print(&all))
	t.Errorf("no %s of %s with %q in:\n%s", mark, check, text, all.String())
}

// wrongs are the checks that found something wrong.
func (d *diagnosis) wrongs() (checks []string) {
	for _, f := range d.Checks {
		if f.Mark == markWrong {
			checks = append(checks, f.Check)
		}
	}
	slices.Sort(checks)
	return slices.Compact(checks)
}

// newPatient gives a database with three table files, a file of blobs and rows in its log only.
func newPatient(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "db")
	if firstPatient == nil {
		makePatient(t, dir)
		files := map[string][]byte{}
		ok(t, eachFile(dir, func(name string, _ fs.FileInfo) {
			b, err := os.ReadFile(filepath.Join(dir, name))
			ok(t, err)
			files[name] = b
		}))
		firstPatient = files
		return dir
	}
	ok(t, os.Mkdir(dir, 0o755))
	for name, content := range firstPatient {
		ok(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
	return dir
}

// firstPatient is the first one as it was made, which takes longer than to copy it.
var firstPatient map[string][]byte

func makePatient(t *testing.T, dir string) {
	t.Helper()
	db, err := engine.Open(dir, &engine.Options{
		FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression, Extra: "disable_auto_compactions=true"},
		Families:      map[string]engine.FamilyOptions{"b": {Extra: "enable_blob_files=true;min_blob_size=100"}},
	})
	ok(t, err)
	b, err := db.ColumnFamily("b")
	ok(t, err)
	for i := range 2 {
		for k := range 100 {
			ok(t, db.Put(fmt.Appendf(nil, "key %d", k), fmt.Appendf(nil, "the value %d %d", i, k), nil))
		}
		ok(t, db.Flush())
	}
	ok(t, b.Put([]byte("blob"), bytes.Repeat([]byte("blob"), 1000), nil), b.Flush())
	for k := range 50 {
		ok(t, db.Put(fmt.Appendf(nil, "late %d", k), bytes.Repeat([]byte("x"), 1000), nil))
	}
	ok(t, db.Close())
}

// theFile is the first file in dir whose name matches.
func theFile(t *testing.T, dir, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	ok(t, err)
	if len(files) == 0 {
		t.Fatalf("no %s in %s", pattern, dir)
	}
	if strings.HasPrefix(pattern, "OPTIONS") {
		return files[len(files)-1] // the newest counts
	}
	return files[0]
}

// rewrite changes the contents of a file.
func rewrite(pattern string, change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := theFile(t, dir, pattern)
		b, err := os.ReadFile(path)
		ok(t, err)
		ok(t, os.WriteFile(path, change(b), 0o600))
	}
}

func remove(pattern string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		ok(t, os.Remove(theFile(t, dir, pattern)))
	}
}

// flip changes a bit of the byte at from the start, or from the end.
func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[(at+len(b))%len(b)] ^= 0x10
		return b
	}
}

func cut(b []byte) []byte { return b[:len(b)-1] }

var checksOfADatabase = []string{
	"version", "assertions", "features", "codecs", "allocator", "open files", "threads", "memory", "overcommit", "processors",
	"file system", "mount", "free space", "permissions", "holder", "manifest", "files", "logs", "opens", "LOG", "stalls", "tombstones",
}

// TestDoctorFindsNothingWrongWithAHealthyDatabase is the control of all the tests that find something.
func TestDoctorFindsNothingWrongWithAHealthyDatabase(t *testing.T) {
	dir := newPatient(t)
	for _, args := range [][]string{{dir}, {dir, "--verify"}} {
		d := diagnosed(t, args...)
		for _, check := range checksOfADatabase {
			if len(d.found(check, markOK))+len(d.found(check, markNote)) == 0 {
				t.Errorf("%v: nothing of %s in %+v", args, check, d.Checks)
			}
		}
		if d.Wrong != 0 || d.OK+d.Notes != len(d.Checks) || d.Dir != dir {
			t.Errorf("%v: %+v", args, d)
		}
	}
	d := diagnosed(t, dir, "--verify")
	d.expect(t, "files", markOK, "4, ")
	d.expect(t, "rows", markOK, `family "default": 150 rows`)
	d.expect(t, "rows", markOK, `family "b": 1 rows`)
	d.expect(t, "logs", markOK, "50 records, every checksum right")
	d.expect(t, "version", markOK, "RocksDB "+engine.Version())
	d.expect(t, "holder", markOK, "no process has it open for writing")
}

func TestDoctorPrintsALineForEachCheck(t *testing.T) {
	out := succeed(t, "doctor", newPatient(t))
	for _, text := range []string{"\nlimits\n", "\nfile system\n", "\ndatabase\n", "\n  ok     manifest      MANIFEST-", " ok, ", " to note, 0 wrong\n"} {
		if !strings.Contains(out, text) {
			t.Errorf("no %q in:\n%s", text, out)
		}
	}
	if out := succeed(t, "doctor"); strings.Contains(out, "database\n") || !strings.Contains(out, "codecs") {
		t.Errorf("without a folder:\n%s", out)
	}
	r := runWith(t, "", "doctor", t.TempDir())
	if r.code != exitError || r.stderr != "" || !strings.Contains(r.stdout, "\n  wrong  there ") || !strings.Contains(r.stdout, " -> ") || !strings.HasSuffix(r.stdout, ", 1 wrong\n") {
		t.Errorf("of an empty folder: %+v", r)
	}
}

// TestDoctorFindsDamage damages a healthy database in one way at a time. wrong are all the checks that must
// tell of it; what damages blocks only, verify alone finds.
func TestDoctorFindsDamage(t *testing.T) {
	cases := []struct {
		name   string
		damage func(*testing.T, string)
		verify bool
		wrong  []string
		text   string // of the first of them
	}{
		{"a table is missing", remove("*.sst"), false, []string{"files", "opens"}, "missing: 0"},
		{"a table is cut", rewrite("*.sst", cut), false, []string{"files", "opens"}, "of another size: 0"},
		{"a table is too long", rewrite("*.sst", func(b []byte) []byte { return append(b, 0) }), false, []string{"files", "opens"}, "of another size: 0"},
		{"a table's foot is overwritten", rewrite("*.sst", flip(-1)), false, []string{"files", "opens"}, "overwritten: 0"},
		{"a table's block, seen by all", rewrite("*.sst", flip(20)), true, []string{"rows"}, `family "default"`},
		{"a table's block, not looked at", rewrite("*.sst", flip(20)), false, nil, ""},
		{"a file of blobs is missing", remove("*.blob"), false, []string{"files"}, ".blob"},
		{"a file of blobs is cut", rewrite("*.blob", func(b []byte) []byte { return b[:100] }), false, []string{"files"}, ".blob (100 bytes, the manifest says 4"},
		{"a blob is overwritten", rewrite("*.blob", flip(1000)), true, []string{"rows"}, `family "b" after`},
		{"the manifest is missing", remove("MANIFEST-*"), false, []string{"manifest", "opens"}, "no such file"},
		{"the manifest is empty", rewrite("MANIFEST-*", func([]byte) []byte { return nil }), false, []string{"manifest", "opens"}, "the manifest is empty"},
		{"the manifest is overwritten", rewrite("MANIFEST-*", flip(10)), false, []string{"manifest", "opens"}, "wrong checksum at offset 0"},
		{"CURRENT names nothing", rewrite("CURRENT", func([]byte) []byte { return []byte("nonsense\n") }), false, []string{"manifest", "opens"}, "nonsense"},
		{"CURRENT is missing", remove("CURRENT"), false, []string{"there"}, "MANIFEST-"},
		{"a log is overwritten", rewrite("*.log", flip(30000)), true, []string{"logs", "opens"}, "after "},
		{"an operator that is not here", rewrite("OPTIONS-*", func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("merge_operator=nullptr"), []byte("merge_operator={id=Nonsense;}"))
		}), false, []string{"opens"}, "merge operator Nonsense"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := newPatient(t)
			c.damage(t, dir)
			d := &diagnosis{Dir: dir} // in this process: other tests have the exit code that follows
			checkAll(context.Background(), d, roomy(), program, c.verify)
			if got := d.wrongs(); !slices.Equal(got, c.wrong) {
				t.Errorf("wrong are %v, want %v: %+v", got, c.wrong, d.Checks)
			}
			if len(c.wrong) > 0 {
				d.expect(t, c.wrong[0], markWrong, c.text)
			}
		})
	}
}

func TestDoctorSaysWhyThereIsNoDatabase(t *testing.T) {
	file := writeFile(t, "file", "x")
	for path, text := range map[string]string{
		filepath.Join(t.TempDir(), "none"): "there is no such folder",
		file:                               "it is a file, not a folder",
		t.TempDir():                        "the folder has no files",
		filepath.Dir(file):                 "none of the 1 files is of a database",
	} {
		d := diagnosed(t, path)
		d.expect(t, "there", markWrong, text)
		if got := d.wrongs(); !slices.Equal(got, []string{"there"}) {
			t.Errorf("%s: %v", text, got)
		}
		if entries, err := os.ReadDir(path); err == nil && path != filepath.Dir(file) && len(entries) != 0 {
			t.Errorf("%s: doctor made %v", text, entries)
		}
	}
}

// TestDoctorNotesWhatAKillLeaves cuts log and manifest in the middle of their last records.
func TestDoctorNotesWhatAKillLeaves(t *testing.T) {
	dir := newPatient(t)
	rewrite("*.log", cut)(t, dir)
	rewrite("MANIFEST-*", func(b []byte) []byte { return append(b, 1, 2, 3) })(t, dir)
	ok(t, os.WriteFile(filepath.Join(dir, "000777.sst"), nil, 0o600))
	d := diagnosed(t, dir, "--verify")
	d.expect(t, "logs", markNote, "ends in the middle of a record")
	d.expect(t, "manifest", markOK, "its last record is not whole")
	d.expect(t, "files", markNote, "000777.sst")
	if d.Wrong > 0 {
		t.Errorf("%+v", d.Checks)
	}
}

func TestDoctorNotesErrorsInLOG(t *testing.T) {
	dir := newPatient(t)
	ok(t, os.WriteFile(filepath.Join(dir, "LOG"), []byte("fine\nx [ERROR] [db/error_handler.cc:1] first\ny [ERROR] second\nfine\n"), 0o600))
	diagnosed(t, dir).expect(t, "LOG", markNote, "2 errors, the newest: y [ERROR] second")
}

// TestDoctorBesideAWriter has this process hold the database and write to it all the while.
func TestDoctorBesideAWriter(t *testing.T) {
	dir := newPatient(t)
	db, err := engine.Open(dir, &engine.Options{Extra: "write_buffer_size=65536"})
	ok(t, err)
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		value := bytes.Repeat([]byte("v"), 1000)
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := db.Put(fmt.Appendf(nil, "%d", i%3000), value, nil); err != nil {
				done <- err
				return
			}
			time.Sleep(5 * time.Millisecond) // three flushes a second: who opens more slowly than that is told to try again
		}
	}()
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		d := diagnosed(t, dir)
		d.expect(t, "holder", markOK, fmt.Sprintf("process %d (", os.Getpid()))
		if d.Wrong > 0 {
			t.Errorf("wrong: %v in %+v", d.wrongs(), d.Checks)
		}
		inspected(t, dir)
	}
	close(stop)
	ok(t, <-done, db.Close())
	diagnosed(t, dir).expect(t, "holder", markOK, "no process has it open for writing")
}

func TestDoctorNotesTombstones(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: "disable_auto_compactions=true"}})
	ok(t, err)
	for i := range 1500 {
		ok(t, db.Put(fmt.Appendf(nil, "%d", i), nil, nil))
	}
	ok(t, db.Flush())
	for i := range 1500 {
		ok(t, db.Delete(fmt.Appendf(nil, "%d", i), nil))
	}
	ok(t, db.Delete([]byte("one more"), nil), db.Flush())
	d := diagnosed(t, dir)
	d.expect(t, "tombstones", markNote, "1501 of 3001 records in files delete")
	d.expect(t, "stalls", markNote, "is not compacted by itself, and has 2 files in level 0")
	ok(t, db.Compact(t.Context(), nil, nil), db.Close())
	diagnosed(t, dir).expect(t, "tombstones", markOK, "at most 0%")
}

// TestDoctorFindsTooFewOpenFiles runs it under a limit, with the control that it finds nothing without.
func TestDoctorFindsTooFewOpenFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: "disable_auto_compactions=true"}})
	ok(t, err)
	for i := range 70 {
		ok(t, db.Put([]byte{byte(i)}, nil, nil), db.Flush())
	}
	ok(t, db.Close())
	limited := func(files string) *diagnosis {
		cmd := command(t, "doctor", "--json", dir)
		cmd.Args = append([]string{"sh", "-c", `ulimit -n "$0" && exec "$@"`, files, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
		return diagnosedBy(t, cmd)
	}
	d := limited("60")
	d.expect(t, "open files", markWrong, "60 may be open, too few for 70 table files")
	d.expect(t, "opens", markWrong, "Too many open files")
	d = limited("300")
	d.expect(t, "open files", markNote, "300 may be open, soon too few for 70 table files")
	if d.Wrong > 0 {
		t.Errorf("%+v", d.Checks)
	}
	diagnosed(t, dir).expect(t, "open files", markOK, "70 table files")
}

// TestDoctorOfAnotherUser runs it as a user who may read the database but not write, and then not read.
func TestDoctorOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can start a process of another user")
	}
	dir := newPatient(t)
	shared, err := os.MkdirTemp("", "rockbridge-doctor-test-") // with all folders above open to the user
	ok(t, err)
	t.Cleanup(func() { os.RemoveAll(shared) })
	ok(t, os.Chmod(shared, 0o755))
	for from, to := range map[string]string{program: "rockbridge", dir: "db"} {
		out, err := exec.Command("cp", "-r", from, filepath.Join(shared, to)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	asOther := func(args ...string) *exec.Cmd {
		cmd := command(t, args...)
		cmd.Path = filepath.Join(shared, "rockbridge")
		cmd.Env = append(os.Environ(), "TMPDIR=/tmp")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		return cmd
	}
	if err := asOther("--help").Run(); err != nil {
		t.Skipf("the other user cannot start the program, whose libraries may lie in a folder of this one's: %v", err)
	}
	as := func() *diagnosis { return diagnosedBy(t, asOther("doctor", "--json", filepath.Join(shared, "db"))) }
	d := as()
	d.expect(t, "permissions", markWrong, "may not write to the folder")
	if got := d.wrongs(); !slices.Equal(got, []string{"permissions"}) {
		t.Errorf("of a folder that may be read: %v: %+v", got, d.Checks)
	}
	ok(t, os.Chmod(theFile(t, filepath.Join(shared, "db"), "*.sst"), 0o600))
	d = as()
	d.expect(t, "permissions", markWrong, "may not read 0")
	d.expect(t, "opens", markWrong, "Permission denied")
	ok(t, os.Chmod(filepath.Join(shared, "db"), 0o700))
	as().expect(t, "permissions", markWrong, "the folder cannot be read")
}

func TestDoctorWithoutATemporaryFolder(t *testing.T) {
	cmd := command(t, "doctor", "--json")
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(t.TempDir(), "none"))
	d := diagnosedBy(t, cmd)
	d.expect(t, "version", markWrong, "unknown")
	d.expect(t, "codecs", markWrong, "not known")
}

// TestDoctorOutlivesAnAssertion has a program die in its place.
func TestDoctorOutlivesAnAssertion(t *testing.T) {
	dir := newPatient(t)
	dies := writeFile(t, "dies", "#!/bin/sh\necho 'db.cc: Assertion failed' >&2\nkill -ABRT $$\n")
	ok(t, os.Chmod(dies, 0o700))
	d := &diagnosis{Dir: dir}
	checkAll(t.Context(), d, roomy(), dies, true)
	d.expect(t, "opens", markWrong, "RocksDB ends the process that opens it: signal: aborted")
	d.expect(t, "opens", markWrong, "db.cc: Assertion failed")
	d.expect(t, "files", markOK, "4, ")
	if got := d.wrongs(); !slices.Equal(got, []string{"opens"}) {
		t.Errorf("%v", got)
	}
	d = &diagnosis{Dir: dir}
	checkAll(t.Context(), d, roomy(), filepath.Join(dir, "no program"), false)
	d.expect(t, "opens", markOK, "")
}
