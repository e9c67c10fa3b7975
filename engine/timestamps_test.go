package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// openStamped opens a database whose default family has none and whose family t has timestamps.
func openStamped(t *testing.T, dir string) (*engine.DB, *engine.ColumnFamily) {
	t.Helper()
	db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"t": {Timestamps: true}}})
	c, err := db.ColumnFamily("t")
	if err != nil {
		t.Fatal(err)
	}
	return db, c
}

func tempStamped(t *testing.T) (*engine.DB, *engine.ColumnFamily) {
	t.Helper()
	db, c := openStamped(t, filepath.Join(t.TempDir(), "db"))
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close at the end of the test: %v", err)
		}
	})
	return db, c
}

// expectErrors checks that each call answers its error and says what it must say.
func expectErrors(t *testing.T, calls map[string]error, want error, words string) {
	t.Helper()
	for name, err := range calls {
		if !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %v with %q", name, err, want, words)
		}
	}
}

// What has no timestamp is refused where there are some, and the other way round, before C sees it.
func TestTimestampsAreNeitherMissingNorTooMany(t *testing.T) {
	db, c := tempStamped(t)
	def := db.ColumnFamilies()[0]
	k, v := []byte("k"), []byte("v")
	if err := errors.Join(c.PutAt(k, 5, v, nil), db.Put(k, v, nil)); err != nil {
		t.Fatal(err)
	}
	snap, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()

	_, get := c.Get(k, nil)
	_, has := c.Has(k, nil)
	_, iter := c.NewIter(nil)
	_, many := c.MultiGet([][]byte{k}, nil)
	_, snapped := snap.In(c).Get(k, nil)
	_, iters := engine.NewIters(def, c)
	_, first := engine.FirstKey(nil, c, nil)
	_, _, _, count := engine.Count(nil, c, nil)
	_, err = engine.DeleteWhere(nil, c, nil, nil)
	_, _, copied := engine.CopyRange(nil, def, nil, c, nil)
	families, ferr := db.MultiGetFamilies([]engine.FamilyKey{{Family: def, Key: k}, {Family: c, Key: k}}, nil)
	if ferr != nil || string(families[0].Data) != "v" {
		t.Fatalf("families: %v, %v", families, ferr)
	}
	batch := func(f func(b *engine.Batch)) error {
		var b engine.Batch
		f(&b)
		return db.Write(&b, nil)
	}
	expectErrors(t, map[string]error{
		"Get": get, "Has": has, "NewIter": iter, "MultiGet": many, "Snapshot.Get": snapped, "NewIters": iters, "FirstKey": first,
		"Count": count, "DeleteWhere": err, "CopyRange": copied, "MultiGetFamilies": families[1].Err,
		"GetAppend":    secondOf(c.GetAppend(nil, k, nil)),
		"GetPinned":    c.GetPinned(k, nil, func([]byte) error { return nil }),
		"Put":          c.Put(k, v, nil),
		"Delete":       c.Delete(k, nil),
		"Writer":       c.Writer(nil).Put(k, v),
		"Batch.Put":    new(engine.Batch).In(c).Put(k, v),
		"Batch.Delete": new(engine.Batch).In(c).Delete(k),
		"ScanParallel": engine.ScanParallel(nil, c, nil, 2, func(int, *iterator.Chunk) error { return nil }),
		"batch of both": batch(func(b *engine.Batch) {
			b.In(c).PutAt(k, 6, v)
			b.In(c).Put(k, v)
		}),
	}, engine.ErrInvalidArgument, "has timestamps")

	at := db.At(5)
	_, get = at.Get(k, nil)
	_, has = at.Has(k, nil)
	_, iter = at.NewIter(nil)
	_, many = at.MultiGet([][]byte{k}, nil)
	_, _, version := at.GetVersion(k, nil)
	_, low := db.HistoryLow()
	versions, done := at.Versions(0, nil)
	for range versions {
		t.Error("a version of a family that has none")
	}
	expectErrors(t, map[string]error{
		"Get": get, "Has": has, "NewIter": iter, "MultiGet": many, "GetVersion": version, "HistoryLow": low, "Versions": done(),
		"PutAt": db.PutAt(k, 5, v, nil), "DeleteAt": db.DeleteAt(k, 5, nil),
		"RaiseHistory": db.RaiseHistory(3),
		"Batch.PutAt":  new(engine.Batch).In(def).PutAt(k, 5, v),
		"batch":        batch(func(b *engine.Batch) { b.PutAt(k, 5, v) }),
		"Batch.Append": batch(func(b *engine.Batch) {
			var o engine.Batch
			o.DeleteAt(k, 5)
			b.Append(&o)
		}),
	}, engine.ErrInvalidArgument, "has no timestamps")

	if got, err := c.At(5).Get(k, nil); string(got) != "v" || err != nil {
		t.Errorf("after all that: %q, %v", got, err)
	}
}

