package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// puts fills a table file with rows of one value.
func puts(value string, keys ...string) func(w *engine.SSTWriter) error {
	return func(w *engine.SSTWriter) error {
		for _, k := range keys {
			if err := w.Put([]byte(k), []byte(value)); err != nil {
				return err
			}
		}
		return nil
	}
}

// shownRows is what a reader has, as "key=value" with spaces between.
func shownRows(t testing.TB, r engine.Reader) string {
	t.Helper()
	var b bytes.Buffer
	rows, done := engine.Scan(r, nil)
	for k, v := range rows {
		fmt.Fprintf(&b, "%s=%s ", k, v)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(b.Bytes()))
}

func TestIngestedRowsReplaceOlderOnesAndSnapshotsDoNotSeeThem(t *testing.T) {
	for name, state := range map[string]func(db *engine.DB) error{
		"in a memtable": func(db *engine.DB) error { return nil },
		"in a file":     func(db *engine.DB) error { return db.Flush() },
		"at the bottom": func(db *engine.DB) error { return db.Compact(nil, nil, nil) },
	} {
		db := openTemp(t, nil)
		for _, k := range []string{"a", "b", "c", "d"} {
			if err := db.Put([]byte(k), []byte("old"), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := state(db); err != nil {
			t.Fatal(err)
		}
		s, err := db.NewSnapshot()
		if err != nil {
			t.Fatal(err)
		}
		it, err := db.NewIter(nil)
		if err != nil {
			t.Fatal(err)
		}
		info := madeSST(t, nil, func(w *engine.SSTWriter) error {
			return errors.Join(w.DeleteRange([]byte("c"), []byte("e")), w.Put([]byte("b"), []byte("new")), w.Put([]byte("d"), []byte("new")), w.Put([]byte("x"), []byte("new")))
		})
		if err := db.Ingest(t.Context(), []string{info.Path}, nil); err != nil {
			t.Fatal(err)
		}
		const old, now = "a=old b=old c=old d=old", "a=old b=new d=new x=new"
		if got := shownRows(t, db); got != now {
			t.Errorf("%s: %s", name, got)
		}
		if got := shownRows(t, s); got != old {
			t.Errorf("%s: the snapshot shows %s", name, got)
		}
		n := 0
		for _, v := range it.All() {
			if string(v) == "old" {
				n++
			}
		}
		if err := it.Close(); n != 4 || err != nil {
			t.Errorf("%s: the iterator shows %d old rows, %v", name, n, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Put([]byte("b"), []byte("newest"), nil); err != nil {
			t.Fatal(err)
		}
		if got := shownRows(t, db); got != "a=old b=newest d=new x=new" {
			t.Errorf("%s: a later write: %s", name, got)
		}
		if _, err := os.Stat(info.Path); err != nil {
			t.Errorf("%s: the file was copied, and is gone: %v", name, err)
		}
	}
}

func TestIngestMovesFiles(t *testing.T) {
	db := openTemp(t, nil)
	a, b := madeSST(t, nil, puts("1", "a", "b")), madeSST(t, nil, puts("1", "c"))
	if err := db.Ingest(nil, []string{b.Path, a.Path}, &engine.IngestOptions{Move: true, Trusted: true}); err != nil {
		t.Fatal(err)
	}
	if got := shownRows(t, db); got != "a=1 b=1 c=1" {
		t.Error(got)
	}
	for _, f := range []string{a.Path, b.Path} {
		if _, err := os.Stat(f); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
}

func TestOfFilesThatOverlapTheLaterOneWins(t *testing.T) {
	db := openTemp(t, nil)
	if err := db.Put([]byte("a"), []byte("0"), nil); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for i, keys := range [][]string{{"a", "b", "c", "e"}, {"b", "d"}, {"a", "c", "d"}} {
		paths = append(paths, madeSST(t, nil, puts(fmt.Sprint(i+1), keys...)).Path)
	}
	if err := db.Ingest(t.Context(), paths, nil); err != nil {
		t.Fatal(err)
	}
	want := "a=3 b=2 c=3 d=3 e=1"
	if got := shownRows(t, db); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := db.Compact(nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := shownRows(t, db); got != want {
		t.Errorf("compacted: %s, want %s", got, want)
	}
}

func TestIngestRefusesWrongFilesAndLosesNothing(t *testing.T) {
	adds := engine.FamilyOptions{MergeOperator: engine.Int64Add}
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"adds": adds}})
	if err := db.Put([]byte("b"), []byte("old"), nil); err != nil {
		t.Fatal(err)
	}
	good := madeSST(t, nil, puts("new", "a", "b", "c"))
	whole, err := os.ReadFile(good.Path)
	if err != nil {
		t.Fatal(err)
	}
	file := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "x.sst")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := bytes.Clone(whole)
	damaged[5] ^= 1
	merging := func(operator string, operand []byte) string {
		o := &engine.SSTWriterOptions{FamilyOptions: engine.FamilyOptions{MergeOperator: operator}}
		return madeSST(t, o, func(w *engine.SSTWriter) error { return w.Merge([]byte("k"), operand) }).Path
	}
	for name, c := range map[string]struct {
		family string
		paths  []string
		o      *engine.IngestOptions
		want   error
	}{
		"no file":               {"default", nil, nil, engine.ErrInvalidArgument},
		"twice":                 {"default", []string{good.Path, good.Path}, nil, engine.ErrInvalidArgument},
		"none there":            {"default", []string{good.Path, good.Path + "x"}, nil, fs.ErrNotExist},
		"a folder":              {"default", []string{good.Path, t.TempDir()}, nil, engine.ErrInvalidArgument},
		"nothing":               {"default", []string{good.Path, file(nil)}, nil, engine.ErrCorruption},
		"text":                  {"default", []string{good.Path, file(bytes.Repeat([]byte("text "), 1000))}, nil, engine.ErrCorruption},
		"cut short":             {"default", []string{good.Path, file(whole[:len(whole)-7])}, nil, engine.ErrCorruption},
		"cut in front":          {"default", []string{good.Path, file(whole[100:])}, nil, engine.ErrCorruption},
		"damaged":               {"default", []string{file(damaged)}, nil, engine.ErrCorruption},
		"a zero byte":           {"default", []string{"a\x00b"}, nil, engine.ErrInvalidArgument},
		"operands, no operator": {"default", []string{good.Path, merging(engine.Int64Add, engine.EncodeInt64(1))}, nil, engine.ErrInvalidArgument},
		"operands of another":   {"adds", []string{merging(engine.Int64Max, engine.EncodeInt64(1))}, nil, engine.ErrInvalidArgument},
		"behind, not opened so": {"default", []string{good.Path}, &engine.IngestOptions{Behind: true}, engine.ErrInvalidArgument},
		"no sequence":           {"default", []string{good.Path}, &engine.IngestOptions{NoGlobalSequence: true}, engine.ErrInvalidArgument},
		"no flush":              {"default", []string{good.Path}, &engine.IngestOptions{NoFlush: true}, engine.ErrWouldBlock},
		"another comparator":    {"default", []string{good.Path, file(bytes.ReplaceAll(whole, []byte("leveldb.BytewiseComparator"), []byte("leveldb.BytewiseComparatoX")))}, nil, engine.ErrInvalidArgument},
		"of a database":         {"default", []string{databaseFile(t)}, nil, engine.ErrInvalidArgument},
	} {
		cf, err := db.ColumnFamily(c.family)
		if err != nil {
			t.Fatal(err)
		}
		if name == "no flush" { // what went before flushed
			if err := db.Put([]byte("b"), []byte("old"), nil); err != nil {
				t.Fatal(err)
			}
		}
		err = cf.Ingest(t.Context(), c.paths, c.o)
		var e *engine.Error
		if !errors.Is(err, c.want) || !errors.As(err, &e) || e.Path == "" {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if got := shownRows(t, db); got != "b=old" {
			t.Fatalf("%s: the database has %s", name, got)
		}
		for _, p := range c.paths {
			if _, err := os.Stat(p); err != nil && name != "none there" && name != "a zero byte" {
				t.Errorf("%s: a file is gone: %v", name, err)
			}
		}
	}
	if err := db.Ingest(nil, []string{good.Path}, nil); err != nil {
		t.Error(err)
	}
}

// databaseFile is a table file that a database has made for itself.
func databaseFile(t *testing.T) string {
	t.Helper()
	db := openTemp(t, nil)
	if err := errors.Join(db.Put([]byte("k"), nil, nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(db.Path(), "*.sst"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	return files[0]
}

// Every byte of the rows and of what leads to them is under a checksum that Ingest looks at.
func TestIngestFindsDamageAnywhere(t *testing.T) {
	info := madeSST(t, nil, func(w *engine.SSTWriter) error {
		for i := range 400 {
			if err := w.Put(fmt.Appendf(nil, "key %04d", i), bytes.Repeat([]byte{byte(i)}, 50)); err != nil {
				return err
			}
		}
		return nil
	})
	whole, err := os.ReadFile(info.Path)
	if err != nil {
		t.Fatal(err)
	}
	db := openTemp(t, nil)
	path := filepath.Join(t.TempDir(), "x.sst")
	step := 97
	if testing.Short() {
		step = 997
	}
	found := 0
	for at := 0; at < len(whole); at += step {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x10
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		err := db.Ingest(nil, []string{path}, nil)
		if err != nil {
			found++
			continue
		}
		if at < len(whole)-1000 { // behind that stand properties and the foot, where some bits say nothing
			t.Errorf("byte %d of %d is damaged, and the file was ingested", at, len(whole))
		}
	}
	t.Logf("%d found", found)
}

func TestIngestInEachStateOfADatabase(t *testing.T) {
	info := madeSST(t, nil, puts("new", "a"))
	dir := created(t, nil)
	db, err := engine.Open(dir, &engine.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Ingest(nil, []string{info.Path}, nil); !errors.Is(err, engine.ErrReadOnly) {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := engine.OpenSecondary(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(nil, func(db *engine.DB) error { return db.Ingest(nil, []string{info.Path}, nil) })
	if !errors.Is(err, engine.ErrReadOnly) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	db = openTemp(t, nil)
	if err := db.Ingest(ended, []string{info.Path}, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := shownRows(t, db); got != "" {
		t.Error(got)
	}
}

func TestIngestBehind(t *testing.T) {
	db := openTemp(t, &engine.Options{Extra: "allow_ingest_behind=true"})
	if err := db.Put([]byte("b"), []byte("there"), nil); err != nil {
		t.Fatal(err)
	}
	info := madeSST(t, nil, puts("behind", "a", "b", "c"))
	if err := db.Ingest(nil, []string{info.Path}, &engine.IngestOptions{Behind: true}); err != nil {
		t.Fatal(err)
	}
	if got := shownRows(t, db); got != "a=behind b=there c=behind" {
		t.Error(got)
	}
}

func TestIngestIntoTheLastLevelOnly(t *testing.T) {
	db := openTemp(t, nil)
	o := &engine.IngestOptions{BottommostOnly: true}
	info := madeSST(t, nil, puts("1", "a", "c"))
	err := db.Ingest(nil, []string{info.Path}, o)
	if !engine.Supports(engine.IngestBottommost) {
		if !errors.Is(err, engine.ErrUnsupported) {
			t.Error(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Ingest(nil, []string{info.Path}, o); !errors.Is(err, engine.ErrTryAgain) {
		t.Error(err)
	}
}

func TestMergesAreIngestedWhereTheirOperatorIs(t *testing.T) {
	list := func(n uint32) engine.FamilyOptions {
		return engine.FamilyOptions{MergeOperator: engine.BoundedList(n)}
	}
	for name, c := range map[string]struct {
		family, file engine.FamilyOptions
		operand      []byte
	}{
		"uint64":        {engine.FamilyOptions{MergeOperator: engine.Uint64Add}, engine.FamilyOptions{MergeOperator: engine.Uint64Add}, []byte("\x01\x00\x00\x00\x00\x00\x00\x00")},
		"int64":         {engine.FamilyOptions{MergeOperator: engine.Int64Add}, engine.FamilyOptions{MergeOperator: engine.Int64Add}, engine.EncodeInt64(1)},
		"another bound": {list(5), list(7), engine.EncodeList([]byte("x"))},
	} {
		db := openTemp(t, &engine.Options{FamilyOptions: c.family})
		if err := db.Merge([]byte("k"), c.operand, nil); err != nil {
			t.Fatal(err)
		}
		info := madeSST(t, &engine.SSTWriterOptions{FamilyOptions: c.file}, func(w *engine.SSTWriter) error {
			return w.Merge([]byte("k"), c.operand)
		})
		if err := db.Ingest(nil, []string{info.Path}, nil); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		one, err := db.Get([]byte("k"), nil)
		if err != nil || len(one) < len(c.operand) || bytes.Equal(one, c.operand) {
			t.Errorf("%s: %x, %v", name, one, err)
		}
	}
}

// Whoever leaves an ingest whose context ends, the files are there as a whole or not at all, and beside
// writers nothing of theirs is lost.
func TestAnIngestThatIsLeftIsWholeOrNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	stop, failed := make(chan struct{}), make(chan error, 1)
	written := 0
	go func() {
		defer close(failed)
		for ; ; written++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := db.Put(fmt.Appendf(nil, "key %04d", written%100), []byte("written"), nil); err != nil {
				failed <- err
				return
			}
		}
	}()
	known := map[int]bool{}
	unknown := 0
	for i := range 30 {
		var paths []string
		for part := range 3 {
			paths = append(paths, madeSST(t, nil, puts("ingested", fmt.Sprintf("%d/%d", i, part))).Path)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*200*time.Microsecond)
		err := db.Ingest(ctx, paths, &engine.IngestOptions{Trusted: true})
		cancel()
		switch {
		case err == nil:
			known[i] = true
		case !errors.Is(err, context.DeadlineExceeded):
			t.Fatal(err)
		case outcomeUnknown(err):
			unknown++
		default:
			known[i] = false
		}
	}
	close(stop)
	if err := errors.Join(<-failed, db.Close()); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir, nil)
	defer db.Close()
	for i := range 30 {
		n := 0
		for part := range 3 {
			ok, err := db.Has(fmt.Appendf(nil, "%d/%d", i, part), nil)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				n++
			}
		}
		if there, sure := known[i]; n != 0 && n != 3 || sure && there != (n == 3) {
			t.Errorf("ingest %d: %d of 3 files, known %v (%v)", i, n, there, sure)
		}
	}
	for i := range min(written, 100) {
		if v, err := db.Get(fmt.Appendf(nil, "key %04d", i), nil); err != nil || string(v) != "written" {
			t.Errorf("row %d: %q, %v", i, v, err)
		}
	}
	t.Logf("%d known, %d unknown, %d rows written", len(known), unknown, written)
}

// Batches of files against a model: rows, deletions and ranges, beside writes, flushes and compactions.
func TestIngestsAgainstAModel(t *testing.T) {
	r, seed := seededRand(t, "load.seed", *loadSeed)
	db := openTemp(t, nil)
	model := map[string]string{}
	key := func() []byte { return fmt.Appendf(nil, "%03d", r.IntN(300)) }
	rounds := 40
	if testing.Short() {
		rounds = 15
	}
	for round := range rounds {
		for range r.IntN(20) {
			k, v := key(), fmt.Appendf(nil, "put in %d", round)
			if err := db.Put(k, v, nil); err != nil {
				t.Fatal(err)
			}
			model[string(k)] = string(v)
		}
		if r.IntN(3) == 0 {
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		var paths []string
		for file := range 1 + r.IntN(3) {
			next := map[string]string{}
			info := madeSST(t, nil, func(w *engine.SSTWriter) error { return randomSST(r, w, model, next, fmt.Sprint(round, file)) })
			for k, v := range next {
				model[k] = v
				if v == "" {
					delete(model, k)
				}
			}
			paths = append(paths, info.Path)
		}
		snapshot, err := db.NewSnapshot()
		if err != nil {
			t.Fatal(err)
		}
		before := shownRows(t, snapshot)
		if err := db.Ingest(nil, paths, &engine.IngestOptions{Trusted: r.IntN(2) == 0, Move: r.IntN(2) == 0}); err != nil {
			t.Fatalf("seed %d, round %d: %v", seed, round, err)
		}
		if r.IntN(4) == 0 {
			if err := db.Compact(nil, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := sameRows(db, model); err != nil {
			t.Fatalf("seed %d, round %d: %v", seed, round, err)
		}
		if shownRows(t, snapshot) != before {
			t.Fatalf("seed %d, round %d: the snapshot has changed", seed, round)
		}
		if err := snapshot.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// randomSST adds records, and notes in next what they make of the model: an empty value is a deletion.
func randomSST(r *rand.Rand, w *engine.SSTWriter, model, next map[string]string, value string) error {
	for range r.IntN(3) {
		start, end := r.IntN(300), 0
		end = start + r.IntN(30)
		for k := range model {
			if n, _ := strconv.Atoi(k); n >= start && n < end {
				next[k] = ""
			}
		}
		if err := w.DeleteRange(fmt.Appendf(nil, "%03d", start), fmt.Appendf(nil, "%03d", end)); err != nil {
			return err
		}
	}
	step := 1 + r.IntN(40)
	for n := r.IntN(step); n < 300; n += 1 + r.IntN(step) {
		k := fmt.Sprintf("%03d", n)
		next[k] = value
		if r.IntN(4) == 0 {
			next[k] = ""
			if err := w.Delete([]byte(k)); err != nil {
				return err
			}
			continue
		}
		if err := w.Put([]byte(k), []byte(value)); err != nil {
			return err
		}
	}
	return nil
}
