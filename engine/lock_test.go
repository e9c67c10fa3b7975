package engine_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// lockChild tries to open the directory that is its argument for each line that it reads, and prints what came of it.
func lockChild(dir string) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		db, err := engine.Open(dir, nil)
		switch {
		case err == nil:
			fmt.Println("opened")
			must(db.Close())
		case dbIsLocked(err):
			fmt.Println("locked")
		default:
			fmt.Printf("%q\n", err.Error())
		}
	}
}

// intruder is another process that tries to open a database.
type intruder struct {
	in      io.WriteCloser
	answers *bufio.Scanner
}

func newIntruder(t *testing.T, dir string) *intruder {
	t.Helper()
	c := childCommand(t.Context(), t, "lock", dir)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	mustDo(t, err)
	out, err := c.StdoutPipe()
	mustDo(t, err, c.Start())
	t.Cleanup(func() {
		in.Close()
		c.Wait()
	})
	return &intruder{in, bufio.NewScanner(out)}
}

// try has it try once.
func (i *intruder) try(t *testing.T) string {
	t.Helper()
	if _, err := i.in.Write([]byte("\n")); err != nil || !i.answers.Scan() {
		t.Fatalf("the other process is gone: %v", err)
	}
	return i.answers.Text()
}

// ownersCalls are those that look at files of the database, or copy them. A process loses its lock on a file when it
// closes any descriptor of it: none of these may ever have opened LOCK.
func ownersCalls(t *testing.T, db *engine.DB) map[string]func() error {
	t.Helper()
	dir, base := db.Path(), t.TempDir()
	backups, err := engine.OpenBackups(filepath.Join(base, "backups"), nil)
	mustDo(t, err)
	t.Cleanup(func() { backups.Close() })
	n := 0
	fresh := func() string { n++; return filepath.Join(base, fmt.Sprint(n)) }
	return map[string]func() error{
		"Checkpoint":         func() error { return db.Checkpoint(t.Context(), fresh()) },
		"backup":             func() error { _, err := backups.Create(t.Context(), db, nil); return err },
		"Metrics":            func() error { _, err := db.Metrics(); return err },
		"Statistics":         func() error { _, err := db.Statistics(); return err },
		"Property":           func() error { _, err := db.Property("rocksdb.stats"); return err },
		"LiveFiles":          func() error { _, err := db.LiveFiles(); return err },
		"VerifyChecksums":    func() error { return db.VerifyChecksums(t.Context()) },
		"Flush":              func() error { return db.Flush() },
		"Compact":            func() error { return db.Compact(t.Context(), nil, nil) },
		"SizesOf":            func() error { _, err := engine.SizesOf(t.Context(), db, nil); return err },
		"ListColumnFamilies": func() error { _, err := engine.ListColumnFamilies(dir); return err },
		"BulkLoad": func() error {
			_, err := engine.BulkLoad(t.Context(), db.ColumnFamilies()[0], func(yield func(k, v []byte) bool) { yield([]byte("z"), []byte("v")) }, nil)
			return err
		},
		"changes": func() error {
			from := db.LatestSequence() + 1
			if err := db.Put([]byte("k"), nil, nil); err != nil {
				return err
			}
			u, err := db.UpdatesSince(t.Context(), from, nil)
			if err != nil {
				return err
			}
			return u.Close()
		},
		"read-only open": func() error {
			ro, err := engine.Open(dir, &engine.Options{ReadOnly: true})
			if err != nil {
				return err
			}
			return ro.Close()
		},
		"secondary": func() error {
			s, err := engine.OpenSecondary(dir, nil)
			if err != nil {
				return err
			}
			return s.Close()
		},
		"second open": func() error { return wantLocked(engine.Open(dir, nil)) },
		"Destroy":     func() error { return wantLocked(0, engine.Destroy(dir)) },
	}
}

// wantLocked is nil if err says that the database is locked.
func wantLocked[T any](_ T, err error) error {
	if !dbIsLocked(err) {
		return fmt.Errorf("not refused as locked: %w", err)
	}
	return nil
}

// Whatever the owner of a database does, no other process can open it.
func TestTheLockOutlivesEveryCallOfItsOwner(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 34
	}
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Statistics: engine.UsualStatistics})
	defer db.Close()
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil))
	other := newIntruder(t, dir)
	calls := ownersCalls(t, db)
	names := make([]string, 0, len(calls))
	for name := range calls {
		names = append(names, name)
	}
	slices.Sort(names)
	for n := range rounds {
		name := names[n%len(names)]
		if err := calls[name](); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if answer := other.try(t); answer != "locked" {
			t.Fatalf("round %d, after %s, another process: %s", n, name, answer)
		}
	}
	mustDo(t, db.Close())
	if answer := other.try(t); answer != "opened" {
		t.Errorf("after Close another process: %s", answer)
	}
}

// One who opens and closes LOCK in the owner's process loses the lock, and the test sees it.
func TestTheLockTestNoticesALockThatIsLost(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	defer db.Close()
	other := newIntruder(t, dir)
	if answer := other.try(t); answer != "locked" {
		t.Fatalf("before: %s", answer)
	}
	f, err := os.Open(filepath.Join(dir, "LOCK"))
	mustDo(t, err, f.Close())
	if answer := other.try(t); answer == "locked" {
		t.Error("LOCK was opened and closed, and the lock is still there")
	}
}

// descriptorsChild prints what its descriptors are open for.
func descriptorsChild() {
	entries, err := os.ReadDir("/proc/self/fd")
	must(err)
	for _, e := range entries {
		if name, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			fmt.Println(name)
		}
	}
}

// A program that is started by a process with open databases has none of their files open.
func TestProgramsInheritNoDescriptorOfADatabase(t *testing.T) {
	for name, o := range map[string]engine.Options{
		"default": {}, "direct": {DirectReads: true, DirectWrites: true}, "mapped": {Extra: "allow_mmap_reads=true;allow_mmap_writes=true"},
		"inherited": {Extra: "is_fd_close_on_exec=false"}, // which shows that the test would notice
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "db")
			db := openDir(t, dir, &o)
			defer db.Close()
			mustDo(t, db.Put([]byte("k"), []byte("v"), engine.Sync), db.Flush(), db.Put([]byte("l"), []byte("v"), engine.Sync))
			it, err := db.NewIter(nil)
			mustDo(t, err)
			defer it.Close()
			it.First()
			out, err := runChild(t, "descriptors")
			mustDo(t, err)
			if own := strings.Count(descriptorsOf(t), dir); own < 3 {
				t.Errorf("the process itself has %d descriptors of the database", own)
			}
			if inherited := strings.Count(out.stdout, dir); (inherited > 0) != (name == "inherited") {
				t.Errorf("%d descriptors were inherited:\n%s", inherited, out.stdout)
			}
		})
	}
}

// descriptorsOf lists what this process has open; what is closed meanwhile is left out.
func descriptorsOf(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	mustDo(t, err)
	var list strings.Builder
	for _, e := range entries {
		if path, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			list.WriteString(path + "\n")
		}
	}
	return list.String()
}

func dbIsLocked(err error) bool { return errors.Is(err, engine.ErrLocked) }
