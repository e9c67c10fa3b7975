package engine_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	goOperatorOps  = flag.Int("gooperators.ops", 1500, "operations of the model test of merge operators in Go; a third with -short")
	goOperatorSeed = flag.Uint64("gooperators.seed", 0, "their seed; 0: a new one each time")
)

// goAdd does in Go what Int64Add does in C.
func goAdd(partial bool) *engine.GoMergeOperator {
	add := func(dst, base []byte, operands [][]byte) []byte {
		if base == nil {
			base, operands = operands[0], operands[1:]
		}
		if len(base) != 8 {
			return append(dst, base...)
		}
		n := binary.LittleEndian.Uint64(base)
		for _, o := range operands {
			if len(o) == 8 {
				n += binary.LittleEndian.Uint64(o)
			}
		}
		return binary.LittleEndian.AppendUint64(dst, n)
	}
	m := &engine.GoMergeOperator{Name: "test.add", Merge: func(dst, _, base []byte, operands [][]byte) ([]byte, error) {
		return add(dst, base, operands), nil
	}}
	if partial {
		m.Partial = func(dst, _ []byte, operands [][]byte) ([]byte, bool) { return add(dst, nil, operands), true }
	}
	return m
}

// expectNoHandles checks that C has given all handles of Go values back.
func expectNoHandles(t *testing.T, before int64) {
	t.Helper()
	if n := engine.LiveHandles() - before; n != 0 {
		t.Errorf("%d handles of Go values are left", n)
	}
}

// A merge operator in Go gives what the one in C gives, however reads, flushes and compactions group.
func TestAMergeOperatorInGoDoesAsTheOneInC(t *testing.T) {
	for _, partial := range []bool{false, true} {
		t.Run(fmt.Sprintf("partial=%v", partial), func(t *testing.T) { compareGoAdd(t, partial) })
	}
}

func compareGoAdd(t *testing.T, partial bool) {
	before := engine.LiveHandles()
	r, seed := seededRand(t, "gooperators.seed", *goOperatorSeed)
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{Families: map[string]engine.FamilyOptions{
		"go": {GoMerge: goAdd(partial)}, "c": {MergeOperator: engine.Int64Add},
	}}
	db := openDir(t, dir, o)
	ops := *goOperatorOps
	if testing.Short() {
		ops /= 3
	}
	for n := range ops {
		if err := stepBoth(db, r); err != nil {
			t.Fatalf("seed %d, step %d: %v", seed, n, err)
		}
		if r.IntN(150) == 0 {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openDir(t, dir, o)
		}
	}
	if err := errors.Join(bothSame(db), db.Health(), db.Close()); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	expectNoHandles(t, before)
}

func bothFamilies(db *engine.DB) (inGo, inC *engine.ColumnFamily, err error) {
	inGo, err = db.ColumnFamily("go")
	if err == nil {
		inC, err = db.ColumnFamily("c")
	}
	return inGo, inC, err
}

// stepBoth does the same to both families.
func stepBoth(db *engine.DB, r *rand.Rand) error {
	inGo, inC, err := bothFamilies(db)
	if err != nil {
		return err
	}
	key, n := []byte{byte('a' + r.IntN(5))}, engine.EncodeInt64(r.Int64())
	switch x := r.IntN(100); {
	case x < 3:
		return errors.Join(inGo.Flush(), inC.Flush())
	case x < 5:
		return errors.Join(inGo.Compact(nil, nil, nil), inC.Compact(nil, nil, nil))
	case x < 10:
		return bothSame(db)
	case x < 15:
		return errors.Join(inGo.Delete(key, nil), inC.Delete(key, nil))
	case x < 20:
		return errors.Join(inGo.Put(key, n, nil), inC.Put(key, n, nil))
	case x < 22:
		return errors.Join(inGo.Put(key, []byte("odd"), nil), inC.Put(key, []byte("odd"), nil))
	}
	b := db.NewBatch()
	return errors.Join(b.In(inGo).Merge(key, n), b.In(inC).Merge(key, n), db.Write(b, nil))
}

