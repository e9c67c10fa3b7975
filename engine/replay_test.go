package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// traceFrom reads what was forged.
func traceFrom(t testing.TB, f *forgedTrace) *engine.Trace {
	t.Helper()
	tr, err := engine.ReadTrace(bytes.NewReader(f.bytes))
	mustDo(t, err)
	return tr
}

func TestAReplayCountsWhatCameOfIt(t *testing.T) {
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"g": {}}, Logger: quiet})
	f := newForgedTrace(1).write(0, "a", "1").write(1, "b", "2").write(9, "c", "3").get(0, "a").get(0, "x").get(9, "a").
		multiGet(1, "a", "b").multiGet(9, "a").seek(5, 0, "", "", "").seek(6, 1, "a", "", "").seek(5, 9, "", "", "").
		record(3, prefixed(mapOf(1), []byte("no batch"))).end()
	want := map[engine.TraceKind]engine.ReplayCount{
		engine.TraceWrite: {Done: 2, Failed: 2}, engine.TraceGet: {Done: 2, Failed: 1, Found: 1},
		engine.TraceMultiGet: {Done: 1, Failed: 1, Found: 1}, engine.TraceSeek: {Done: 1, Failed: 1, Found: 1},
		engine.TraceSeekForPrev: {Done: 1},
	}
	var told []string
	each := func(r engine.TraceRecord, err error) error {
		told = append(told, fmt.Sprint(r.Kind, " ", err == nil))
		return nil
	}
	report, err := db.Replay(t.Context(), traceFrom(t, f), &engine.ReplayOptions{Each: each})
	mustDo(t, err)
	if fmt.Sprint(report.Kinds) != fmt.Sprint(want) {
		t.Errorf("%+v\nwant %+v", report.Kinds, want)
	}
	if n := report.Errors; n[engine.CodeFamilyNotFound] != 4 || n[engine.CodeCorruption] != 1 || len(n) != 2 || len(told) != 12 {
		t.Errorf("%v, told %q", n, told)
	}
	expectError(t, "the first", report.First, engine.ErrFamilyNotFound)
	if got := shownRows(t, db); got != "a=1" {
		t.Errorf("rows: %s", got)
	}
	only := &engine.ReplayOptions{Kinds: []engine.TraceKind{engine.TraceGet}, Readers: 3, Each: each}
	report, err = db.Replay(t.Context(), traceFrom(t, f), only)
	mustDo(t, err)
	if fmt.Sprint(report.Kinds) != fmt.Sprint(map[engine.TraceKind]engine.ReplayCount{engine.TraceGet: want[engine.TraceGet]}) {
		t.Errorf("lookups only: %+v", report.Kinds)
	}
}

func TestReadersOfAReplayDoTheSame(t *testing.T) {
	db := openTemp(t, &engine.Options{Logger: quiet})
	f := newForgedTrace(1)
	for i := range 300 {
		key := fmt.Sprintf("%03d", i)
		f.write(0, key, key).get(0, key).seek(5, 0, key, key, "").multiGet(0, "", key)
	}
	want := ""
	for _, readers := range []int{0, 1, 8} {
		report, err := db.Replay(t.Context(), traceFrom(t, f.end()), &engine.ReplayOptions{Readers: readers, Speed: 1e6})
		mustDo(t, err, report.First)
		f.bytes = f.bytes[:len(f.bytes)-13]
		if want == "" { // the first one has written all
			want = fmt.Sprint(report.Kinds)
		}
		if got := fmt.Sprint(report.Kinds); got != want || report.Kinds[engine.TraceGet].Found != 300 {
			t.Errorf("%d readers: %s\nwant %s", readers, got, want)
		}
	}
}

// hours is a trace that takes days.
func hours() *forgedTrace {
	f := newForgedTrace(3600 * 1e6)
	for range 50 {
		f.get(0, "k")
	}
	return f.end()
}

