package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"log/slog"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// heard is a slog.Handler that keeps what it is told.
type heard struct {
	mu    sync.Mutex
	lines []heardLine
}

type heardLine struct {
	level slog.Level
	at    time.Time
	text  string
	attrs map[string]slog.Value
}

func (h *heard) Enabled(context.Context, slog.Level) bool { return true }
func (h *heard) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *heard) WithGroup(string) slog.Handler            { return h }

func (h *heard) Handle(_ context.Context, r slog.Record) error {
	l := heardLine{r.Level, r.Time, r.Message, map[string]slog.Value{}}
	r.Attrs(func(a slog.Attr) bool { l.attrs[a.Key] = a.Value; return true })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, l)
	return nil
}

// with gives the lines so far that contain text.
func (h *heard) with(text string) (lines []heardLine) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.lines {
		if strings.Contains(l.text, text) {
			lines = append(lines, l)
		}
	}
	return lines
}

var lostHandles = flag.Int("leaks.handles", 10_000, "iterators, and snapshots, that are lost at once; a tenth with -short")

const garbage = "garbage before it was closed"

// collectUntil collects garbage until done is true.
func collectUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatalf("in vain waited for: %s", what)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

// leaky are the ways to lose a handle. Each makes one and lets go of it.
var leaky = map[string]struct {
	kind string
	make func(db *engine.DB) error
}{
	"iterator": {"iterator", func(db *engine.DB) error {
		it, err := db.NewIter(nil)
		if err == nil {
			it.First()
		}
		return err
	}},
	"several iterators": {"iterator", func(db *engine.DB) error {
		its, err := engine.NewIters(db.ColumnFamilies()...)
		if err == nil {
			its[0].First()
		}
		return err
	}},
	"snapshot with views": {"snapshot", func(db *engine.DB) error {
		s, err := db.NewSnapshot()
		if err != nil {
			return err
		}
		_, err = s.In(db.ColumnFamilies()[0]).Has([]byte("key"), nil)
		return err
	}},
	"indexed batch": {"batch", func(db *engine.DB) error {
		b, err := db.NewIndexedBatch()
		if err != nil {
			return err
		}
		_, err = b.Get([]byte("x"), nil)
		return errors.Join(ignoreMiss(err), b.In(db.ColumnFamilies()[0]).Put([]byte("x"), nil), failureOf(b.Has([]byte("x"), nil)))
	}},
}

func ignoreMiss(err error) error {
	if err == engine.ErrNotFound {
		return nil
	}
	return err
}

func failureOf(_ bool, err error) error { return err }

// What is lost is reported, counted and freed, and Close tells of it still.
func TestHandlesThatAreGarbageAreReportedAndFreed(t *testing.T) {
	for name, l := range leaky {
		t.Run(name, func(t *testing.T) {
			h := new(heard)
			db := openDir(t, filepath.Join(t.TempDir(), "db"), &engine.Options{Logger: slog.New(h)})
			if err := db.Put([]byte("key"), []byte("value"), nil); err != nil {
				t.Fatal(err)
			}
			const n = 3
			for range n {
				if err := l.make(db); err != nil {
					t.Fatal(err)
				}
			}
			collectUntil(t, "reports", func() bool { return metricsOf(t, db).Handles[l.kind].Lost == n })
			collectUntil(t, "lines", func() bool { return len(h.with(garbage)) == n })
			if m := metricsOf(t, db).Handles[l.kind]; m.Open != 0 || m.Made != n || engine.Children(db) != 0 {
				t.Errorf("%+v; %d are registered", m, engine.Children(db))
			}
			for _, line := range h.with(garbage) {
				if line.level != slog.LevelWarn || line.attrs["kind"].String() != l.kind || line.attrs["db"].String() != db.Path() {
					t.Errorf("the report is %+v", line)
				}
			}
			var leak *engine.LeakError
			if err := db.Close(); !errors.As(err, &leak) || leak.Iterators+leak.Snapshots+leak.Batches != n {
				t.Errorf("Close answered %v", err)
			}
		})
	}
}