// bothSame compares both families by lookups one by one, many at once, and a scan.
func bothSame(db *engine.DB) error {
	inGo, inC, err := bothFamilies(db)
	if err != nil {
		return err
	}
	want := map[string]string{}
	rows, done := engine.Scan(inC, nil)
	for k, v := range rows {
		want[string(k)] = string(v)
	}
	if err := done(); err != nil {
		return err
	}
	n := 0
	rows, done = engine.Scan(inGo, nil)
	for k, v := range rows {
		n++
		if want[string(k)] != string(v) {
			return fmt.Errorf("scan: %s is %x, want %x", k, v, want[string(k)])
		}
		if got, err := inGo.Get(k, nil); err != nil || string(got) != want[string(k)] {
			return fmt.Errorf("get: %s is %x, %v, want %x", k, got, err, want[string(k)])
		}
	}
	if err := done(); err != nil || n != len(want) {
		return fmt.Errorf("%d rows, want %d: %w", n, len(want), err)
	}
	return nil
}

// A panic in a merge fails the read, and no more: the process lives, Health names it, and other rows are read.
func TestAPanicInAMergeOperatorFailsTheRead(t *testing.T) {
	before := engine.LiveHandles()
	var sick atomic.Bool
	sick.Store(true)
	m := goAdd(false)
	sound := m.Merge
	m.Merge = func(dst, key, base []byte, operands [][]byte) ([]byte, error) {
		if sick.Load() {
			panic("out of order")
		}
		return sound(dst, key, base, operands)
	}
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{GoMerge: m}}
	db := openDir(t, dir, o)
	key := []byte("k")
	mustDo(t, db.Put(key, engine.EncodeInt64(1), nil), db.Put([]byte("z"), []byte("v"), nil), db.Health(), db.Merge(key, engine.EncodeInt64(2), nil))
	_, err := db.Get(key, nil)
	expectError(t, "get", err, engine.ErrCorruption)
	expectOperatorError(t, db.Health(), "out of order", true)
	if v, err := db.Get([]byte("z"), nil); err != nil || string(v) != "v" {
		t.Errorf("%q, %v", v, err)
	}
	_, done := engine.Scan(db, nil)
	mustDo(t, done())
	if err := db.Flush(); err == nil {
		t.Log("the flush kept the operands")
	}
	mustDo(t, db.Close())
	expectNoHandles(t, before)
	sick.Store(false)
	db = openDir(t, dir, o)
	expectRows(t, "mended", db, map[string]string{"k": string(engine.EncodeInt64(3)), "z": "v"})
	mustDo(t, db.Health(), db.Flush(), db.Compact(t.Context(), nil, nil), db.Close())
	expectNoHandles(t, before)
}

func expectOperatorError(t *testing.T, err error, says string, panicked bool) {
	t.Helper()
	var e *engine.OperatorError
	if !errors.As(err, &e) || !errors.Is(err, engine.ErrAborted) || !strings.Contains(err.Error(), says) || (e.Stack != nil) != panicked {
		t.Errorf("%v", err)
	}
}

// A merge that fails in the background loses nothing.
func TestAMergeThatFailsInAFlushLosesNothing(t *testing.T) {
	before := engine.LiveHandles()
	cause := errors.New("cannot add")
	var sick atomic.Bool
	m := goAdd(false)
	sound := m.Merge
	m.Merge = func(dst, key, base []byte, operands [][]byte) ([]byte, error) {
		if sick.Load() {
			return nil, cause
		}
		return sound(dst, key, base, operands)
	}
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{GoMerge: m}}
	db := openDir(t, dir, o)
	key := []byte("k")
	mustDo(t, db.Put(key, engine.EncodeInt64(1), nil), db.Merge(key, engine.EncodeInt64(2), nil))
	sick.Store(true)
	expectError(t, "flush", db.Flush(), engine.ErrCorruption)
	err := db.Health()
	expectOperatorError(t, err, "cannot add", false)
	if !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	mustDo(t, db.Close())
	sick.Store(false)
	db = openDir(t, dir, o)
	expectRows(t, "opened again", db, map[string]string{"k": string(engine.EncodeInt64(3))})
	mustDo(t, db.Close())
	expectNoHandles(t, before)
}

