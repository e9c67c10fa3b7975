package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// needs skips a test where neither RocksDB nor a build tag has what it is about.
func needs(t *testing.T, f engine.Feature) {
	t.Helper()
	if !engine.Supports(f) {
		var ways []string
		if f.Since() != "" {
			ways = append(ways, "RocksDB "+f.Since())
		}
		if f.Tag() != "" {
			ways = append(ways, "the build tag "+f.Tag())
		}
		t.Skipf("%s: needs %s", f, strings.Join(ways, ", or "))
	}
}

// remaining takes the events that are there, which it waits for no longer than until the database is closed.
func remaining(t *testing.T, db *engine.DB) (all []engine.Event) {
	t.Helper()
	for e, err := range db.Events(nil) {
		if err != nil {
			if err != engine.ErrClosed {
				t.Errorf("the events ended with %v", err)
			}
			return all
		}
		all = append(all, e)
	}
	t.Error("the events ended without an error")
	return all
}

// await takes events up to the first that is one.
func awaitEvent(t *testing.T, db *engine.DB, is func(engine.Event) bool) engine.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for e, err := range db.Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if is(e) {
			return e
		}
	}
	return engine.Event{}
}

func ofKind(all []engine.Event, k engine.EventKind) (some []engine.Event) {
	for _, e := range all {
		if e.Kind == k {
			some = append(some, e)
		}
	}
	return some
}

