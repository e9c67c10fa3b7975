package engine_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func TestAnEmptyBatchIsAsGoodAsNone(t *testing.T) {
	db := openTemp(t, nil)
	var zero engine.Batch
	made := db.NewBatch()
	var none *engine.DB
	if n := cgoCalls(func() { db.NewBatch(); none.NewBatch() }); n != 0 {
		t.Errorf("NewBatch: %d calls into C", n)
	}
	before := db.LatestSequence()
	for name, b := range map[string]*engine.Batch{"zero": &zero, "made": made, "without a database": none.NewBatch()} {
		if b.Size() != 12 || b.Count() != 0 || !bytes.Equal(b.Repr(), make([]byte, 12)) {
			t.Errorf("%s: size %d, count %d, %x", name, b.Size(), b.Count(), b.Repr())
		}
		for r := range b.Records() {
			t.Errorf("%s: has %v", name, r)
		}
		if err := db.Write(b, engine.Sync); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := db.LatestSequence(); after != before {
		t.Errorf("the sequence went from %d to %d", before, after)
	}
}

func TestABatchIsAppliedWholeOverItsFamilies(t *testing.T) {
	r, _ := seededRand(t, "batch.seed", *batchSeed)
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	ids := []uint32{0}
	for id := range families {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	model := modelDB{}
	b := db.NewBatch()
	for round := range 300 {
		b.Reset()
		var want []engine.Record
		for range r.IntN(40) {
			rec := randomRecord(r, ids)
			if err := add(b, families, rec); err != nil {
				t.Fatal(err)
			}
			want = append(want, rec)
			model.apply(rec)
		}
		expectRecords(t, "built", b, want)
		before := db.LatestSequence()
		if err := db.Write(b, nil); err != nil {
			t.Fatal(err)
		}
		if n := db.LatestSequence() - before; n != uint64(b.Count()) {
			t.Fatalf("round %d: the sequence moved by %d for %d records", round, n, b.Count())
		}
		expectRecords(t, "after Write", b, want)
		for _, id := range ids {
			expectModel(t, "after Write", readerOf(db, families, id), model.family(id))
		}
	}
}

func TestReprAndParseBatchAreInverse(t *testing.T) {
	r, _ := seededRand(t, "batch.seed", *batchSeed)
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	ids := []uint32{0, 1, 2}
	for range 200 {
		var b engine.Batch
		var want []engine.Record
		for range r.IntN(30) {
			rec := randomRecord(r, ids)
			if err := add(&b, families, rec); err != nil {
				t.Fatal(err)
			}
			want = append(want, rec)
		}
		outside := bytes.Clone(b.Repr())
		p, err := engine.ParseBatch(outside)
		if err != nil {
			t.Fatal(err)
		}
		clear(outside) // it was copied
		expectRecords(t, "parsed", p, want)
		if !bytes.Equal(p.Repr(), b.Repr()) {
			t.Fatalf("%x became %x", b.Repr(), p.Repr())
		}
		more := engine.Record{Kind: engine.KindPut, Key: []byte("more"), Value: []byte{}}
		if err := add(p, nil, more); err != nil {
			t.Fatal(err)
		}
		expectRecords(t, "parsed and longer", p, append(want, more))
		if err := db.Write(p, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParseBatchSaysWhatIsWrong(t *testing.T) {
	var b engine.Batch
	b.Put([]byte("key"), []byte("value"))
	good := b.Repr()
	inverted := append(bytes.Clone(good[:12]), 0x0F, 1, 'b', 1, 'a')
	longKey := append(bytes.Clone(good[:12]), 0x00, 0x81, 0x80, 0x80, 0x04) // a key of 8 MiB + 1
	longKey = append(longKey, make([]byte, engine.MaxKeySize+1)...)
	for _, c := range []struct {
		what   string
		repr   []byte
		target error
	}{
		{"nil", nil, engine.ErrCorruption},
		{"half a header", good[:11], engine.ErrCorruption},
		{"a cut record", good[:len(good)-1], engine.ErrCorruption},
		{"a wrong count", append(append(make([]byte, 8), 9), good[9:]...), engine.ErrCorruption},
		{"an unknown tag", append(bytes.Clone(good), 0x77), engine.ErrCorruption},
		{"an inverted range", inverted, engine.ErrCorruption},
		{"a long key", longKey, engine.ErrTooLarge},
		{"a long batch", addressSpace(t, engine.MaxBatchSize+1), engine.ErrTooLarge},
	} {
		p, err := engine.ParseBatch(c.repr)
		expectError(t, c.what, err, c.target)
		if p != nil {
			t.Errorf("%s: gave a batch", c.what)
		}
	}
	if _, err := engine.ParseBatch(good); err != nil {
		t.Error(err)
	}
}

func TestWriteLeavesTheBatchAsItWas(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: adding})
	var b engine.Batch
	b.Merge([]byte("sum"), uint64le(3))
	b.Put([]byte("k"), []byte("v"))
	before := bytes.Clone(b.Repr())
	for range 5 {
		if err := db.Write(&b, nil); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Repr(), before) {
			t.Fatalf("%x became %x", before, b.Repr())
		}
	}
	expectRows(t, "after five writes", db, map[string]string{"sum": string(uint64le(15)), "k": "v"})
}

func TestABatchNeedsNoOpenDatabase(t *testing.T) {
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b := db.NewBatch()
	rec := engine.Record{Kind: engine.KindPut, Family: 1, Key: []byte("k"), Value: []byte("v")}
	if err := add(b, families, rec); err != nil {
		t.Fatal(err)
	}
	expectRecords(t, "built after Close", b, []engine.Record{rec})
	if err := db.Write(b, nil); err != engine.ErrClosed {
		t.Errorf("Write: %v", err)
	}
	other := openTemp(t, nil)
	expectError(t, "written to another database", other.Write(b, nil), engine.ErrInvalidArgument)
	b.Reset()
	b.Put([]byte("k"), []byte("v"))
	if err := other.Write(b, nil); err != nil {
		t.Error(err)
	}
}

// refusals are records that a batch does not take, in the batch itself or in a view of it.
func refusals(foreign, plain *engine.ColumnFamily) map[string]struct {
	target error
	add    func(b *engine.Batch) error
} {
	type refusal = struct {
		target error
		add    func(b *engine.Batch) error
	}
	long, k := make([]byte, engine.MaxKeySize+1), []byte("k")
	return map[string]refusal{
		"put long key":           {engine.ErrTooLarge, func(b *engine.Batch) error { return b.Put(long, k) }},
		"delete long key":        {engine.ErrTooLarge, func(b *engine.Batch) error { return b.Delete(long) }},
		"single delete long key": {engine.ErrTooLarge, func(b *engine.Batch) error { return b.SingleDelete(long) }},
		"merge long key":         {engine.ErrTooLarge, func(b *engine.Batch) error { return b.Merge(long, k) }},
		"range long start":       {engine.ErrTooLarge, func(b *engine.Batch) error { return b.DeleteRange(long, k) }},
		"range long end":         {engine.ErrTooLarge, func(b *engine.Batch) error { return b.DeleteRange(nil, long) }},
		"range without end":      {engine.ErrInvalidArgument, func(b *engine.Batch) error { return b.DeleteRange(k, nil) }},
		"range of nothing":       {engine.ErrInvalidArgument, func(b *engine.Batch) error { return b.DeleteRange(nil, nil) }},
		"inverted range":         {engine.ErrInvalidArgument, func(b *engine.Batch) error { return b.DeleteRange(k, []byte("a")) }},
		"no savepoint":           {engine.ErrInvalidArgument, func(b *engine.Batch) error { return b.RollbackToSavepoint() }},
		"append nil":             {engine.ErrInvalidArgument, func(b *engine.Batch) error { return b.Append(nil) }},
		"append a refused one": {engine.ErrTooLarge, func(b *engine.Batch) error {
			var bad engine.Batch
			bad.Put(long, k)
			return b.Append(&bad)
		}},
		"append of another database": {engine.ErrInvalidArgument, func(b *engine.Batch) error {
			var other engine.Batch
			other.In(foreign).Put(k, k)
			return b.Append(&other)
		}},
		"family of another database": {engine.ErrInvalidArgument, func(b *engine.Batch) error { return b.In(foreign).Put(k, k) }},
		"merge without an operator":  {engine.ErrInvalidArgument, func(b *engine.Batch) error { return b.In(plain).Merge(k, k) }},
		"nil family":                 {engine.ErrClosed, func(b *engine.Batch) error { return b.In(nil).Put(k, k) }},
		"zero family":                {engine.ErrClosed, func(b *engine.Batch) error { return b.In(new(engine.ColumnFamily)).Delete(k) }},
	}
}

func TestARefusedRecordFailsTheWholeBatch(t *testing.T) {
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"plain": {}}})
	foreign := openTemp(t, nil).ColumnFamilies()[0]
	plain, err := db.ColumnFamily("plain")
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range refusals(foreign, plain) {
		b := db.NewBatch()
		b.In(plain).Put([]byte("first"), []byte("v"))
		before, records := bytes.Clone(b.Repr()), slices.Collect(b.Records())
		err := c.add(b)
		expectError(t, what, err, c.target)
		if !bytes.Equal(b.Repr(), before) || b.Count() != 1 || b.Size() != len(before) {
			t.Errorf("%s: the batch changed from %x to %x", what, before, b.Repr())
		}
		expectRecords(t, what, b, records)
		if err := b.Put([]byte("later"), nil); err != nil {
			t.Errorf("%s: a good record afterwards: %v", what, err)
		}
		expectError(t, what+": Write", db.Write(b, nil), c.target)
		expectError(t, what+": Write again", db.Write(b, nil), c.target)
		expectRows(t, what, db, map[string]string{})
		expectRows(t, what, plain, map[string]string{})
		b.Reset()
		b.Put([]byte("k"), nil)
		b.Delete([]byte("k"))
		if err := db.Write(b, nil); err != nil {
			t.Errorf("%s: after Reset: %v", what, err)
		}
	}
}