// Handles go back also where Open fails, where a family is dropped, and where a plan is not used.
func TestHandlesOfGoOperatorsGoBack(t *testing.T) {
	before := engine.LiveHandles()
	both := engine.FamilyOptions{GoMerge: goAdd(true), GoFilter: &engine.GoCompactionFilter{Name: "test.filter", New: keepAll}}
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{FamilyOptions: both, Families: map[string]engine.FamilyOptions{"f": both}}
	db := openDir(t, dir, o)
	if engine.LiveHandles() == before {
		t.Error("no handle was made")
	}
	_, err := engine.Open(dir, o)
	expectError(t, "twice", err, engine.ErrLocked)
	f, err := db.CreateColumnFamily("g", &both)
	mustDo(t, err, f.Merge([]byte("k"), engine.EncodeInt64(1), nil), f.Flush(), db.DropColumnFamily(f))
	_, err = db.CreateColumnFamily("f", &both)
	expectError(t, "create", err, engine.ErrInvalidArgument)
	mustDo(t, db.Merge([]byte("k"), engine.EncodeInt64(1), nil), db.Flush(), db.Compact(t.Context(), nil, nil), db.Close())
	expectNoHandles(t, before)
	bad := both
	bad.Extra = "no_such_option=1"
	openFails(t, "option", dir, &engine.Options{FamilyOptions: both, Families: map[string]engine.FamilyOptions{"f": bad}}, engine.ErrInvalidArgument)
	expectNoHandles(t, before)
}

func keepAll(engine.FilterContext) func(int, []byte, []byte) (engine.FilterVerdict, []byte) {
	return nil
}

// The names of operators in Go are in the OPTIONS file, and Open wants the same ones again.
func TestAnotherGoOperatorThanTheOneOnDiskIsRefused(t *testing.T) {
	filter := &engine.GoCompactionFilter{Name: "test.filter", New: keepAll}
	family := func(m *engine.GoMergeOperator, f *engine.GoCompactionFilter) *engine.Options {
		return &engine.Options{FamilyOptions: engine.FamilyOptions{GoMerge: m, GoFilter: f}}
	}
	dir := created(t, family(goAdd(true), filter))
	expectWritten(t, dir, "default", map[string]string{"merge_operator": "test.add", "compaction_filter_factory": "test.filter"})
	openFails(t, "none", dir, nil, engine.ErrUnsupported)
	openFails(t, "no filter", dir, family(goAdd(true), nil), engine.ErrUnsupported)
	openFails(t, "no merge", dir, family(nil, filter), engine.ErrUnsupported)
	other := goAdd(true)
	other.Name = "test.other"
	openFails(t, "other", dir, family(other, filter), engine.ErrUnsupported)
	openFails(t, "native", dir, &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Int64Add, GoFilter: filter}}, engine.ErrUnsupported)
	native := created(t, &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Int64Add}})
	openFails(t, "over native", native, family(goAdd(true), nil), engine.ErrInvalidArgument)
	o := family(goAdd(true), nil)
	o.CompactionFilter = engine.NoFilter
	mustDo(t, openDir(t, dir, o).Close(), openDir(t, dir, family(goAdd(true), nil)).Close())
}

func TestGoOperatorsThatCannotBeAreRefused(t *testing.T) {
	for _, name := range []string{"", "rockbridge.x", "a b", "a;b", "nullptr", "none", "uint64add", "MaxOperator", strings.Repeat("x", 256), "ä"} {
		m := goAdd(false)
		m.Name = name
		for _, f := range []engine.FamilyOptions{{GoMerge: m}, {GoFilter: &engine.GoCompactionFilter{Name: name, New: keepAll}}} {
			openFails(t, name, t.TempDir(), &engine.Options{FamilyOptions: f}, engine.ErrInvalidArgument)
		}
	}
	for _, f := range []engine.FamilyOptions{
		{GoMerge: &engine.GoMergeOperator{Name: "x"}},
		{GoFilter: &engine.GoCompactionFilter{Name: "x"}},
		{GoMerge: goAdd(false), MergeOperator: engine.Int64Add},
		{GoMerge: goAdd(false), CompactionFilter: engine.TTLFilter},
		{GoFilter: &engine.GoCompactionFilter{Name: "x", New: keepAll}, CompactionFilter: engine.NoFilter},
	} {
		openFails(t, "", t.TempDir(), &engine.Options{FamilyOptions: f}, engine.ErrInvalidArgument)
	}
}