func secondOf[T any](_ T, err error) error { return err }

// What timestamps do not go together with says so.
func TestWhatTimestampsDoNotGoTogetherWith(t *testing.T) {
	db, c := tempStamped(t)
	k, v := []byte("k"), []byte("v")
	ctx := context.Background()
	_, loader := c.NewLoader(ctx, nil)
	indexed, err := db.NewIndexedBatch()
	if err != nil {
		t.Fatal(err)
	}
	defer indexed.Close()
	_, read := indexed.In(c).Get(k, nil)
	var b engine.Batch
	b.In(c).PutAt(k, 5, v)
	_, imported := c.Import(ctx, bytes.NewReader(nil), nil)
	_, exported := engine.Export(ctx, c, nil, io.Discard, nil)
	elsewhere, err := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"t": {}}}).ColumnFamily("t")
	if err != nil {
		t.Fatal(err)
	}
	var single engine.Batch
	single.In(elsewhere).SingleDelete([]byte("k8 bytes."))
	outside, err := engine.ParseBatch(single.Repr())
	if err != nil || elsewhere.ID() != c.ID() {
		t.Fatal(err, elsewhere.ID(), c.ID())
	}
	expectErrors(t, map[string]error{
		"SingleDelete": c.SingleDelete(k, nil), "SingleDelete from outside": db.Write(outside, nil),
		"DeleteRange": c.DeleteRange(k, []byte("z"), nil), "Merge": c.Merge(k, v, nil), "NewLoader": loader,
		"Batch.DeleteRange": new(engine.Batch).In(c).DeleteRange(k, []byte("z")),
		"IndexedBatch.Get":  read, "IndexedBatch.Put": indexed.In(c).Put(k, v), "IndexedBatch.Append": indexed.Append(&b),
		"Import": imported, "Export": exported, "Ingest": c.Ingest(ctx, []string{"no such file"}, nil),
		"DeleteFilesInRange": c.DeleteFilesInRange(nil, nil),
	}, engine.ErrUnsupported, "")
	expectErrors(t, map[string]error{"SetOptions": c.SetOptions(map[string]string{"enable_blob_files": "true"})},
		engine.ErrInvalidArgument, "blob files")
	expectErrors(t, map[string]error{"SetOptions": c.SetOptions(map[string]string{"prefix_extractor": "fixed:1"})},
		engine.ErrInvalidArgument, "prefix extractor")

	for name, o := range map[string]engine.FamilyOptions{
		"merge operator":                   {MergeOperator: engine.Int64Add},
		"compaction filter":                {CompactionFilter: engine.TTLFilter},
		"prefix extractor":                 {Extra: "prefix_extractor=fixed:3"},
		"blob files":                       {Tuning: engine.Tuning{BlobsFrom: 10}},
		"blob files, which":                {Extra: "enable_blob_files=true"},
		"comparator exclude":               {Comparator: engine.ReverseBytewise},
		"a comparator":                     {GoComparator: shortFirst()},
		"a merge operator":                 {GoMerge: &engine.GoMergeOperator{Name: "test.m", Merge: func(dst, _, _ []byte, _ [][]byte) ([]byte, error) { return dst, nil }}},
		"persist_user_defined_timestamps ": {Extra: "persist_user_defined_timestamps=false"},
	} {
		o.Timestamps = true
		dir := filepath.Join(t.TempDir(), "db")
		_, err := engine.Open(dir, &engine.Options{Families: map[string]engine.FamilyOptions{"f": o}})
		_, later := db.CreateColumnFamily("later", &o)
		expectErrors(t, map[string]error{"Open": err, "CreateColumnFamily": later}, engine.ErrInvalidArgument, name)
		expectNothing(t, dir)
	}
	for _, mode := range []engine.TxMode{engine.Optimistic, engine.Pessimistic} {
		dir := filepath.Join(t.TempDir(), "db")
		_, err := engine.Open(dir, &engine.Options{FamilyOptions: engine.FamilyOptions{Timestamps: true}, Transactions: mode})
		expectErrors(t, map[string]error{"transactions": err}, engine.ErrUnsupported, "timestamps")
		expectNothing(t, dir)
	}
}

