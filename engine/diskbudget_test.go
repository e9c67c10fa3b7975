package engine_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// openDisk makes a budget, which the test's end closes.
func openDisk(t *testing.T, l engine.DiskLimits) *engine.DiskBudget {
	t.Helper()
	needs(t, engine.DiskBudgets)
	b, err := engine.NewDiskBudget(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustDo(t, b.Close()) })
	return b
}

// fillFile writes rows that compress badly, and flushes them.
func fillFile(t *testing.T, db *engine.DB, from, n int) {
	t.Helper()
	noise := make([]byte, 1<<10)
	r := rand.New(rand.NewPCG(uint64(from), 1))
	for i := range n {
		for j := range noise {
			noise[j] = byte(r.Uint32())
		}
		mustDo(t, db.Put(fmt.Appendf(nil, "%06d", from+i), noise, nil))
	}
	mustDo(t, db.Flush())
}

func fileBytes(t *testing.T, db *engine.DB) (n int64) {
	t.Helper()
	files, err := db.LiveFiles()
	mustDo(t, err)
	for _, f := range files {
		n += f.Size
	}
	return n
}

func TestDiskBudgetCountsTheFilesOfAllItsDatabases(t *testing.T) {
	b := openDisk(t, engine.DiskLimits{})
	one, two := openTemp(t, &engine.Options{Disk: b}), openTemp(t, &engine.Options{Disk: b})
	alone := openTemp(t, nil)
	for i := range 3 {
		fillFile(t, one, 100*i, 20)
		fillFile(t, two, 100*i, 5)
		fillFile(t, alone, 100*i, 5)
		if u, want := b.Usage(), fileBytes(t, one)+fileBytes(t, two); u.Files != want || u.Trash != 0 || u.Full {
			t.Errorf("%+v, want %d bytes", u, want)
		}
	}
	mustDo(t, one.Compact(t.Context(), nil, nil))
	if u, want := b.Usage(), fileBytes(t, one)+fileBytes(t, two); u.Files < want {
		t.Errorf("%+v, want %d bytes at least", u, want)
	}
}

// Nothing is added while the files take what they may, and everything works again as soon as there is room.
func TestDiskBudgetThatIsFullIsErrNoSpaceUntilThereIsRoom(t *testing.T) {
	b := openDisk(t, engine.DiskLimits{MaxBytes: 64 << 10})
	one := openTemp(t, &engine.Options{Disk: b, FamilyOptions: engine.FamilyOptions{Extra: byHandOnly}})
	two := openTemp(t, &engine.Options{Disk: b, Transactions: engine.Optimistic})
	c, err := one.CreateColumnFamily("f", nil)
	mustDo(t, err, two.Put([]byte("k"), []byte("v"), nil))
	fillFile(t, one, 0, 20)
	mustDo(t, one.Put([]byte("unflushed"), nil, nil), one.Health())
	mustDo(t, c.Put([]byte("k"), nil, nil))
	fillFile(t, one, 100, 60)
	if !b.Usage().Full {
		t.Fatalf("%+v", b.Usage())
	}
	table := filepath.Join(t.TempDir(), "x.sst")
	w, err := engine.NewSSTWriter(table, nil)
	mustDo(t, err, w.Put([]byte("x"), nil))
	_, err = w.Finish()
	mustDo(t, err)
	adds := func() map[string]error {
		tx, err := two.Begin(t.Context(), nil)
		mustDo(t, err)
		mustDo(t, tx.Put([]byte("tx"), nil))
		batch := one.NewBatch()
		batch.Put([]byte("k"), nil)
		_, imported := one.ImportFiles(t.Context(), "new", t.TempDir(), nil)
		if !errors.Is(imported, engine.ErrNoSpace) && (errors.Is(imported, engine.ErrCorruption) || errors.Is(imported, engine.ErrUnsupported)) {
			imported = nil // there are no such files
		}
		return map[string]error{
			"Put": one.Put([]byte("k"), nil, nil), "Put to the other": two.Put([]byte("k"), nil, nil),
			"Delete": one.Delete([]byte("k"), nil), "Write": one.Write(batch, engine.Sync), "family's Put": c.Put([]byte("k"), nil, nil),
			"Ingest": one.Ingest(t.Context(), []string{table}, nil), "Commit": tx.Commit(), "Health": one.Health(), "ImportFiles": imported,
		}
	}
	for what, err := range adds() {
		expectError(t, what+" without room", err, engine.ErrNoSpace, engine.ErrIO)
	}
	if _, err := one.Get([]byte("unflushed"), nil); err != nil {
		t.Errorf("Get: %v", err)
	}
	mustDo(t, one.Flush(), two.Flush(), b.SetLimits(engine.DiskLimits{MaxBytes: 1 << 30}))
	for what, err := range adds() {
		if err != nil {
			t.Errorf("%s with room: %v", what, err)
		}
	}
	mustDo(t, one.Flush(), b.SetLimits(engine.DiskLimits{MaxBytes: 64 << 10}))
	expectError(t, "Put under a smaller limit", one.Put([]byte("k"), nil, nil), engine.ErrNoSpace)
	mustDo(t, one.DeleteFilesInRange(nil, nil)) // level 0 stays
	mustDo(t, one.Compact(t.Context(), nil, nil), one.DeleteFilesInRange(nil, nil))
	for deadline := time.Now().Add(time.Minute); one.Put([]byte("k"), nil, nil) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("files that are gone still count: %+v", b.Usage())
		}
	}
}

