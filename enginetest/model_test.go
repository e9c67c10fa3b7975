package enginetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// filled is a database and its model, with the rows 010 to 019.
func filled(t testing.TB) (*engine.DB, *Model) {
	t.Helper()
	db, model := Open(t, nil), NewModel(nil)
	for i := range 10 {
		k := fmt.Appendf(nil, "%03d", 10+i)
		check(t, errors.Join(db.Put(k, k, nil), model.Put(k, k)))
	}
	return db, model
}

func TestTheModelFindsRowsThatDiffer(t *testing.T) {
	for _, key := range []string{"010", "014", "019"} {
		db, model := filled(t)
		model.Check(t, db)
		check(t, db.Put([]byte(key), []byte("other"), nil))
		mustFail(t, func(t testing.TB) { model.Check(t, db) }, `the value of "`+key+`" is "other"`)
		check(t, db.Put([]byte(key), nil, nil))
		mustFail(t, func(t testing.TB) { model.Check(t, db) }, `the value of "`+key+`" is ""`)
		check(t, db.Delete([]byte(key), nil))
		mustFail(t, func(t testing.TB) { model.Check(t, db) }, `the row "`+key+`" is missing`)
	}
	for _, key := range []string{"", "010\x00", "0145", "9"} {
		db, model := filled(t)
		check(t, db.Put([]byte(key), nil, nil))
		mustFail(t, func(t testing.TB) { model.Check(t, db) }, "extra row "+show(key))
	}
	empty := Open(t, nil)
	NewModel(nil).Check(t, empty)
	_, model := filled(t)
	mustFail(t, func(t testing.TB) { model.Check(t, empty) }, `"010" is missing`)
	check(t, empty.Close())
	mustFail(t, func(t testing.TB) { model.Check(t, empty) }, "closed")
}

// liar is a Reader that is wrong in one way, chosen by its functions.
type liar struct {
	engine.Reader
	get  func(key, value []byte, err error) ([]byte, error)
	has  func(key []byte, has bool) bool
	iter func(o engine.IterOptions) *engine.IterOptions
}

func (l *liar) Get(key []byte, o *engine.ReadOptions) ([]byte, error) {
	v, err := l.Reader.Get(key, o)
	if l.get == nil {
		return v, err
	}
	return l.get(key, v, err)
}

func (l *liar) Has(key []byte, o *engine.ReadOptions) (bool, error) {
	has, err := l.Reader.Has(key, o)
	if l.has == nil {
		return has, err
	}
	return l.has(key, has), err
}

func (l *liar) NewIter(o *engine.IterOptions) (*iterator.Iterator, error) {
	var copied engine.IterOptions
	if o != nil {
		copied = *o
	}
	if l.iter == nil {
		return l.Reader.NewIter(&copied)
	}
	return l.Reader.NewIter(l.iter(copied))
}

func TestTheModelFindsReadsThatAreWrong(t *testing.T) {
	db, model := filled(t)
	lies := map[string]*liar{
		"get of": {get: func(key, v []byte, err error) ([]byte, error) {
			if string(key) == "015" {
				return nil, engine.ErrNotFound
			}
			return v, err
		}},
		`get of "019\x00", which is not there`: {get: func(key, v []byte, err error) ([]byte, error) {
			if string(key) == "019\x00" {
				return []byte("x"), nil
			}
			return v, err
		}},
		`the value of "012" is nil`: {get: func(key, v []byte, err error) ([]byte, error) {
			if string(key) == "012" {
				return nil, nil
			}
			return v, err
		}},
		`has of "013"`:   {has: func(key []byte, has bool) bool { return has && string(key) != "013" }},
		`has of "0"`:     {has: func(key []byte, has bool) bool { return has || string(key) == "0" }},
		"in the part":    {iter: func(o engine.IterOptions) *engine.IterOptions { o.UpperBound = nil; return &o }},
		"forward: the r": {iter: func(o engine.IterOptions) *engine.IterOptions { o.Limit = 9; return &o }},
		"the value":      {iter: func(o engine.IterOptions) *engine.IterOptions { o.ValuesUpTo = 2; return &o }},
		"is nil, want":   {iter: func(o engine.IterOptions) *engine.IterOptions { o.KeysOnly = true; return &o }},
	}
	for words, l := range lies {
		l.Reader = db
		mustFail(t, func(t testing.TB) { model.Check(t, l) }, words)
	}
	mustPass(t, func(t testing.TB) { model.Check(t, &liar{Reader: db}) })
}

