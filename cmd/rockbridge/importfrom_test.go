package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The importer itself is tested in its module; here it is a script that prints what it is given.
func TestImportFromAnotherStoreIsTheWorkOfAnotherProgram(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\"\necho told >&2\nexit 7\n"
	if err := os.WriteFile(filepath.Join(folder, importerName), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	r := runWith(t, "", "import", "--from", "bbolt", "--verify", "-src", "dst", "--buckets=prefix")
	if r.code != exitUsage {
		t.Errorf("a path that looks like a flag: exit code %d", r.code)
	}
	r = runWith(t, "", "import", "--from", "bbolt", "--verify", "--buckets=prefix", "--", "-src", "dst")
	want := "--from\nbbolt\n--buckets\nprefix\n--separator\n00\n--verify=true\n--keep-ttl=false\n./-src\ndst\n"
	if r.code != 7 || r.stdout != want || r.stderr != "told\n" {
		t.Errorf("exit code %d, printed %q, said %q", r.code, r.stdout, r.stderr)
	}
}

func TestImportFromWithoutTheProgramSaysWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	fail(t, exitError, []string{"import", "--from", "badger", "a", "b"}, importerName, "docs/migrate.md")
	fail(t, exitUsage, []string{"import", "--verify", "a", "b"}, "--verify needs --from")
	fail(t, exitUsage, []string{"import", "--from", "badger", "--sync", "a", "b"}, "--sync")
	fail(t, exitUsage, []string{"import", "--from", "badger", "a"})
}