// Files that are of no use wait for their deletion under another name. They go with the next opening, and with Destroy.
func TestDiskBudgetDeletesSlowly(t *testing.T) {
	b := openDisk(t, engine.DiskLimits{DeleteRate: 1, MaxTrashShare: 1000})
	trash := func(dir string) []string {
		all, err := filepath.Glob(filepath.Join(dir, "*.trash"))
		mustDo(t, err)
		return all
	}
	var dirs []string
	for range 2 {
		dir := filepath.Join(t.TempDir(), "db")
		db := openDir(t, dir, &engine.Options{Disk: b})
		for i := range 3 {
			fillFile(t, db, 5*i, 10)
		}
		mustDo(t, db.Compact(t.Context(), nil, nil))
		for deadline := time.Now().Add(time.Minute); len(trash(dir)) == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no trash: %+v", b.Usage())
			}
		}
		if u := b.Usage(); u.Trash == 0 || u.Files == 0 {
			t.Errorf("%+v", u)
		}
		mustDo(t, db.Close())
		dirs = append(dirs, dir)
	}
	db := openDir(t, dirs[0], nil)
	if left := trash(dirs[0]); len(left) > 0 {
		t.Errorf("after an opening without the budget: %v", left)
	}
	if n := len(rowsOf(t, db)); n != 20 {
		t.Errorf("%d rows", n)
	}
	mustDo(t, db.Close(), engine.Destroy(dirs[1]))
	if _, err := os.Stat(dirs[1]); err == nil {
		t.Errorf("Destroy left %v", trash(dirs[1]))
	}
}

func TestDiskBudgetRefusesWhatMakesNoSense(t *testing.T) {
	for what, l := range map[string]engine.DiskLimits{
		"MaxBytes": {MaxBytes: -1}, "DeleteRate": {DeleteRate: -1}, "MaxTrashShare": {MaxTrashShare: -0.1},
		"MaxTrashShare is": {MaxTrashShare: math.NaN()}, "MaxTrashShare is out": {MaxTrashShare: math.Inf(1)},
	} {
		_, err := engine.NewDiskBudget(l)
		expectError(t, what, err, engine.ErrInvalidArgument)
		if !strings.Contains(err.Error(), what) {
			t.Errorf("%s is not named: %v", what, err)
		}
		if engine.Supports(engine.DiskBudgets) {
			b := openDisk(t, engine.DiskLimits{MaxBytes: 5})
			expectError(t, what, b.SetLimits(l), engine.ErrInvalidArgument)
			if b.Limits() != (engine.DiskLimits{MaxBytes: 5}) {
				t.Errorf("%s: %+v", what, b.Limits())
			}
		}
	}
	if !engine.Supports(engine.DiskBudgets) {
		_, err := engine.NewDiskBudget(engine.DiskLimits{})
		expectError(t, "without it", err, engine.ErrUnsupported, errors.ErrUnsupported)
		if !strings.Contains(err.Error(), "10.6") || !strings.Contains(err.Error(), "rb_cxx") {
			t.Error(err)
		}
		return
	}
	b := openDisk(t, engine.DiskLimits{})
	mustDo(t, b.Close())
	for _, closed := range []*engine.DiskBudget{b, {}} {
		dir := filepath.Join(t.TempDir(), "db")
		if _, err := engine.Open(dir, &engine.Options{Disk: closed}); err != engine.ErrClosed {
			t.Errorf("a closed budget: %v", err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("it left a directory")
		}
	}
}