func TestViewsAreTheSameBatch(t *testing.T) {
	db, families := openFamilies(t, filepath.Join(t.TempDir(), "db"))
	defer db.Close()
	def := db.ColumnFamilies()[0]
	b := db.NewBatch()
	one, two := b.In(families[1]), b.In(families[2])
	if one == b || one == two || b.In(families[1]) != one || two.In(families[1]) != one || one.In(families[1]) != one {
		t.Error("In gives another view each time")
	}
	var want []engine.Record
	for round := range 3 {
		for _, v := range []struct {
			b  *engine.Batch
			id uint32
		}{{one, 1}, {b, 0}, {two, 2}, {b.In(def), 0}, {one.In(def), 0}, {two.In(families[1]), 1}} {
			rec := engine.Record{Kind: engine.KindPut, Family: v.id, Key: []byte{byte(round)}, Value: []byte{}}
			if err := v.b.Put(rec.Key, rec.Value); err != nil {
				t.Fatal(err)
			}
			want = append(want, rec)
			for _, same := range []*engine.Batch{b, one, two, b.In(def)} {
				expectRecords(t, "every view", same, want)
			}
		}
		if err := db.Write(two, nil); err != nil { // a view stands for the whole
			t.Fatal(err)
		}
		expectRows(t, "family one", families[1], map[string]string{string([]byte{byte(round)}): ""})
		for _, c := range append(db.ColumnFamilies(), def) {
			if err := c.Delete([]byte{byte(round)}, nil); err != nil {
				t.Fatal(err)
			}
		}
		one.Reset()
		want = nil
		expectRecords(t, "after a view's Reset", b, nil)
	}
}