// Iterators and snapshots by the thousands, some of them lost and the rest left open, crash nothing whatever the
// collector does: the report counts those that were lost, exactly, and Close all of them.
func TestManyHandlesThatAreLostAreAllCounted(t *testing.T) {
	n := *lostHandles
	if testing.Short() {
		n /= 10
	}
	h := new(heard)
	db := openDir(t, filepath.Join(t.TempDir(), "db"), &engine.Options{Logger: slog.New(h)})
	if err := db.Put([]byte("key"), []byte("value"), nil); err != nil {
		t.Fatal(err)
	}
	kinds := []string{"iterator", "snapshot with views"}
	for range n {
		for _, kind := range kinds {
			if err := leaky[kind].make(db); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 5 {
		runtime.GC()
	}
	lost := func() bool {
		m := metricsOf(t, db).Handles
		return m["iterator"].Lost == uint64(n) && m["snapshot"].Lost == uint64(n)
	}
	collectUntil(t, "reports", lost)
	collectUntil(t, "lines", func() bool { return len(h.with(garbage)) >= 2*n })
	if lines := len(h.with(garbage)); lines != 2*n || engine.Children(db) != 0 {
		t.Errorf("%d lines of %d, %d handles are registered", lines, 2*n, engine.Children(db))
	}
	var kept []any
	for range 100 {
		it, err := db.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := db.NewSnapshot()
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, it, s)
	}
	var leak *engine.LeakError
	if err := db.Close(); !errors.As(err, &leak) || leak.Iterators != n+100 || leak.Snapshots != n+100 {
		t.Errorf("Close answered %v, want %d iterators and as many snapshots", err, n+100)
	}
	runtime.KeepAlive(kept)
}

// What was closed, or is in use, is not reported: an iterator of a snapshot and of a batch outlives them.
func TestHandlesThatWereClosedAreNotReported(t *testing.T) {
	h := new(heard)
	db := openTemp(t, &engine.Options{Logger: slog.New(h)})
	if err := db.Put([]byte("key"), nil, nil); err != nil {
		t.Fatal(err)
	}
	s, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	b, err := db.NewIndexedBatch()
	if err != nil {
		t.Fatal(err)
	}
	fromSnapshot, err := s.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	fromBatch, err := b.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		runtime.GC()
		if !fromSnapshot.First() || !fromBatch.First() {
			t.Fatalf("no row: %v, %v", fromSnapshot.Error(), fromBatch.Error())
		}
	}
	if err := errors.Join(fromSnapshot.Close(), fromBatch.Close()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		runtime.GC()
	}
	for kind, m := range metricsOf(t, db).Handles {
		if m.Lost != 0 || m.Open != 0 {
			t.Errorf("%s: %+v", kind, m)
		}
	}
	if lines := h.with(garbage); lines != nil {
		t.Errorf("reports: %+v", lines)
	}
}

// A handle that Close has counted is not reported again when it becomes garbage, whatever the order.
func TestHandlesAreLostOnce(t *testing.T) {
	for range 20 {
		h := new(heard)
		db := openDir(t, filepath.Join(t.TempDir(), "db"), &engine.Options{Logger: slog.New(h)})
		for range 10 {
			for _, l := range leaky {
				if err := l.make(db); err != nil {
					t.Fatal(err)
				}
			}
		}
		go runtime.GC()
		var leak *engine.LeakError
		if err := db.Close(); !errors.As(err, &leak) || leak.Iterators != 20 || leak.Snapshots != 10 || leak.Batches != 10 {
			t.Fatalf("Close answered %v", err)
		}
	}
	for range 3 {
		runtime.GC()
	}
}

