package enginetest

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// mustFail wants f to fail its test, with each of the words in the text, and returns the text.
func mustFail(t *testing.T, f func(t testing.TB), words ...string) string {
	t.Helper()
	r := record(t, func(r *recorder) { f(r) })
	if !r.Failed() {
		t.Error("nothing failed")
	}
	for _, w := range words {
		if !strings.Contains(r.reason(), w) {
			t.Errorf("the failure does not say %q: %s", w, r.reason())
		}
	}
	return r.reason()
}

// mustPass wants f to pass.
func mustPass(t *testing.T, f func(t testing.TB)) {
	t.Helper()
	if r := record(t, func(r *recorder) { f(r) }); r.Failed() {
		t.Errorf("failed: %s", r.reason())
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestALeakedHandleFailsTheTest(t *testing.T) {
	leaks := map[string]func(db *engine.DB) error{
		"iterator":    func(db *engine.DB) error { _, err := db.NewIter(nil); return err },
		"snapshot":    func(db *engine.DB) error { _, err := db.NewSnapshot(); return err },
		"batch":       func(db *engine.DB) error { _, err := db.NewIndexedBatch(); return err },
		"transaction": func(db *engine.DB) error { _, err := db.Begin(t.Context(), nil); return err },
	}
	o := &engine.Options{Transactions: engine.Optimistic}
	for kind, leak := range leaks {
		hint := "rbdebug"
		if rbdebug.On {
			hint = "open_test.go"
		}
		mustFail(t, func(t testing.TB) { check(t, leak(Open(t, o))) }, "1 "+kind, hint)
	}
	leak := leaks["iterator"]
	mustFail(t, func(t testing.TB) {
		db := Open(t, nil)
		check(t, leak(db))
		Reopen(t, db, nil)
	}, "1 iterator")
	mustFail(t, func(t testing.TB) {
		db := Open(t, nil)
		Crash(t, db, nil)
		check(t, leak(db))
	}, "1 iterator")
	mustFail(t, func(t testing.TB) { check(t, leak(Crash(t, Open(t, nil), nil))) }, "1 iterator")
}

func TestADatabaseWithoutLeaksPasses(t *testing.T) {
	mustPass(t, func(t testing.TB) {
		db := Open(t, nil)
		it, err := db.NewIter(nil)
		check(t, err)
		check(t, it.Close())
	})
	mustPass(t, func(t testing.TB) { check(t, Open(t, nil).Close()) })
	mustFail(t, func(t testing.TB) { Open(t, &engine.Options{ErrorIfMissing: true}) }, "open")
}

func TestReopenKeepsRowsAndTakesOtherOptions(t *testing.T) {
	db := Open(t, nil)
	check(t, db.Put([]byte("a"), []byte("1"), nil))
	read := Reopen(t, db, &engine.Options{ReadOnly: true})
	if v, err := read.Get([]byte("a"), nil); err != nil || string(v) != "1" {
		t.Errorf("%q, %v", v, err)
	}
	if err := read.Put(nil, nil, nil); !errors.Is(err, engine.ErrReadOnly) {
		t.Error(err)
	}
	if _, err := db.Get([]byte("a"), nil); !errors.Is(err, engine.ErrClosed) {
		t.Error(err)
	}
}

func TestCrashLeavesWhatWasAcknowledgedAndNoMore(t *testing.T) {
	db := Open(t, nil)
	model := NewModel(nil)
	for i := range 500 {
		k := fmt.Appendf(nil, "%03d", i)
		check(t, errors.Join(db.Put(k, k, nil), model.Put(k, k)))
		if i == 250 {
			check(t, db.Flush())
		}
	}
	check(t, db.Put([]byte("lost"), nil, &engine.WriteOptions{DisableWAL: true}))
	crashed := Crash(t, db, nil)
	model.Check(t, crashed)
	if r := crashed.Recovery(); r.Rows == 0 || r.Break != "" {
		t.Errorf("nothing was recovered: %+v", r)
	}
	check(t, crashed.Put([]byte("more"), nil, nil))
	check(t, model.Put([]byte("lost"), nil))
	model.Check(t, db)
	check(t, db.Close())
	mustFail(t, func(t testing.TB) { CrashCopy(t, db) }, "crash")
}

// Each write of the writer is one number more: any state has all numbers up to the last one.
func TestACopyBesideAWriterIsOfOneMoment(t *testing.T) {
	db := Open(t, &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10}})
	stopped := make(chan error)
	go func() {
		var err error
		for i := 0; err == nil && i < 3000; i++ { // it ends, so that the last copies are made in any case
			err = db.Put(fmt.Appendf(nil, "%06d", i), make([]byte, 200), nil)
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		stopped <- err
	}()
	copies := 0
	for range 3 {
		r := record(t, func(r *recorder) {
			rows, done := engine.Scan(Crash(r, db, nil), nil)
			i := 0
			for key := range rows {
				if string(key) != fmt.Sprintf("%06d", i) {
					t.Errorf("row %d is %s", i, key)
					break
				}
				i++
			}
			check(r, done())
			copies++
		})
		if r.Failed() && !strings.Contains(r.reason(), "must pause") {
			t.Error(r.reason())
		}
	}
	check(t, <-stopped)
	t.Logf("%d copies", copies)
}

func TestADatabaseInMemoryIsReopenedThere(t *testing.T) {
	t.Chdir(t.TempDir())
	mustPass(t, func(t testing.TB) {
		db := OpenInMemory(t, nil)
		check(t, db.Put([]byte("key"), []byte("value"), nil))
		db = Reopen(t, db, nil)
		_, err := db.Get([]byte("key"), nil)
		check(t, err)
		_, err = OpenInMemory(t, nil).Get([]byte("key"), nil)
		if !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("two databases are one: %v", err)
		}
	})
	mustFail(t, func(t testing.TB) { CrashCopy(t, OpenInMemory(t, nil)) }, "in memory")
	if found, err := filepath.Glob("*"); err != nil || found != nil {
		t.Error(found, err)
	}
}
