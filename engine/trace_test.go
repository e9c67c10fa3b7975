package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var traceSeed = flag.Uint64("trace.seed", 0, "seed of the traces; 0: a new one")

// traced begins a trace of the database in a folder of its own.
func traced(t testing.TB, db *engine.DB, o *engine.TraceOptions) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "trace")
	mustDo(t, db.StartTrace(path, o))
	return path
}

// traceOf reads a whole trace.
func traceOf(t testing.TB, path string) (records []engine.TraceRecord) {
	t.Helper()
	tr, err := engine.OpenTrace(path)
	mustDo(t, err)
	for tr.Next() {
		records = append(records, tr.Record())
	}
	mustDo(t, tr.Error(), tr.Close())
	return records
}

// shownTrace is a record as text.
func shownTrace(r engine.TraceRecord) string {
	switch r.Kind {
	case engine.TraceWrite:
		var b strings.Builder
		batch, err := engine.ParseBatch(r.Batch)
		if err != nil {
			return "write: " + err.Error()
		}
		for rec := range batch.Records() {
			fmt.Fprintf(&b, " %v %d %s=%s", rec.Kind, rec.Family, rec.Key, rec.Value)
		}
		return "write" + b.String()
	case engine.TraceMultiGet:
		var b strings.Builder
		for _, k := range r.Keys {
			fmt.Fprintf(&b, " %d %s", k.Family, k.Key)
		}
		return "multi get" + b.String()
	}
	return fmt.Sprintf("%s %d %s [%s, %s)", r.Kind, r.Family, r.Key, r.Lower, r.Upper)
}

// tracedOptions are of a database with a second family.
func tracedOptions() *engine.Options {
	return &engine.Options{
		FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add},
		Families:      map[string]engine.FamilyOptions{"g": {MergeOperator: engine.Uint64Add}}, Logger: quiet,
	}
}

// tracedWork does random calls, one after the other, and gives what a trace has of them.
type tracedWork struct {
	db     *engine.DB
	cfs    []*engine.ColumnFamily
	r      *rand.Rand
	expect []string
}

func newTracedWork(t testing.TB, db *engine.DB, r *rand.Rand) *tracedWork {
	t.Helper()
	c, err := db.ColumnFamily("g")
	mustDo(t, err)
	return &tracedWork{db: db, cfs: []*engine.ColumnFamily{db.ColumnFamilies()[0], c}, r: r}
}

func (w *tracedWork) key() []byte { return fmt.Appendf(nil, "%02d", w.r.IntN(50)) }

func (w *tracedWork) add(c *engine.ColumnFamily, format string, args ...any) {
	w.expect = append(w.expect, fmt.Sprintf(format, args...))
}

// step does one call.
func (w *tracedWork) step(t testing.TB) {
	c := w.cfs[w.r.IntN(2)]
	id, key, value := c.ID(), w.key(), fmt.Appendf(nil, "%08d", w.r.IntN(1e8))
	switch w.r.IntN(9) {
	case 0:
		mustDo(t, c.Put(key, value, nil))
		w.add(c, "write %v %d %s=%s", engine.KindPut, id, key, value)
	case 1:
		mustDo(t, c.Delete(key, nil))
		w.add(c, "write %v %d %s=", engine.KindDelete, id, key)
	case 2:
		mustDo(t, c.Merge(key, value, nil))
		w.add(c, "write %v %d %s=%s", engine.KindMerge, id, key, value)
	case 3:
		end := append(slices.Clone(key), '0')
		mustDo(t, c.DeleteRange(key, end, nil))
		w.add(c, "write %v %d %s=%s", engine.KindDeleteRange, id, key, end)
	case 4:
		b := w.db.NewBatch()
		mustDo(t, b.Put(key, value), b.In(w.cfs[1]).Put(key, value), b.Delete([]byte("x")))
		mustDo(t, w.db.Write(b, nil))
		w.add(c, "write %v 0 %s=%s %v %d %s=%s %v 0 x=", engine.KindPut, key, value, engine.KindPut, w.cfs[1].ID(), key, value, engine.KindDelete)
	case 5:
		if _, err := c.Get(key, nil); err != nil && err != engine.ErrNotFound {
			t.Fatal(err)
		}
		w.add(c, "get %d %s [, )", id, key)
	case 6:
		keys := [][]byte{[]byte("a"), key, []byte("zz")}
		slices.SortFunc(keys, bytes.Compare)
		_, err := c.MultiGet(keys, nil)
		mustDo(t, err)
		w.add(c, "multi get %d %s %d %s %d %s", id, keys[0], id, keys[1], id, keys[2])
	default:
		lower, upper := w.key(), w.key()
		if bytes.Compare(lower, upper) > 0 {
			lower, upper = upper, lower
		}
		it, err := c.NewIter(&engine.IterOptions{LowerBound: lower, UpperBound: upper})
		mustDo(t, err)
		if w.r.IntN(2) == 0 {
			it.SeekGE(lower)
			w.add(c, "seek %d %s [%s, %s)", id, lower, lower, upper)
		} else {
			it.SeekLE(lower)
			w.add(c, "seek for prev %d %s [%s, %s)", id, lower, lower, upper)
		}
		mustDo(t, it.Error(), it.Close())
	}
}