func TestAReplayEndsWhenItMust(t *testing.T) {
	db := openTemp(t, &engine.Options{Logger: quiet})
	planted := errors.New("planted")
	for _, readers := range []int{0, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		once := func(engine.TraceRecord, error) error { cancel(); return nil }
		report, err := db.Replay(ctx, traceFrom(t, hours()), &engine.ReplayOptions{Speed: 1, Readers: readers, Each: once})
		if expectError(t, "cancelled", err, context.Canceled); report.Kinds[engine.TraceGet].Done != 1 {
			t.Errorf("cancelled: %+v", report)
		}
		report, err = db.Replay(ctx, traceFrom(t, hours()), nil)
		if expectError(t, "cancelled before", err, context.Canceled); len(report.Kinds) != 0 {
			t.Errorf("cancelled before: %+v", report)
		}
		stop := func(engine.TraceRecord, error) error { return planted }
		report, err = db.Replay(nil, traceFrom(t, hours()), &engine.ReplayOptions{Speed: 1, Readers: readers, Each: stop})
		if says(t, "stopped", err, planted); report.Kinds[engine.TraceGet].Done != 1 {
			t.Errorf("stopped: %+v", report)
		}
	}
	cut := newForgedTrace(1).get(0, "k").get(0, "k")
	report, err := db.Replay(nil, traceFrom(t, cut), nil)
	if expectError(t, "a trace that breaks off", err, engine.ErrIncomplete); report.Kinds[engine.TraceGet].Done != 2 {
		t.Errorf("a trace that breaks off: %+v", report)
	}
	closing := openDir(t, filepath.Join(t.TempDir(), "db"), &engine.Options{Logger: quiet})
	var begun atomic.Bool
	ended := make(chan error)
	go func() {
		_, err := closing.Replay(nil, traceFrom(t, hours()), &engine.ReplayOptions{Speed: 1, Each: func(engine.TraceRecord, error) error {
			begun.Store(true)
			return nil
		}})
		ended <- err
	}()
	for !begun.Load() {
		time.Sleep(time.Millisecond)
	}
	mustDo(t, closing.Close())
	says(t, "closed meanwhile", <-ended, engine.ErrClosed)
}

func TestAReplayRefusesWhatMakesNoSense(t *testing.T) {
	db := openTemp(t, &engine.Options{Logger: quiet})
	for name, o := range map[string]*engine.ReplayOptions{
		"Speed": {Speed: -1}, "no Speed": {Speed: math.NaN()}, "Readers": {Readers: -1}, "many Readers": {Readers: 1 << 30},
		"no kinds": {Kinds: []engine.TraceKind{}}, "kinds": {Kinds: []engine.TraceKind{"put"}},
	} {
		_, err := db.Replay(nil, traceFrom(t, everyKind()), o)
		expectError(t, name, err, engine.ErrInvalidArgument)
	}
	closed := traceFrom(t, everyKind())
	mustDo(t, closed.Close())
	for name, tr := range map[string]*engine.Trace{"nil": nil, "zero": {}, "closed": closed} {
		_, err := db.Replay(nil, tr, nil)
		says(t, name, err, engine.ErrClosed)
	}
}

func TestWhereWritesOfAReplayCannotBe(t *testing.T) {
	f := newForgedTrace(1).write(0, "k", "v").get(0, "k").end()
	timed := openTemp(t, &engine.Options{TimedRows: true, Logger: quiet})
	_, err := timed.Replay(nil, traceFrom(t, f), nil)
	expectError(t, "TimedRows", err, engine.ErrUnsupported)
	report, err := timed.Replay(nil, traceFrom(t, f), &engine.ReplayOptions{Kinds: []engine.TraceKind{engine.TraceGet}})
	if mustDo(t, err, report.First); report.Kinds[engine.TraceGet].Done != 1 {
		t.Errorf("TimedRows, lookups: %+v", report)
	}
	dir := filepath.Join(t.TempDir(), "db")
	mustDo(t, openDir(t, dir, nil).Close())
	only := openTempDir(t, dir, &engine.Options{ReadOnly: true, Logger: quiet})
	report, err = only.Replay(nil, traceFrom(t, f), nil)
	mustDo(t, err)
	if report.Errors[engine.CodeReadOnly] != 1 || report.Kinds[engine.TraceGet].Done != 1 {
		t.Errorf("read only: %+v", report)
	}
}