// A database that is garbage is closed: what was written is there, and its lock is free.
func TestDatabaseThatIsGarbageIsReportedAndClosed(t *testing.T) {
	h := new(heard)
	dir := filepath.Join(t.TempDir(), "db")
	before := engine.ReadProcessMetrics().LostDatabases
	func() {
		db := openDir(t, dir, &engine.Options{Logger: slog.New(h)})
		if err := db.Put([]byte("key"), []byte("value"), nil); err != nil {
			t.Fatal(err)
		}
		for _, l := range leaky { // its handles do not keep it
			if err := l.make(db); err != nil {
				t.Fatal(err)
			}
		}
	}()
	collectUntil(t, "the report", func() bool { return engine.ReadProcessMetrics().LostDatabases == before+1 })
	var db *engine.DB
	collectUntil(t, "the lock", func() bool {
		var err error
		db, err = engine.Open(dir, nil)
		return err == nil
	})
	if v, err := db.Get([]byte("key"), nil); string(v) != "value" {
		t.Errorf("%q, %v", v, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	lines := h.with(garbage)
	last := lines[len(lines)-1]
	if last.attrs["kind"].String() != "database" || !last.attrs["freed"].Bool() || last.attrs["db"].String() != dir {
		t.Errorf("the report is %+v", last)
	}
}

// Whoever holds a family or an iterator holds the database.
func TestDatabaseThatIsReachedThroughAHandleIsNotCollected(t *testing.T) {
	before := engine.ReadProcessMetrics().LostDatabases
	family, closeDB := func() (*engine.ColumnFamily, func() error) {
		db := openDir(t, filepath.Join(t.TempDir(), "db"), nil)
		return db.ColumnFamilies()[0], db.Close
	}()
	for range 5 {
		runtime.GC()
		if err := family.Put([]byte("key"), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := closeDB(); err != nil {
		t.Error(err)
	}
	if n := engine.ReadProcessMetrics().LostDatabases; n != before {
		t.Errorf("%d databases were lost", n-before)
	}
}

// A logger that panics ends nothing.
func TestReportsSurviveAPanickingLogger(t *testing.T) {
	db := openDir(t, filepath.Join(t.TempDir(), "db"), &engine.Options{Logger: slog.New(panicking{})})
	if err := leaky["iterator"].make(db); err != nil {
		t.Fatal(err)
	}
	collectUntil(t, "the report", func() bool { return metricsOf(t, db).Handles["iterator"].Lost == 1 })
	var leak *engine.LeakError
	if err := db.Close(); !errors.As(err, &leak) {
		t.Error(err)
	}
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool  { return true }
func (panicking) Handle(context.Context, slog.Record) error { panic("the handler's own") }

const profileName = "rockbridge.handles"

func TestProfileShowsWhereOpenHandlesWereMade(t *testing.T) {
	p := pprof.Lookup(profileName)
	if p == nil {
		t.Fatal("there is no profile")
	}
	before := p.Count()
	off := openTemp(t, nil)
	engine.ProfileHandles(true)
	defer engine.ProfileHandles(false)
	h := new(heard)
	db := openDir(t, filepath.Join(t.TempDir(), "db"), &engine.Options{Logger: slog.New(h)})
	it, err := makeProfiled(db)
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	if n := p.Count() - before; n != 3 {
		t.Errorf("a database, an iterator and a snapshot are %d handles", n)
	}
	var text bytes.Buffer
	if err := p.WriteTo(&text, 1); err != nil {
		t.Fatal(err)
	}
	for _, frame := range []string{"makeProfiled", "engine.(*DB).NewSnapshot", "engine.Open"} {
		if !strings.Contains(text.String(), frame) {
			t.Errorf("the profile does not show %s:\n%s", frame, text.String())
		}
	}
	if err := errors.Join(it.Close(), s.Close(), off.Flush()); err != nil {
		t.Fatal(err)
	}
	if n := p.Count() - before; n != 1 {
		t.Errorf("with only the database open, %d handles are", n)
	}
	if _, err := makeProfiled(db); err != nil {
		t.Fatal(err)
	}
	collectUntil(t, "the report", func() bool { return len(h.with(garbage)) == 1 })
	if stack := h.with(garbage)[0].attrs["made_at"].String(); !strings.Contains(stack, "makeProfiled") {
		t.Errorf("the report's stack is %q", stack)
	}
	var leak *engine.LeakError
	if err := db.Close(); !errors.As(err, &leak) || leak.Iterators != 1 {
		t.Error(err)
	}
	if n := p.Count() - before; n != 0 {
		t.Errorf("with everything closed, %d handles are open", n)
	}
}

//go:noinline
func makeProfiled(db *engine.DB) (interface{ Close() error }, error) { return db.NewIter(nil) }