// tracesOfCalls are both ways in which RocksDB records writes.
var tracesOfCalls = map[string]*engine.TraceOptions{"as logged": nil, "as asked for": {Unordered: true}}

// The calls are the model: a trace has them in their order, and replayed on a copy from before it makes of that the
// database.
func TestATraceIsWhatWasAskedAndMakesTheSameAgain(t *testing.T) {
	needs(t, engine.Traces)
	r, _ := seededRand(t, "trace.seed", *traceSeed)
	for way, o := range tracesOfCalls {
		db := openTemp(t, tracedOptions())
		w := newTracedWork(t, db, r)
		for range 50 {
			w.step(t)
		}
		w.expect = nil
		copied := filepath.Join(t.TempDir(), "copy")
		mustDo(t, db.Checkpoint(nil, copied))
		path := traced(t, db, o)
		for range 300 {
			w.step(t)
		}
		mustDo(t, db.EndTrace())
		records := traceOf(t, path)
		for i := range max(len(records), len(w.expect)) {
			got, want := "nothing", "nothing"
			if i < len(records) {
				got = shownTrace(records[i])
			}
			if i < len(w.expect) {
				want = w.expect[i]
			}
			if got != want {
				t.Fatalf("%s: record %d: %s\nwant %s", way, i, got, want)
			}
		}
		again := openDir(t, copied, tracedOptions())
		report := doneAgain(t, again, path, nil)
		done := int64(0)
		for _, c := range report.Kinds {
			done += c.Done
		}
		if done != int64(len(records)) || len(report.Errors) > 0 || report.First != nil {
			t.Errorf("%s: %d of %d records were done: %+v", way, done, len(records), report)
		}
		sameFamilies(t, again, db)
		mustDo(t, again.Close())
	}
}

// doneAgain does a whole trace.
func doneAgain(t testing.TB, db *engine.DB, path string, o *engine.ReplayOptions) engine.ReplayReport {
	t.Helper()
	tr, err := engine.OpenTrace(path)
	mustDo(t, err)
	report, err := db.Replay(t.Context(), tr, o)
	mustDo(t, err, tr.Close())
	return report
}

// sameFamilies compares two databases, family by family.
func sameFamilies(t testing.TB, got, want *engine.DB) {
	t.Helper()
	for _, c := range want.ColumnFamilies() {
		other, err := got.ColumnFamily(c.Name())
		mustDo(t, err)
		if a, b := shownRows(t, other), shownRows(t, c); a != b || b == "" {
			t.Errorf("family %s: %s\nwant %s", c.Name(), a, b)
		}
	}
}