func expectNothing(t *testing.T, dir string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("a refused Open left %v", left)
	}
}

// Keys and timestamps that cannot be are refused one by one and in batches from outside.
func TestOddTimestampsAndKeys(t *testing.T) {
	db, c := tempStamped(t)
	long := make([]byte, engine.MaxKeySize-7)
	parsed := func(f func(b *engine.Batch)) error {
		var b engine.Batch
		f(&b)
		again, err := engine.ParseBatch(b.Repr())
		if err != nil {
			return err
		}
		return db.Write(again, nil)
	}
	other, plain := openPlainTwin(t)
	defer other.Close()
	expectErrors(t, map[string]error{
		"empty": c.PutAt(nil, 1, nil, nil), "newest": c.DeleteAt([]byte("k"), engine.Newest, nil),
		"batch": new(engine.Batch).In(c).PutAt([]byte{}, 1, nil),
		"short": parsed(func(b *engine.Batch) { b.In(plain).Put([]byte("8 bytes."), nil) }),
		"max":   parsed(func(b *engine.Batch) { b.In(plain).Put([]byte("k\xff\xff\xff\xff\xff\xff\xff\xff"), nil) }),
	}, engine.ErrInvalidArgument, "")
	expectErrors(t, map[string]error{"long": c.PutAt(long, 1, nil, nil)}, engine.ErrTooLarge, "")
	expectErrors(t, map[string]error{
		"range": parsed(func(b *engine.Batch) { b.In(plain).DeleteRange([]byte("a12345678"), []byte("b12345678")) }),
	}, engine.ErrUnsupported, "ranges")
	if _, err := c.At(3).Get(nil, nil); err != engine.ErrNotFound {
		t.Errorf("an empty key: %v", err)
	}
	err := parsed(func(b *engine.Batch) { b.In(plain).Put([]byte("k\x07\x00\x00\x00\x00\x00\x00\x00"), []byte("v")) })
	v, at, gerr := c.At(9).GetVersion([]byte("k"), nil)
	if err != nil || gerr != nil || string(v) != "v" || at != 7 {
		t.Errorf("a batch from outside: %v, %v, %q of %d", err, gerr, v, at)
	}
	var b engine.Batch
	b.In(c).PutAt([]byte("k"), 1<<40, []byte("w"))
	for r := range b.Records() {
		if k, at, err := engine.SplitTimestamp(r.Key); string(k) != "k" || at != 1<<40 || err != nil {
			t.Errorf("%q of %d, %v", k, at, err)
		}
	}
	if _, _, err := engine.SplitTimestamp([]byte("8 bytes.")); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Error(err)
	}
}

// openPlainTwin opens a database whose family t has the number that openStamped's has, and no timestamps.
func openPlainTwin(t *testing.T) (*engine.DB, *engine.ColumnFamily) {
	db := openDir(t, filepath.Join(t.TempDir(), "twin"), &engine.Options{Families: map[string]engine.FamilyOptions{"t": {}}})
	return db, db.ColumnFamilies()[1]
}

