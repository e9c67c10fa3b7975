package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// newIndexed makes an indexed batch that the test's end closes.
func newIndexed(t testing.TB, db *engine.DB) *engine.IndexedBatch {
	t.Helper()
	b, err := db.NewIndexedBatch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// addingAndPlain is the options of a database that merges, with a family that does not.
func addingAndPlain() *engine.Options {
	return &engine.Options{
		FamilyOptions: adding,
		Families:      map[string]engine.FamilyOptions{"plain": {}},
	}
}

// staged is what a reader shows: "a=1 b=2".
func staged(t testing.TB, r engine.Reader) string {
	t.Helper()
	var out []string
	rows, done := engine.Scan(r, nil)
	for key, value := range rows {
		out = append(out, fmt.Sprintf("%s=%s", key, value))
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func iterRows(it *iterator.Iterator) string {
	var out []string
	for key, value := range it.All() {
		out = append(out, fmt.Sprintf("%s=%s", key, value))
	}
	return strings.Join(out, " ")
}

func expectText(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// The database does not show the batch before Commit, which leaves the batch as it is.
func TestAnIndexedBatchIsSeenByItselfAloneUntilItIsCommitted(t *testing.T) {
	db := openTemp(t, nil)
	b := newIndexed(t, db)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(db.Put([]byte("a"), []byte("1"), nil))
	must(b.Put([]byte("b"), []byte("2")))
	must(b.Delete([]byte("a")))
	expectText(t, "the database", staged(t, db), "a=1")
	expectText(t, "the batch", staged(t, b), "b=2")
	must(db.Put([]byte("c"), []byte("3"), nil))
	must(db.Put([]byte("a"), []byte("4"), nil))
	expectText(t, "the batch, of a changed database", staged(t, b), "b=2 c=3")
	must(b.Commit(nil))
	expectText(t, "the database after Commit", staged(t, db), "b=2 c=3")
	if b.Count() != 2 {
		t.Errorf("%d records after Commit", b.Count())
	}
	must(db.Put([]byte("b"), []byte("5"), nil))
	expectText(t, "the batch after Commit", staged(t, b), "b=2 c=3")
	b.Reset()
	expectText(t, "the batch after Reset", staged(t, b), "b=5 c=3")
}

// A large value is copied out of each place that may hold it.
func TestAnIndexedBatchReadsValuesOfAnySize(t *testing.T) {
	db := openTemp(t, addingAndPlain())
	b := newIndexed(t, db)
	if err := b.Merge([]byte("sum"), uint64le(1)); err != nil {
		t.Fatal(err)
	}
	for _, size := range valueSizes {
		value := bytes.Repeat([]byte("v"), size)
		below, above := fmt.Appendf(nil, "below %d", size), fmt.Appendf(nil, "above %d", size)
		if err := errors.Join(db.Put(below, value, nil), b.Put(above, value)); err != nil {
			t.Fatal(err)
		}
		for _, key := range [][]byte{below, above} {
			got, err := b.Get(key, nil)
			if err != nil || !bytes.Equal(got, value) || got == nil {
				t.Errorf("Get of %s: %d bytes, %v", key, len(got), err)
			}
			got, err = b.GetAppend([]byte("x"), key, nil)
			if err != nil || string(got) != "x"+string(value) {
				t.Errorf("GetAppend of %s: %d bytes, %v", key, len(got), err)
			}
			err = b.GetPinned(key, nil, func(lent []byte) error {
				if !bytes.Equal(lent, value) {
					t.Errorf("GetPinned of %s: %d bytes", key, len(lent))
				}
				return b.Put([]byte("within"), nil) // the batch may be used meanwhile
			})
			if err != nil {
				t.Errorf("GetPinned of %s: %v", key, err)
			}
		}
	}
	if got, err := b.GetAppend(make([]byte, 0, 7), []byte("sum"), nil); err != nil || !bytes.Equal(got, uint64le(1)) {
		t.Errorf("GetAppend of a sum, with too little room: %v, %v", got, err)
	}
	if got, err := b.GetAppend(nil, []byte("within"), nil); err != nil || got == nil || len(got) > 0 {
		t.Errorf("GetAppend of an empty value to nil: %v, %v", got, err)
	}
	failure := errors.New("mine")
	if err := b.GetPinned([]byte("sum"), nil, func([]byte) error { return failure }); err != failure {
		t.Errorf("GetPinned hands on %v", err)
	}
}

func TestAnIteratorOverAnIndexedBatchStaysAsItWas(t *testing.T) {
	db := openTemp(t, nil)
	b := newIndexed(t, db)
	put := func(key, value string) {
		t.Helper()
		if err := b.Put([]byte(key), []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	put("b", "1")
	first, err := b.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	put("a", "2")
	put("b", "2")
	put("c", "2")
	second, err := b.NewIter(&engine.IterOptions{UpperBound: []byte("c")})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	put("b", "3")
	if err := db.Put([]byte("d"), nil, nil); err != nil {
		t.Fatal(err)
	}
	staged(t, b) // takes the records into the index
	expectText(t, "the first", iterRows(first), "b=1")
	expectText(t, "the second", iterRows(second), "a=2 b=2")
	if err := second.Refresh(); err != nil {
		t.Fatal(err)
	}
	expectText(t, "the second, refreshed", iterRows(second), "a=2 b=3")
	b.Reset()
	put("e", "4")
	expectText(t, "the first after Reset", iterRows(first), "b=1")
	expectText(t, "the second after Reset", iterRows(second), "a=2 b=3")
	if err := first.Refresh(); err != nil {
		t.Fatal(err)
	}
	expectText(t, "the first, refreshed after Reset", iterRows(first), "d= e=4")
	b.Close()
	expectText(t, "the first after Close", iterRows(first), "d= e=4")
	if err := first.Refresh(); err != engine.ErrClosed {
		t.Errorf("Refresh after the batch's Close: %v", err)
	}
	expectText(t, "the first after a Refresh that failed", iterRows(first), "d= e=4")
}

func TestAnIndexedBatchRollsBackWhatItsIndexHas(t *testing.T) {
	db := openTemp(t, nil)
	b := newIndexed(t, db)
	value := bytes.Repeat([]byte("v"), 1000)
	before := runtime.NumCgoCall()
	for round := range 500 { // far more is rolled back than the index may keep
		key := fmt.Appendf(nil, "%d", round%3)
		b.SetSavepoint()
		if err := errors.Join(b.Put(key, value), b.DeleteRange([]byte("x"), []byte("z"))); err != nil {
			t.Fatal(err)
		}
		if there, err := b.Has(key, nil); !there || err != nil {
			t.Fatalf("round %d: %v, %v", round, there, err)
		}
		if err := b.RollbackToSavepoint(); err != nil {
			t.Fatal(err)
		}
		if there, err := b.Has(key, nil); there || err != nil {
			t.Fatalf("round %d, rolled back: %v, %v", round, there, err)
		}
	}
	if calls := runtime.NumCgoCall() - before; calls < 1001+2*3 {
		t.Errorf("%d calls for 1000 reads: the index was not built anew", calls)
	}
	if err := b.RollbackToSavepoint(); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("a rollback too many: %v", err)
	}
	if err := b.Commit(nil); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("Commit after a refused rollback: %v", err)
	}
}

// What an indexed batch refuses, and what follows from it.
func TestAnIndexedBatchRefusesWhatCommitWould(t *testing.T) {
	db, other := openTemp(t, addingAndPlain()), openTemp(t, nil)
	plain, err := db.ColumnFamily("plain")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := other.ColumnFamily("default")
	if err != nil {
		t.Fatal(err)
	}
	foreign, unknown, merging := new(engine.Batch), new(engine.Batch), new(engine.Batch)
	foreign.In(elsewhere).Put(nil, nil)
	merging.In(plain).Put(nil, nil)
	parsed, err := engine.ParseBatch(append(append([]byte{}, make([]byte, 8)...), 1, 0, 0, 0, 6, byte(plain.ID()), 1, 'k', 8, 0, 0, 0, 0, 0, 0, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	refusing := new(engine.Batch)
	refusing.DeleteRange(nil, nil)
	unknown, err = engine.ParseBatch([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, 99, 1, 'k'})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		want error
		do   func(b *engine.IndexedBatch) error
	}{
		"a key too large": {engine.ErrTooLarge, func(b *engine.IndexedBatch) error {
			return b.Put(make([]byte, engine.MaxKeySize+1), nil)
		}},
		"a merge without an operator": {engine.ErrInvalidArgument, func(b *engine.IndexedBatch) error {
			return b.In(plain).Merge([]byte("k"), uint64le(1))
		}},
		"a family of another database": {engine.ErrInvalidArgument, func(b *engine.IndexedBatch) error {
			return b.In(elsewhere).Put(nil, nil)
		}},
		"a batch of another database": {engine.ErrInvalidArgument, func(b *engine.IndexedBatch) error { return b.Append(foreign) }},
		"a batch with an unknown family": {engine.ErrFamilyNotFound, func(b *engine.IndexedBatch) error {
			return b.Append(unknown)
		}},
		"a batch with a merge without an operator": {engine.ErrInvalidArgument, func(b *engine.IndexedBatch) error {
			return b.Append(parsed)
		}},
		"a batch that refused a record": {engine.ErrInvalidArgument, func(b *engine.IndexedBatch) error { return b.Append(refusing) }},
		"no batch":                      {engine.ErrInvalidArgument, func(b *engine.IndexedBatch) error { return b.Append(nil) }},
		"a range without an end": {engine.ErrInvalidArgument, func(b *engine.IndexedBatch) error {
			return b.DeleteRange([]byte("a"), nil)
		}},
	} {
		for range 2 {
			b := newIndexed(t, db)
			if err := b.Put([]byte("k"), uint64le(1)); err != nil {
				t.Fatal(err)
			}
			expectError(t, name, c.do(b), c.want)
			expectError(t, name+": Commit", b.Commit(nil), c.want)
			if got, err := b.Get([]byte("k"), nil); err != nil || !bytes.Equal(got, uint64le(1)) {
				t.Errorf("%s: Get after it: %v, %v", name, got, err)
			}
			if _, err := db.Get([]byte("k"), nil); err != engine.ErrNotFound {
				t.Errorf("%s: it was written: %v", name, err)
			}
			b.Reset()
			if err := b.Commit(nil); err != nil {
				t.Errorf("%s: Commit after Reset: %v", name, err)
			}
		}
	}
	// Neither Reset nor a rollback to nothing makes it forget whose batch it is.
	b := newIndexed(t, db)
	b.Put(nil, nil)
	b.Reset()
	expectError(t, "a foreign record after Reset", b.In(elsewhere).Put(nil, nil), engine.ErrInvalidArgument)
	b.Reset()
	b.SetSavepoint()
	b.Put(nil, nil)
	b.RollbackToSavepoint()
	expectError(t, "a foreign record after a rollback", b.In(elsewhere).Put(nil, nil), engine.ErrInvalidArgument)
	_, err = b.In(elsewhere).Get(nil, nil)
	expectError(t, "a read in a family of another database", err, engine.ErrInvalidArgument)
	_, err = b.In(elsewhere).NewIter(nil)
	expectError(t, "an iterator over a family of another database", err, engine.ErrInvalidArgument)
	if merging.Count() != 1 {
		t.Error("a batch was changed")
	}
}

func TestAnIndexedBatchMergesAsTheDatabaseWill(t *testing.T) {
	db := openTemp(t, addingAndPlain())
	b := newIndexed(t, db)
	for _, err := range []error{
		db.Put([]byte("a"), uint64le(5), nil), db.Merge([]byte("b"), uint64le(6), nil), db.Put([]byte("d"), uint64le(7), nil),
		b.Merge([]byte("a"), uint64le(1)), b.Merge([]byte("a"), uint64le(2)), b.Merge([]byte("b"), uint64le(3)),
		b.Merge([]byte("c"), uint64le(4)), b.Delete([]byte("d")), b.Merge([]byte("d"), uint64le(1)),
		b.Put([]byte("e"), uint64le(8)), b.Merge([]byte("e"), uint64le(1)),
		b.Merge([]byte("f"), uint64le(8)), b.DeleteRange([]byte("f"), []byte("g")), b.Merge([]byte("f"), uint64le(1)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before := staged(t, b)
	var want []string
	for i, n := range []uint64{8, 9, 4, 1, 9, 1} {
		want = append(want, fmt.Sprintf("%c=%s", 'a'+i, uint64le(n)))
	}
	expectText(t, "the batch", before, strings.Join(want, " "))
	keys, values, err := 0, 0, error(nil)
	it, err := b.NewIter(&engine.IterOptions{KeysOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range it.Backward() {
		keys, values = keys+len(key), values+len(value)
	}
	if err := it.Close(); err != nil || keys != 6 || values != 0 {
		t.Errorf("keys only: %d and %d bytes, %v", keys, values, err)
	}
	if err := b.Commit(nil); err != nil {
		t.Fatal(err)
	}
	expectText(t, "the database after Commit", staged(t, db), before)
}

// A database that is open for reading only can be read with a batch over it.
func TestAnIndexedBatchOverAReadOnlyDatabase(t *testing.T) {
	dir := t.TempDir()
	db := openDir(t, dir, nil)
	if err := errors.Join(db.Put([]byte("a"), []byte("1"), nil), db.Close()); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir, &engine.Options{ReadOnly: true})
	defer db.Close()
	b := newIndexed(t, db)
	if err := b.Put([]byte("b"), []byte("2")); err != nil {
		t.Fatal(err)
	}
	expectText(t, "the batch", staged(t, b), "a=1 b=2")
	expectError(t, "Commit", b.Commit(nil), engine.ErrReadOnly)
}

// Records may be kept, and the loop may change the batch.
func TestRecordsOfAnIndexedBatchAreACopy(t *testing.T) {
	db := openTemp(t, nil)
	b := newIndexed(t, db)
	b.Put([]byte("a"), []byte("1"))
	b.LogData([]byte("blob"))
	b.Delete([]byte("b"))
	var kept []engine.Record
	for r := range b.Records() {
		kept = append(kept, r)
		b.Reset()
		b.Put([]byte("zzzz"), []byte("zzzz"))
	}
	want := fmt.Sprint([]engine.Record{
		{Kind: engine.KindPut, Key: []byte("a"), Value: []byte("1")},
		{Kind: engine.KindLogData, Value: []byte("blob")},
		{Kind: engine.KindDelete, Key: []byte("b")},
	})
	if got := fmt.Sprint(kept); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if b.Count() != 1 || b.Size() != len(b.Repr()) {
		t.Errorf("%d records, %d bytes", b.Count(), b.Size())
	}
}

// Asked for the cache alone, an empty value of the database is no answer, and one of the batch is.
func TestCacheOnlyReadsOfAnIndexedBatch(t *testing.T) {
	o := addingAndPlain()
	o.BlockCacheSize = -1
	db := openTemp(t, o)
	b := newIndexed(t, db)
	for _, err := range []error{
		db.Put([]byte("a"), uint64le(1), nil), db.Put([]byte("e"), nil, nil), db.Flush(),
		b.Put([]byte("b"), nil), b.Merge([]byte("a"), uint64le(1)), b.Merge([]byte("c"), uint64le(1)), b.Delete([]byte("d")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	cache := &engine.ReadOptions{CacheOnly: true}
	if v, err := b.Get([]byte("b"), cache); err != nil || v == nil {
		t.Errorf("an empty value of the batch: %v, %v", v, err)
	}
	if _, err := b.Get([]byte("d"), cache); err != engine.ErrNotFound {
		t.Errorf("a deleted key: %v", err)
	}
	for _, key := range []string{"a", "e"} {
		_, err := b.Get([]byte(key), cache)
		expectError(t, "Get of "+key, err, engine.ErrWouldBlock)
	}
	_, err := b.Has([]byte("e"), cache)
	expectError(t, "Has", err, engine.ErrWouldBlock)
	if there, err := b.Has([]byte("a"), cache); !there || err != nil {
		t.Errorf("Has of a key that is merged into: %v, %v", there, err)
	}
	if v, err := b.Get([]byte("a"), nil); err != nil || !bytes.Equal(v, uint64le(2)) {
		t.Errorf("Get of a with files: %v, %v", v, err)
	}
}

// A closed one leaves nothing behind in the database, and one left open is counted.
func TestCloseCountsIndexedBatches(t *testing.T) {
	for left := range 3 {
		db := openTemp(t, nil)
		for range 10 {
			b := newIndexed(t, db)
			b.Put(nil, nil)
			b.Get(nil, nil)
			if err := errors.Join(b.Close(), b.Close()); err != nil {
				t.Error(err)
			}
		}
		if n := engine.Children(db); n != 0 {
			t.Errorf("%d handles are registered after all were closed", n)
		}
		for i := range left {
			b := newIndexed(t, db)
			b.Put(nil, nil)
			if i == 0 {
				b.Get(nil, nil)
			}
		}
		err := db.Close()
		var leak *engine.LeakError
		if !errors.As(err, &leak) {
			leak = &engine.LeakError{}
		}
		if leak.Batches != left || leak.Iterators+leak.Snapshots > 0 || (err == nil) != (left == 0) {
			t.Errorf("%d were left open: %v", left, err)
		}
	}
}