// Writers beside each other, on the same keys, are recorded in the order that counts.
func TestATraceOfManyWritersMakesTheSameAgain(t *testing.T) {
	needs(t, engine.Traces)
	for name, o := range map[string]engine.Options{"plain": {}, "pipelined": {PipelinedWrite: true}, "two-phase": {Transactions: engine.Pessimistic}} {
		o.Families, o.Logger = map[string]engine.FamilyOptions{"g": {}}, quiet
		db := openTemp(t, &o)
		c, err := db.ColumnFamily("g")
		mustDo(t, err)
		copied := filepath.Join(t.TempDir(), "copy")
		mustDo(t, db.Checkpoint(nil, copied))
		path := traced(t, db, &engine.TraceOptions{Kinds: []engine.TraceKind{engine.TraceWrite}})
		var writers sync.WaitGroup
		for w := range 8 {
			writers.Go(func() {
				for i := range 100 {
					key, value := fmt.Appendf(nil, "%d", i%7), fmt.Appendf(nil, "%d of %d", i, w)
					err := errors.Join(db.Put(key, value, nil), c.Put(key, value, nil))
					if o.Transactions == engine.Pessimistic && i%10 == 0 {
						err = errors.Join(err, twoPhases(db, fmt.Sprintf("%d of %d", i, w), i%20 == 0))
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		mustDo(t, db.EndTrace())
		again := openDir(t, copied, &o)
		if report := doneAgain(t, again, path, nil); report.First != nil {
			t.Errorf("%s: %v", name, report.First)
		}
		sameFamilies(t, again, db)
		mustDo(t, again.Close())
	}
}

// twoPhases prepares a transaction with a row of its own, and commits it or rolls it back.
func twoPhases(db *engine.DB, name string, commit bool) error {
	tx, err := db.Begin(nil, nil)
	if err != nil {
		return err
	}
	err = errors.Join(tx.Put([]byte("tx "+name), []byte("v")), tx.Prepare(name))
	if commit {
		return errors.Join(err, tx.Commit())
	}
	return errors.Join(err, tx.Rollback())
}

func TestATraceKeepsToItsOptions(t *testing.T) {
	needs(t, engine.Traces)
	db := openTemp(t, nil)
	value := bytes.Repeat([]byte("v"), 1000)
	ask := func(n int) {
		for i := range n {
			mustDo(t, db.Put(fmt.Appendf(nil, "%04d", i), value, nil))
			_, err := db.Get(fmt.Appendf(nil, "%04d", i), nil)
			mustDo(t, err)
		}
	}
	path := traced(t, db, &engine.TraceOptions{Every: 7, Kinds: []engine.TraceKind{engine.TraceGet}})
	ask(100)
	mustDo(t, db.EndTrace())
	for i, r := range traceOf(t, path) {
		if want := fmt.Sprintf("get 0 %04d [, )", 7*i+6); shownTrace(r) != want {
			t.Errorf("record %d of one in 7: %s, want %s", i, shownTrace(r), want)
		}
	}
	if n := len(traceOf(t, path)); n != 100/7 {
		t.Errorf("%d records of one in 7 of 100", n)
	}
	const most = 20_000
	path = traced(t, db, &engine.TraceOptions{MaxBytes: most})
	ask(100)
	mustDo(t, db.EndTrace())
	info, err := os.Stat(path)
	mustDo(t, err)
	if size := info.Size(); size <= most || size > most+1100 || len(traceOf(t, path)) < 30 {
		t.Errorf("%d bytes, %d records", size, len(traceOf(t, path)))
	}
	for name, o := range map[string]*engine.TraceOptions{
		"MaxBytes": {MaxBytes: -1}, "Every": {Every: -1}, "no kinds": {Kinds: []engine.TraceKind{}}, "kinds": {Kinds: []engine.TraceKind{"put"}},
	} {
		expectError(t, name, db.StartTrace(filepath.Join(t.TempDir(), "x"), o), engine.ErrInvalidArgument)
	}
}

// The table of docs/trace.md.
func TestWhichCallsAreRecorded(t *testing.T) {
	needs(t, engine.Traces)
	db := openTemp(t, &engine.Options{Logger: quiet, FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add}})
	k, v := []byte("k"), []byte("12345678")
	mustDo(t, db.Put(k, v, nil))
	scan := func(o *engine.IterOptions) error {
		rows, done := engine.Scan(db, o)
		for range rows {
		}
		return done()
	}
	get, put := "get 0 k [, )", fmt.Sprintf("write %v 0 k=12345678", engine.KindPut)
	for _, c := range []struct {
		name string
		call func() error
		want []string
	}{
		{"Get", func() error { _, err := db.Get(k, nil); return err }, []string{get}},
		{"CacheOnly", func() error { _, err := db.Get(k, &engine.ReadOptions{CacheOnly: true}); return err }, []string{get}},
		{"GetPinned", func() error { return db.GetPinned(k, nil, func([]byte) error { return nil }) }, []string{get}},
		{"Has", func() error { _, err := db.Has(k, nil); return err }, []string{get}},
		{"MultiGet", func() error { _, err := db.MultiGet([][]byte{k, []byte("a"), k}, nil); return err }, []string{"multi get 0 a 0 k"}},
		{"Put", func() error { return db.Put(k, v, nil) }, []string{put}},
		{"SyncWAL", db.SyncWAL, []string{"write"}},
		{"FlushWAL", db.FlushWAL, nil},
		{"a scan", func() error { return scan(nil) }, nil},
		{"a scan from", func() error { return scan(&engine.IterOptions{LowerBound: k}) }, []string{"seek 0 k [k, )"}},
		{"Count", func() error { _, _, _, err := engine.Count(nil, db, nil); return err }, nil},
		{"Flush", func() error { return db.Flush() }, nil},
		{"Compact", func() error { return db.Compact(nil, nil, nil) }, nil},
		{"a batch that is read", func() error {
			b, err := db.NewIndexedBatch()
			mustDo(t, err, b.Put([]byte("of the batch"), v))
			_, inBatch := b.Get([]byte("of the batch"), nil)
			_, below := b.Get(k, nil)
			return errors.Join(inBatch, below, b.Close())
		}, []string{get}},
	} {
		path := traced(t, db, nil)
		mustDo(t, c.call(), db.EndTrace())
		var got []string
		for _, r := range traceOf(t, path) {
			got = append(got, shownTrace(r))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// traceCalls are those that begin and end traces, by their kinds.
func traceCalls(db *engine.DB) map[string]struct {
	start func(string, *engine.TraceOptions) error
	end   func() error
} {
	return map[string]struct {
		start func(string, *engine.TraceOptions) error
		end   func() error
	}{
		"calls": {db.StartTrace, db.EndTrace}, "io": {db.StartIOTrace, db.EndIOTrace}, "block cache": {db.StartBlockCacheTrace, db.EndBlockCacheTrace},
	}
}

func TestTracesAreForTheirOwnerAndOverwriteNothing(t *testing.T) {
	db := openTemp(t, nil)
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	mustDo(t, os.WriteFile(there, []byte("mine"), 0o644))
	for kind, c := range traceCalls(db) {
		expectError(t, kind+", end of none", c.end(), engine.ErrInvalidArgument)
		path := filepath.Join(dir, kind)
		if !engine.Supports(engine.Traces) {
			expectError(t, kind, c.start(path, nil), engine.ErrUnsupported)
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s: a file was made", kind)
			}
			continue
		}
		expectError(t, kind+", a file that is there", c.start(there, nil), engine.ErrInvalidArgument, fs.ErrExist)
		expectError(t, kind+", a folder", c.start(dir, nil), engine.ErrInvalidArgument, fs.ErrExist)
		expectError(t, kind+", no folder", c.start(filepath.Join(dir, "no", "trace"), nil), engine.ErrIO, fs.ErrNotExist)
		expectError(t, kind+", no name", c.start("", nil), engine.ErrInvalidArgument)
		expectError(t, kind+", a zero byte", c.start(path+"\x00", nil), engine.ErrInvalidArgument)
		mustDo(t, c.start(path, nil))
		expectError(t, kind+", twice", c.start(path+" 2", nil), engine.ErrBusy)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", kind, info, err)
		}
		if _, err := os.Stat(path + " 2"); err == nil {
			t.Errorf("%s: a second file was made", kind)
		}
	}
	if !engine.Supports(engine.Traces) {
		return
	}
	mustDo(t, db.Put([]byte("key of mine"), []byte("v"), nil), db.Flush())
	_, err := db.Get([]byte("key of mine"), nil)
	mustDo(t, err)
	for kind, c := range traceCalls(db) {
		path := filepath.Join(dir, kind)
		mustDo(t, c.end())
		expectError(t, kind+", ended twice", c.end(), engine.ErrInvalidArgument)
		whole, err := os.ReadFile(path)
		mustDo(t, err)
		if len(whole) < 100 {
			t.Errorf("%s: %d bytes", kind, len(whole))
		}
		if kind != "calls" {
			_, err := engine.OpenTrace(path)
			expectError(t, kind, err, engine.ErrInvalidArgument)
			if !strings.Contains(fmt.Sprint(err), "io_tracer_parser") {
				t.Errorf("%s: %v", kind, err)
			}
		}
		mustDo(t, c.start(path+" 3", nil), c.end())
	}
	for name, err := range map[string]error{
		"kinds of I/O": db.StartIOTrace(there+"x", &engine.TraceOptions{Kinds: []engine.TraceKind{engine.TraceGet}}),
		"part of I/O":  db.StartIOTrace(there+"x", &engine.TraceOptions{Every: 2}),
		"order":        db.StartBlockCacheTrace(there+"x", &engine.TraceOptions{Unordered: true}),
	} {
		expectError(t, name, err, engine.ErrInvalidArgument)
	}
	if kept, err := os.ReadFile(there); string(kept) != "mine" || err != nil {
		t.Errorf("%q, %v", kept, err)
	}
}

func TestCloseEndsTraces(t *testing.T) {
	needs(t, engine.Traces)
	files, err := engine.NewMemoryFiles()
	mustDo(t, err)
	defer files.Close()
	for name, o := range map[string]*engine.Options{"on disk": nil, "in memory": {InMemory: files}, "read only": {ReadOnly: true}} {
		dir := filepath.Join(t.TempDir(), "db")
		if o != nil && o.ReadOnly {
			mustDo(t, openDir(t, dir, nil).Close())
		}
		db := openDir(t, dir, o)
		path := filepath.Join(t.TempDir(), "trace")
		mustDo(t, db.StartTrace(path, nil), db.StartIOTrace(path+" of files", nil))
		_, err := db.Get([]byte("k"), nil)
		says(t, name, err, engine.ErrNotFound)
		mustDo(t, db.Close())
		if got := traceOf(t, path); len(got) != 1 || shownTrace(got[0]) != "get 0 k [, )" {
			t.Errorf("%s: %v", name, got)
		}
		for kind, c := range traceCalls(db) {
			says(t, kind, c.start(path+"x", nil), engine.ErrClosed)
			says(t, kind, c.end(), engine.ErrClosed)
		}
	}
}

// A trace that there is no room for ends, and says so at its end; the database goes on.
func TestAFullDiskEndsTracesOnly(t *testing.T) {
	needs(t, engine.Traces)
	disk, _ := smallDisk(t, "256k")
	why := engine.ErrNoSpace
	if engine.CXX() != nil {
		why = engine.ErrIO // only that the end is lacking is known
	}
	for _, end := range []string{"ended", "closed"} {
		db := openDir(t, filepath.Join(t.TempDir(), "db"), &engine.Options{Logger: quiet})
		path := filepath.Join(disk, "trace")
		mustDo(t, db.StartTrace(path, nil))
		acked := map[string]string{}
		for i := range 500 {
			key, value := fmt.Sprintf("%04d", i), string(valueOf(1000))
			mustDo(t, db.Put([]byte(key), []byte(value), nil))
			acked[key] = value
		}
		expectThere(t, "beside the trace", db, acked)
		if end == "ended" {
			expectError(t, end, db.EndTrace(), why, engine.ErrIO)
			expectError(t, "again", db.EndTrace(), engine.ErrInvalidArgument)
		}
		if err := db.Close(); (end == "closed") != errors.Is(err, why) {
			t.Errorf("%s: close: %v", end, err)
		}
		tr, err := engine.OpenTrace(path)
		mustDo(t, err)
		n := 0
		for ; tr.Next(); n++ {
			if want := fmt.Sprintf("write %v 0 %04d=", engine.KindPut, n); !strings.HasPrefix(shownTrace(tr.Record()), want) {
				t.Fatalf("record %d: %s", n, shownTrace(tr.Record()))
			}
		}
		if expectError(t, end, tr.Error(), engine.ErrIncomplete); n < 50 {
			t.Errorf("%s: %d records", end, n)
		}
		mustDo(t, tr.Close(), os.Remove(path))
	}
}

// Traces begin and end while the database is worked on.
func TestTracesBesideWork(t *testing.T) {
	needs(t, engine.Traces)
	db := openTemp(t, &engine.Options{Logger: quiet, FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10}})
	dir := t.TempDir()
	done := make(chan struct{})
	var work, tracers sync.WaitGroup
	for w := range 3 {
		work.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				key := fmt.Appendf(nil, "%d %d", w, i%100)
				_, err := db.Get(key, nil)
				if err == engine.ErrNotFound {
					err = nil
				}
				if err := errors.Join(err, db.Put(key, valueOf(500), nil)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for kind, c := range traceCalls(db) {
		tracers.Go(func() {
			for i := range 20 {
				path := filepath.Join(dir, fmt.Sprint(kind, i))
				if err := errors.Join(c.start(path, nil), c.end()); err != nil {
					t.Errorf("%s: %v", kind, err)
				} else if kind == "calls" {
					traceOf(t, path)
				}
			}
		})
	}
	tracers.Wait()
	close(done)
	work.Wait()
}