// Two flushes, a compaction by hand and an ingested file, and each of the events that these are.
func TestEventsTellWhatHappened(t *testing.T) {
	needs(t, engine.EventListeners)
	began := time.Now()
	db := openDir(t, t.TempDir()+"/db", &engine.Options{
		Events: 10_000, Families: map[string]engine.FamilyOptions{"f": {Extra: "disable_auto_compactions=true"}},
	})
	f, err := db.ColumnFamily("f")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for i := range 10 {
			if err := f.Put(fmt.Appendf(nil, "%02d", i), []byte("v"), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(f.Delete([]byte("gone"), nil), f.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Compact(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rows.sst")
	w, err := engine.NewSSTWriter(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Put([]byte("zz"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	if err := f.Ingest(t.Context(), []string{file}, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	all := remaining(t, db)
	for i, e := range all {
		if e.Number != uint64(i+1) || e.Time.Before(began.Add(-time.Second)) || e.Time.After(time.Now().Add(time.Second)) || e.Err != nil {
			t.Errorf("%+v is the event %d", e, i+1)
		}
		if e.Family != "f" && e.Kind != engine.TableDeleted {
			t.Errorf("%+v: nothing happened in another family", e)
		}
	}
	expectEventsOfAFamily(t, all)
	if again := remaining(t, db); len(again) > 0 {
		t.Errorf("events were given twice: %v", again)
	}
}

func expectEventsOfAFamily(t *testing.T, all []engine.Event) {
	t.Helper()
	sealed, begun, flushed := ofKind(all, engine.MemtableSealed), ofKind(all, engine.FlushBegun), ofKind(all, engine.FlushCompleted)
	if len(sealed) != 2 || len(begun) != 2 || len(flushed) != 2 {
		t.Fatalf("%d memtables sealed, %d flushes begun, %d completed: %v", len(sealed), len(begun), len(flushed), all)
	}
	for i := range 2 {
		if sealed[i].Entries != 11 || sealed[i].Deletes != 1 {
			t.Errorf("%+v: a memtable of 11 entries, one of them a delete", sealed[i])
		}
		if begun[i].Number > flushed[i].Number || filepath.Ext(flushed[i].Path) != ".sst" || flushed[i].LastSequence != uint64(11*(i+1)) {
			t.Errorf("%+v, %+v", begun[i], flushed[i])
		}
	}
	done := ofKind(all, engine.CompactionCompleted)
	if len(done) != 1 || len(ofKind(all, engine.CompactionBegun)) != 1 {
		t.Fatalf("compactions: %v", done)
	}
	c := done[0].Compaction
	if c.FilesIn != 2 || c.FilesOut != 1 || c.RowsIn != 22 || c.RowsOut != 10 || c.Level != 0 || c.OutputLevel < 1 ||
		c.BytesIn == 0 || c.BytesOut == 0 || done[0].Reason != "by hand" {
		t.Errorf("%+v", done[0])
	}
	if in := ofKind(all, engine.FileIngested); len(in) != 1 || filepath.Ext(in[0].Path) != ".sst" {
		t.Errorf("ingested: %v", in)
	}
	if engine.CXX() != nil {
		return
	}
	created, deleted := ofKind(all, engine.TableCreated), ofKind(all, engine.TableDeleted)
	var paths []string
	for _, e := range created {
		paths = append(paths, e.Path)
	}
	if len(created) != 3 || created[0].Rows != 11 || created[0].Bytes == 0 || created[0].Reason != "flush" || created[2].Reason != "compaction" {
		t.Errorf("created: %+v", created)
	}
	if len(deleted) != 2 || !slices.Contains(paths, deleted[0].Path) || !slices.Contains(paths, deleted[1].Path) {
		t.Errorf("deleted: %+v", deleted)
	}
	if flushed[0].Reason != "flush by hand" || flushed[0].Job != created[0].Job || flushed[0].Rows != 11 {
		t.Errorf("%+v", flushed[0])
	}
}

// Nobody takes them: RocksDB goes on, the oldest are kept, and what was dropped is counted and leaves a gap.
func TestEventsThatNobodyTakesAreDroppedAndCounted(t *testing.T) {
	needs(t, engine.EventListeners)
	db := openTemp(t, &engine.Options{Events: 3})
	for range 5 {
		if err := errors.Join(db.Put([]byte("k"), nil, nil), db.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	awaitCounts := func() engine.EventMetrics {
		m, err := db.Metrics()
		if err != nil {
			t.Fatal(err)
		}
		return m.Events
	}
	m := awaitCounts()
	var sum uint64
	for _, n := range m.Counts {
		sum += n
	}
	if m.Waiting != 3 || m.Dropped == 0 || m.Dropped+3 != sum || m.Counts["flush begun"] != 5 {
		t.Errorf("%+v", m)
	}
	e := awaitEvent(t, db, func(engine.Event) bool { return true })
	if e.Number != 1 {
		t.Errorf("the oldest is %+v", e)
	}
	if m := awaitCounts(); m.Waiting != 2 {
		t.Errorf("two of three are left: %+v", m)
	}
	if err := errors.Join(db.Put([]byte("k"), nil, nil), db.Flush(), db.Close()); err != nil {
		t.Fatal(err)
	}
	all := remaining(t, db)
	if len(all) != 5 || all[0].Number != 2 || all[1].Number != 3 || all[2].Number <= sum {
		t.Errorf("%d are dropped, then there are %+v", m.Dropped, all)
	}
}

func TestAStallIsAnEvent(t *testing.T) {
	needs(t, engine.EventListeners)
	db := openTemp(t, &engine.Options{
		Events: 1000, Extra: "level0_file_num_compaction_trigger=2;level0_slowdown_writes_trigger=2;level0_stop_writes_trigger=100",
	})
	for range 2 {
		if err := errors.Join(db.Put([]byte("k"), nil, nil), db.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	stalls := func(e engine.Event) bool { return e.Kind == engine.StallChanged }
	two := []engine.Event{awaitEvent(t, db, stalls), awaitEvent(t, db, stalls)} // by two threads, in either order
	for _, change := range [][2]engine.StallState{
		{engine.NotStalled, engine.Delayed}, {engine.Delayed, engine.NotStalled},
	} {
		if !slices.ContainsFunc(two, func(e engine.Event) bool {
			return e.StalledBefore == change[0] && e.StalledNow == change[1] && e.Family == "default"
		}) {
			t.Errorf("no change from %s to %s: %+v", change[0], change[1], two)
		}
	}
}

func TestWhoWaitsForEventsLeavesWithTheContext(t *testing.T) {
	needs(t, engine.EventListeners)
	db := openTemp(t, &engine.Options{Events: 1000})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel)
	var last error
	for _, last = range db.Events(ctx) {
	}
	expectError(t, "Events", last, context.Canceled)
	closed := make(chan error)
	go func() {
		var last error
		for _, last = range db.Events(nil) {
		}
		closed <- last
	}()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != engine.ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}

func TestEventsHaveToBeAskedFor(t *testing.T) {
	db := openTemp(t, nil)
	for _, err := range db.Events(nil) {
		expectError(t, "Events", err, engine.ErrInvalidArgument)
	}
	m, err := db.Metrics()
	if err != nil || len(m.Events.Counts) != len(engine.EventKinds()) || m.Events.Counts["flush begun"] != 0 {
		t.Errorf("%+v, %v", m.Events, err)
	}
	for what, o := range map[string]*engine.Options{
		"negative": {Events: -1}, "too many": {Events: 1<<20 + 1}, "read only": {Events: 1, ReadOnly: true},
	} {
		_, err := engine.Open(t.TempDir()+"/db", o)
		expectError(t, what, err, engine.ErrInvalidArgument)
	}
	if engine.Supports(engine.EventListeners) {
		return
	}
	_, err = engine.Open(t.TempDir()+"/db", &engine.Options{Events: 1})
	expectError(t, "Open", err, engine.ErrUnsupported, errors.ErrUnsupported)
	if text := fmt.Sprint(err); !strings.Contains(text, "10.3") || !strings.Contains(text, "rb_cxx") || !strings.Contains(text, "Events") {
		t.Error(text)
	}
}

func TestKindsOfEventsHaveNames(t *testing.T) {
	names := map[string]bool{}
	for _, k := range engine.EventKinds() {
		if names[k.String()] || strings.HasPrefix(k.String(), "event") {
			t.Errorf("kind %d is called %s", k, k)
		}
		names[k.String()] = true
	}
	if len(names) != 11 || engine.EventKind(99).String() != "event 99" || engine.StallState(9).String() != "state 9" {
		t.Errorf("%v", names)
	}
}