// The comparator that the database has decides whether there are timestamps.
func TestTimestampsAreForEver(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, c := openStamped(t, dir)
	if err := errors.Join(c.PutAt([]byte("k"), 5, []byte("v"), nil), c.RaiseHistory(3), db.Close()); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]engine.FamilyOptions{"unsaid": {}, "said": {Timestamps: true}} {
		db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"t": f}})
		c := db.ColumnFamilies()[1]
		v, err := c.At(5).Get([]byte("k"), nil)
		low, lerr := c.HistoryLow()
		if err := errors.Join(err, lerr, db.Close()); err != nil || string(v) != "v" || low != 3 {
			t.Errorf("%s: %q, history from %d, %v", name, v, low, err)
		}
	}
	open := func(o engine.Options) error {
		db, err := engine.Open(dir, &o)
		if err == nil {
			db.Close()
		}
		return err
	}
	expectErrors(t, map[string]error{
		"another order":  open(engine.Options{Families: map[string]engine.FamilyOptions{"t": {Comparator: engine.ReverseBytewise}}}),
		"a filter":       open(engine.Options{Families: map[string]engine.FamilyOptions{"t": {CompactionFilter: engine.TTLFilter}}}),
		"added later":    open(engine.Options{FamilyOptions: engine.FamilyOptions{Timestamps: true}}),
		"prefix by name": open(engine.Options{Families: map[string]engine.FamilyOptions{"t": {Extra: "prefix_extractor=fixed:1"}}}),
	}, engine.ErrInvalidArgument, "")

	ro := openDir(t, dir, &engine.Options{ReadOnly: true})
	defer ro.Close()
	c = ro.ColumnFamilies()[1]
	v, at, err := c.At(engine.Newest).GetVersion([]byte("k"), nil)
	if err != nil || string(v) != "v" || at != 5 {
		t.Errorf("read only: %q of %d, %v", v, at, err)
	}
	if _, err := c.At(2).Get([]byte("k"), nil); !errors.Is(err, engine.ErrNoHistory) {
		t.Errorf("read only, before the history: %v", err)
	}
	if err := c.RaiseHistory(9); !errors.Is(err, engine.ErrReadOnly) {
		t.Error(err)
	}
}

// A raised history stays raised, refuses reads and lets iterators go on that were there before.
func TestHistoryBeginsLaterAfterARaise(t *testing.T) {
	_, c := tempStamped(t)
	k := []byte("k")
	for at := uint64(1); at <= 5; at++ {
		if err := c.PutAt(k, at, fmt.Append(nil, "v", at), nil); err != nil {
			t.Fatal(err)
		}
	}
	it, err := c.At(2).NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	if err := errors.Join(c.RaiseHistory(4), c.RaiseHistory(4), c.Compact(context.Background(), nil, nil)); err != nil {
		t.Fatal(err)
	}
	expectErrors(t, map[string]error{"lower": c.RaiseHistory(3)}, engine.ErrInvalidArgument, "begins at timestamp 4")
	if !it.First() || string(it.Value()) != "v2" || it.Timestamp() != 2 {
		t.Errorf("an iterator of before: %q of %d, %v", it.Value(), it.Timestamp(), it.Error())
	}
	versions, done := c.At(5).Versions(3, nil)
	for range versions {
		t.Error("a version of before the history")
	}
	expectErrors(t, map[string]error{"refresh": it.Refresh(), "versions": done()}, engine.ErrNoHistory, "begins at timestamp 4")
	for at, want := range map[uint64]string{4: "v4", 5: "v5", engine.Newest: "v5"} {
		if v, err := c.At(at).Get(k, nil); string(v) != want || err != nil {
			t.Errorf("as of %d: %q, %v", at, v, err)
		}
	}
}

