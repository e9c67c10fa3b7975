package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// oddNames are names that some text format along the way could take for something else: RocksDB's OPTIONS file has the
// names of families between quotes, in lines.
var oddNames = []string{
	"a\nb", "a\r\nb", "\r", "\t", "\x01", "\x7f", " ", " before", "after ", "default ", "Default", `a"b`, `"]`, "]", "[CFOptions \"x\"]",
	"a=b", "a;b", "#", "a#b", `a\nb`, `a\`, `\`, "{", "}", "nullptr", "a:b", "a/b", "../a", "/", ".", "*?[", "$HOME", "%s%n", "-rf",
	"\xff\xfe", "ä", "\u2028", "\U0001f5ff",
}

// A family's name is any bytes but zero bytes, up to 1 MiB, and leads to the family wherever it is stored.
func TestFamiliesOfAnyName(t *testing.T) {
	names := append(slices.Clone(oddNames), strings.Repeat("x", 1000), strings.Repeat("y", 1<<16), strings.Repeat("z", 1<<20))
	dir := filepath.Join(t.TempDir(), "db")
	most := map[string]engine.FamilyOptions{}
	for _, name := range names[len(names)/5:] {
		most[name] = engine.FamilyOptions{WriteBufferSize: 1 << 20}
	}
	db := openDir(t, dir, &engine.Options{Families: most})
	for i, name := range names {
		c, err := db.ColumnFamily(name)
		if _, listed := most[name]; !listed {
			c, err = db.CreateColumnFamily(name, &engine.FamilyOptions{WriteBufferSize: 1 << 20})
		}
		mustDo(t, err, c.Put([]byte("k"), fmt.Append(nil, i), nil))
	}
	copied := filepath.Join(t.TempDir(), "copy")
	mustDo(t, db.Checkpoint(t.Context(), copied), db.Close())
	for _, d := range []string{dir, dir, copied} { // the second time from the OPTIONS file of the first one
		expectFamilies(t, d, names)
	}
	db = openTemp(t, nil)
	for _, name := range []string{"", "\x00", "a\x00", "\x00a", strings.Repeat("z", 1<<20+1)} {
		if len(name) < 1<<20 {
			openFails(t, "options", dir, &engine.Options{Families: map[string]engine.FamilyOptions{name: {}}}, engine.ErrInvalidArgument)
		}
		_, err := db.CreateColumnFamily(name, nil)
		expectError(t, "create", err, engine.ErrInvalidArgument)
	}
}

// expectFamilies finds each family with its row and its options.
func expectFamilies(t *testing.T, dir string, names []string) {
	t.Helper()
	db := openDir(t, dir, nil)
	defer db.Close()
	for i, name := range names {
		c, err := db.ColumnFamily(name)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		v, err := c.Get([]byte("k"), nil)
		if err != nil || string(v) != fmt.Sprint(i) || c.Name() != name || optionsOf(t, c)["write_buffer_size"] != "1048576" {
			t.Errorf("family %.40q: %q, %v", name, v, err)
		}
	}
	if n := len(db.ColumnFamilies()); n != 1+len(names) {
		t.Errorf("%d families, want %d", n, 1+len(names))
	}
	all, err := engine.ListColumnFamilies(dir)
	for _, name := range names {
		if !slices.Contains(all, name) {
			t.Errorf("family %.40q is not listed: %v", name, err)
		}
	}
}

// A database may lie at any path that the system takes, and so may its copies; others are typed errors.
func TestDatabasesAtAnyPath(t *testing.T) {
	base := t.TempDir()
	mustDo(t, os.Mkdir(filepath.Join(base, "real"), 0o700), os.Symlink("real", filepath.Join(base, "link")),
		os.Symlink("nowhere", filepath.Join(base, "dangling")), os.WriteFile(filepath.Join(base, "file"), nil, 0o600))
	good := []string{"real/../dots", "./here", "link/db", "link", "real//db2", "slash/", strings.Repeat("y", 255)}
	for _, name := range oddNames {
		if !strings.Contains(name, "/") && name != "." {
			good = append(good, name)
		}
	}
	for i, name := range good {
		if odd := strings.ContainsAny(name, "\n\\") || name == "\xff\xfe"; odd || i%3 == 0 || !testing.Short() {
			databaseAt(t, base+"/"+name, odd) // not Join, which cleans
		}
	}
	for name, want := range map[string][]error{
		"dangling": {engine.ErrIO}, "file": {engine.ErrIO}, "file/db": {engine.ErrIO}, "none/db": {engine.ErrIO}, strings.Repeat("y", 256): {engine.ErrIO},
		strings.Repeat("z/", 2100): {engine.ErrIO}, "a\x00b": {engine.ErrInvalidArgument},
	} {
		before, err := os.ReadDir(base)
		mustDo(t, err)
		openFails(t, name, base+"/"+name, nil, want...)
		if after, err := os.ReadDir(base); err != nil || len(after) != len(before) {
			t.Errorf("%.40q: the failed Open left something: %v", name, err)
		}
	}
}

// databaseAt makes a database in dir and, to be thorough, a checkpoint and a backup beside it if the name has room for
// more, and opens all of them.
func databaseAt(t *testing.T, dir string, thorough bool) {
	t.Helper()
	db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil), db.Close())
	db = openDir(t, dir, nil)
	mustDo(t, db.Flush())
	dirs := []string{dir}
	if copied := strings.TrimRight(dir, "/") + ".copy"; len(filepath.Base(copied)) < 240 && thorough {
		mustDo(t, db.Checkpoint(t.Context(), copied))
		folder := strings.TrimRight(dir, "/") + ".backups"
		b, err := engine.OpenBackups(folder, nil)
		mustDo(t, err)
		made, err := b.Create(t.Context(), db, nil)
		restored := strings.TrimRight(dir, "/") + ".restored"
		mustDo(t, err, b.Verify(t.Context(), made.ID, nil), b.Restore(t.Context(), made.ID, restored, nil), b.Close())
		dirs = append(dirs, copied, restored)
	}
	expectRows(t, dir, db, map[string]string{"k": "v"})
	mustDo(t, db.Close())
	for _, d := range dirs {
		db := openDir(t, d, &engine.Options{ReadOnly: true})
		expectRows(t, d, db, map[string]string{"k": "v"})
		mustDo(t, db.Close())
	}
}