// Versions with timestamps come again as they were.
func TestATraceOfTimestampsMakesTheSameAgain(t *testing.T) {
	needs(t, engine.Traces)
	db, c := tempStamped(t)
	copied := filepath.Join(t.TempDir(), "copy")
	mustDo(t, db.Checkpoint(nil, copied))
	path := traced(t, db, nil)
	for i := range uint64(40) {
		key := fmt.Appendf(nil, "%d", i%7)
		mustDo(t, c.PutAt(key, i+1, fmt.Append(nil, i), nil))
		if i%5 == 0 {
			mustDo(t, c.DeleteAt(key, i+1, nil))
		}
	}
	_, err := c.At(engine.Newest).Get([]byte("1"), nil)
	mustDo(t, err)
	_, err = c.At(engine.Newest).MultiGet([][]byte{[]byte("1"), []byte("x")}, nil)
	mustDo(t, err)
	mustDo(t, db.EndTrace())
	again, other := openStamped(t, copied)
	if report := doneAgain(t, again, path, nil); report.First != nil || report.Kinds[engine.TraceGet].Found == 0 {
		t.Errorf("%+v", report)
	}
	versions := func(c *engine.ColumnFamily) (all []string) {
		found, done := c.At(engine.Newest).Versions(0, nil)
		for v := range found {
			all = append(all, fmt.Sprintf("%s@%d=%s%v", v.Key, v.Timestamp, v.Value, v.Deleted))
		}
		mustDo(t, done())
		return all
	}
	if got, want := fmt.Sprint(versions(other)), fmt.Sprint(versions(c)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	mustDo(t, again.Close())
}

// What a conflict kept from being committed does not come again.
func TestATraceOfOptimisticTransactionsMakesTheSameAgain(t *testing.T) {
	needs(t, engine.Traces)
	o := &engine.Options{Transactions: engine.Optimistic, Logger: quiet}
	db := openTemp(t, o)
	copied := filepath.Join(t.TempDir(), "copy")
	mustDo(t, db.Checkpoint(nil, copied))
	path := traced(t, db, nil)
	conflicts := 0
	for i := range 30 {
		tx, err := db.Begin(nil, nil)
		mustDo(t, err, tx.Put([]byte("k"), fmt.Append(nil, i)), tx.Put(fmt.Append(nil, "of ", i), nil))
		if i%3 == 0 {
			mustDo(t, db.Put([]byte("k"), []byte("between"), nil))
		}
		if err := tx.Commit(); err != nil {
			conflicts++
		}
	}
	mustDo(t, db.EndTrace())
	again := openDir(t, copied, o)
	if report := doneAgain(t, again, path, nil); report.First != nil || conflicts != 10 {
		t.Errorf("%+v, %d conflicts", report, conflicts)
	}
	sameFamilies(t, again, db)
	mustDo(t, again.Close())
}

// A trace of TimedRows has the times behind the values.
func TestATraceOfTimedRowsHasTheirTimes(t *testing.T) {
	needs(t, engine.Traces)
	db := openTemp(t, &engine.Options{TimedRows: true, Logger: quiet})
	path := traced(t, db, nil)
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil), db.EndTrace())
	records := traceOf(t, path)
	b, err := engine.ParseBatch(records[0].Batch)
	mustDo(t, err)
	for r := range b.Records() {
		if len(r.Value) != 5 || r.Value[0] != 'v' {
			t.Errorf("%q", r.Value)
		}
	}
}

func TestADatabaseOfASecondaryIsNotTraced(t *testing.T) {
	needs(t, engine.Traces)
	db := openTemp(t, nil)
	s, err := engine.OpenSecondary(db.Path(), nil)
	mustDo(t, err)
	mustDo(t, s.View(nil, func(d *engine.DB) error {
		expectError(t, "a Secondary's", d.StartTrace(filepath.Join(t.TempDir(), "trace"), nil), engine.ErrUnsupported)
		return nil
	}), s.Close())
}