// RocksDB's own iterator passes over versions behind many writes of one key and timestamp.
func TestVersionsBehindManyWritesOfOneTimestamp(t *testing.T) {
	_, c := tempStamped(t)
	var want []string
	for _, key := range []string{"a", "b"} {
		for _, at := range []uint64{0, 2, 3} {
			for n := range 30 {
				if err := c.PutAt([]byte(key), at, fmt.Append(nil, n), nil); err != nil {
					t.Fatal(err)
				}
			}
			want = append(want, fmt.Sprintf("%s@%d=29", key, at))
		}
	}
	slices.Reverse(want[:3])
	slices.Reverse(want[3:])
	for _, o := range []*engine.IterOptions{nil, {Limit: 4}, {KeysOnly: true}} {
		var got []string
		versions, done := c.At(9).Versions(0, o)
		for v := range versions {
			if o != nil && o.KeysOnly {
				v.Value = []byte("29")
			}
			got = append(got, fmt.Sprintf("%s@%d=%s", v.Key, v.Timestamp, v.Value))
		}
		most := len(want)
		if o != nil && o.Limit > 0 {
			most = o.Limit
		}
		if done() != nil || !slices.Equal(got, want[:most]) {
			t.Errorf("%+v: %v, want %v; %v", o, got, want[:most], done())
		}
	}
}

// Large versions, and a loop that is left early.
func TestVersionsLargerThanTheirBuffer(t *testing.T) {
	_, c := tempStamped(t)
	large := bytes.Repeat([]byte("x"), 100<<10)
	for at := range uint64(4) {
		if err := c.PutAt([]byte("k"), at, large[:len(large)/int(at+1)], nil); err != nil {
			t.Fatal(err)
		}
	}
	versions, done := c.At(3).Versions(1, nil)
	var sizes []int
	for v := range versions {
		sizes = append(sizes, len(v.Value))
	}
	if done() != nil || !slices.Equal(sizes, []int{25600, 34133, 51200}) {
		t.Errorf("%v, %v", sizes, done())
	}
	for range versions {
		break
	}
	if err := done(); err != nil {
		t.Error(err)
	}
	versions, done = c.At(3).Versions(4, nil)
	for range versions {
	}
	if err := done(); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Error(err)
	}
}

// What works on files, logs and Readers works with timestamps.
func TestTimestampsInCopiesLogsAndStreams(t *testing.T) {
	db, c := tempStamped(t)
	for at := uint64(1); at <= 3; at++ {
		if err := c.PutAt([]byte("k"), at, fmt.Append(nil, "v", at), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(c.DeleteAt([]byte("k"), 4, nil), c.PutAt([]byte("l"), 4, []byte("v4"), nil)); err != nil {
		t.Fatal(err)
	}
	// The log gives batches that another database takes.
	copyDB, copied := tempStamped(t)
	u, err := db.UpdatesSince(context.Background(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for u.Next(nil) {
		if err := copyDB.Write(u.Update().Batch, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(u.Error(), u.Close()); err != nil {
		t.Fatal(err)
	}
	state := func(c *engine.ColumnFamily) map[uint64]string {
		m := map[uint64]string{}
		for at := range uint64(6) {
			rows, done := engine.Scan(c.At(at), nil)
			for k, v := range rows {
				m[at] += string(k) + "=" + string(v) + " "
			}
			if done() != nil {
				t.Fatal(done())
			}
		}
		return m
	}
	want := state(c)
	if want[3] != "k=v3 " || want[4] != "l=v4 " {
		t.Fatalf("%v", want)
	}
	if got := state(copied); !maps.Equal(got, want) {
		t.Errorf("from the log: %v, want %v", got, want)
	}
	dir := filepath.Join(t.TempDir(), "checkpoint")
	if err := db.Checkpoint(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	again, c2 := openStamped(t, dir)
	if got := state(c2); !maps.Equal(got, want) {
		t.Errorf("a checkpoint: %v, want %v", got, want)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	// As of a timestamp rows leave for a family without.
	def := db.ColumnFamilies()[0]
	if rows, _, err := engine.CopyRange(nil, c.At(2), nil, def, nil); rows != 1 || err != nil {
		t.Errorf("copied %d rows, %v", rows, err)
	}
	if v, err := def.Get([]byte("k"), nil); string(v) != "v2" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	var stream bytes.Buffer
	if _, err := engine.Export(context.Background(), c.At(4), nil, &stream, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := def.Import(context.Background(), &stream, nil); err != nil {
		t.Fatal(err)
	}
	if v, err := def.Get([]byte("l"), nil); string(v) != "v4" || err != nil {
		t.Errorf("imported: %q, %v", v, err)
	}
}