// Each way to compare is enough by itself for what it is there for.
func TestEachComparisonFindsWhatDiffers(t *testing.T) {
	db, model := filled(t)
	over := func(f func(it *iterator.Iterator, want []pair) error) func(r engine.Reader, want []pair) error {
		return func(r engine.Reader, want []pair) error {
			return withIter(r, nil, func(it *iterator.Iterator) error { return f(it, want) })
		}
	}
	comparisons := map[string]func(r engine.Reader, want []pair) error{
		"all": walkAll, "backward": over(walkBack), "chunks": over(walkChunks), "parts": walkParts, "seeks": seek, "count": count,
		"lookups": lookUp,
	}
	rows := model.sorted()
	for name, compare := range comparisons {
		if err := compare(db, rows); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i := range rows {
			extra := slices.Delete(slices.Clone(rows), i, i+1)
			missing := slices.Insert(slices.Clone(rows), i, pair{rows[i].key[:2] + "\x00", "x"})
			wrong := slices.Clone(rows)
			wrong[i].value = "xxx"
			slices.SortFunc(missing, func(a, b pair) int { return strings.Compare(a.key, b.key) })
			if compare(db, extra) == nil && name != "lookups" && !(name == "parts" && (i == 0)) {
				t.Errorf("%s: the extra row %d is not found", name, i)
			}
			if compare(db, missing) == nil {
				t.Errorf("%s: the missing row %d is not found", name, i)
			}
			if compare(db, wrong) == nil && name != "count" { // as long as before
				t.Errorf("%s: the wrong value of row %d is not found", name, i)
			}
		}
	}
}

func TestApplyDoesWhatABatchDoesToAFamily(t *testing.T) {
	o := &engine.Options{
		FamilyOptions: engine.FamilyOptions{MergeOperator: engine.AppendDelimited("")},
		Families:      map[string]engine.FamilyOptions{"other": {}},
	}
	db := Open(t, o)
	other, err := db.ColumnFamily("other")
	check(t, err)
	first, second := NewModel(appendTo), NewModel(nil)
	b := db.NewBatch()
	for i := range 20 {
		check(t, b.Put(fmt.Appendf(nil, "%02d", i), []byte("v")))
		check(t, b.In(other).Put(fmt.Appendf(nil, "%02d", i), nil))
	}
	check(t, errors.Join(b.Merge([]byte("03"), []byte("w")), b.Merge([]byte("99"), []byte("x")), b.Delete([]byte("04"))))
	check(t, errors.Join(b.DeleteRange([]byte("05"), []byte("07")), b.In(other).SingleDelete([]byte("01")), b.LogData([]byte("z"))))
	check(t, errors.Join(db.Write(b, nil), first.Apply(b, nil), second.Apply(b, other)))
	first.Check(t, db)
	second.Check(t, other)
	if v, err := first.Get([]byte("03")); string(v) != "vw" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	snapshot := first.Clone()
	if err := second.Apply(b, nil); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("a merge without a function: %v", err)
	}
	second.Check(t, other)
	check(t, first.DeleteRange(nil, []byte("z")))
	if first.Len() != 0 || snapshot.Len() != 18 {
		t.Errorf("%d and %d rows", first.Len(), snapshot.Len())
	}
	for _, end := range [][]byte{nil, []byte("a")} {
		if err := first.DeleteRange([]byte("b"), end); !errors.Is(err, engine.ErrInvalidArgument) {
			t.Error(err)
		}
	}
	for key, value := range snapshot.Rows() {
		check(t, first.Put(key, value))
	}
	first.Check(t, db)
}

func appendTo(old, operand []byte) []byte { return append(old, operand...) }
