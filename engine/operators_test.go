package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Names of operators are in databases: they must never change.
func TestTheNamesOfOperatorsAreFixed(t *testing.T) {
	drop := engine.PrefixDrop([]byte("b/"), []byte{0}, []byte("b/"))
	for got, want := range map[string]string{
		engine.Uint64Add: "uint64add", engine.Int64Add: "rockbridge.int64.add",
		engine.Int64Max: "rockbridge.int64.max", engine.Int64Min: "rockbridge.int64.min",
		engine.AppendDelimited(""): "rockbridge.append.", engine.AppendDelimited(",\n\xff"): "rockbridge.append.2c0aff",
		engine.BoundedList(1000): "rockbridge.list.1000", engine.SetUnion: "rockbridge.set",
		engine.TTLFilter: "rockbridge.ttl", drop: "rockbridge.prefixdrop.00.622f",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestUnknownOperatorsAreRefused(t *testing.T) {
	long := strings.Repeat("x", 257)
	for _, name := range []string{
		"rockbridge", "rockbridge.int64", "rockbridge.int64.ADD", "rockbridge.append", "rockbridge.append.2",
		"rockbridge.append.2C", "rockbridge.append.zz", engine.AppendDelimited(long), "rockbridge.list.", "rockbridge.list.0",
		"rockbridge.list.01", "rockbridge.list.-1", "rockbridge.list.+1", "rockbridge.list.4294967296", "rockbridge.set.", "nullptr",
		engine.BoundedList(0), engine.TTLFilter, engine.NoFilter, "rockbridge.set\x00", "rockbridge.set;",
	} {
		expectUnknown(t, engine.FamilyOptions{MergeOperator: name}, "MergeOperator")
	}
	for _, name := range []string{
		"rockbridge.ttl.", "rockbridge.prefixdrop", engine.PrefixDrop(), engine.PrefixDrop(nil), engine.PrefixDrop([]byte("a"), []byte{}),
		"rockbridge.prefixdrop.62.61", "rockbridge.prefixdrop.61.61", "rockbridge.prefixdrop.6A", "rockbridge.prefixdrop.6", engine.SetUnion,
		engine.PrefixDrop(bytes.Repeat([]byte("a"), 40_000)), "None",
	} {
		expectUnknown(t, engine.FamilyOptions{CompactionFilter: name}, "CompactionFilter")
	}
	var many [][]byte
	for i := range 1001 {
		many = append(many, fmt.Appendf(nil, "%d/", i))
	}
	expectUnknown(t, engine.FamilyOptions{CompactionFilter: engine.PrefixDrop(many...)}, "CompactionFilter")
	for _, merge := range engine.MergeOperators() {
		expectUnknown(t, engine.FamilyOptions{MergeOperator: merge, CompactionFilter: engine.TTLFilter}, "exclude each other")
	}
	db := openTemp(t, nil)
	_, err := db.CreateColumnFamily("f", &engine.FamilyOptions{MergeOperator: "concat"})
	expectError(t, "create", err, engine.ErrInvalidArgument)
}

func expectUnknown(t *testing.T, o engine.FamilyOptions, says string) {
	t.Helper()
	e := openFails(t, o.MergeOperator+o.CompactionFilter, t.TempDir(), &engine.Options{FamilyOptions: o}, engine.ErrInvalidArgument)
	if e == nil || !strings.Contains(e.Error(), says) || len(e.Error()) > 600 {
		t.Errorf("%.100q: %v", o.MergeOperator+o.CompactionFilter, e)
	}
}

// everyOperator is a database with a family for each operator and filter, by name.
func everyOperator() map[string]engine.FamilyOptions {
	families := map[string]engine.FamilyOptions{}
	for _, m := range append(engine.MergeOperators(), engine.AppendDelimited(""), engine.AppendDelimited("; {}=:\\#\n\x00\xff")) {
		families[m] = engine.FamilyOptions{MergeOperator: m}
	}
	for _, f := range []string{engine.TTLFilter, engine.PrefixDrop([]byte("a"), []byte("; {}=:\\#\n\x00\xff"))} {
		families[f] = engine.FamilyOptions{CompactionFilter: f}
	}
	families["both"] = engine.FamilyOptions{MergeOperator: engine.Int64Add, CompactionFilter: engine.PrefixDrop([]byte("x"))}
	return families
}

// A family gets its operators back whether it is listed without them, not listed at all, or written in
// the form that later versions of RocksDB write.
func TestOperatorsComeBackFromTheOptionsFile(t *testing.T) {
	families := everyOperator()
	dir := created(t, &engine.Options{Families: families})
	listed := map[string]engine.FamilyOptions{}
	for name := range families {
		listed[name] = engine.FamilyOptions{}
	}
	for round, o := range []*engine.Options{nil, {Families: listed}, {Families: families}, {ReadOnly: true}, nil} {
		if round == 4 {
			for name, f := range families {
				if f.MergeOperator != "" && f.MergeOperator != engine.Uint64Add {
					rewriteOptions(t, dir, name, "merge_operator", "{id="+f.MergeOperator+";}")
				}
				if f.CompactionFilter != "" {
					rewriteOptions(t, dir, name, "compaction_filter_factory", "{id="+f.CompactionFilter+";}")
				}
			}
		}
		db := openDir(t, dir, o)
		for name, f := range families {
			c, err := db.ColumnFamily(name)
			if err != nil {
				t.Fatal(err)
			}
			expectOperators(t, fmt.Sprintf("round %d", round), db, c, f, o != nil && o.ReadOnly)
			if o == nil || !o.ReadOnly {
				merge, filter := f.MergeOperator, f.CompactionFilter
				if merge == engine.Uint64Add {
					merge = "UInt64AddOperator"
				}
				expectWritten(t, dir, name, map[string]string{
					"merge_operator": orNull(merge), "compaction_filter_factory": orNull(filter),
				})
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func orNull(name string) string {
	if name == "" {
		return "nullptr"
	}
	return name
}

// expectOperators checks that a family merges if it has an operator, and that its filter removes key x.
func expectOperators(t *testing.T, what string, db *engine.DB, c *engine.ColumnFamily, f engine.FamilyOptions, readOnly bool) {
	t.Helper()
	operand := engine.EncodeInt64(4) // an integer, and a list of one entry of 4 zero bytes
	if _, err := c.Get([]byte("m"), nil); readOnly && (err == nil) != (f.MergeOperator != "") {
		t.Errorf("%s: %s: %v", what, c.Name(), err)
	}
	if readOnly {
		return
	}
	for range 2 {
		if err := c.Merge([]byte("m"), operand, nil); (err == nil) != (f.MergeOperator != "") {
			t.Errorf("%s: %s merges: %v", what, c.Name(), err)
		}
	}
	if _, err := c.Get([]byte("m"), nil); (err == nil) != (f.MergeOperator != "") {
		t.Errorf("%s: %s has merged: %v", what, c.Name(), err)
	}
}

func TestAnotherMergeOperatorThanTheOneOnDiskIsRefused(t *testing.T) {
	for _, family := range []string{"default", "other"} {
		options := func(o engine.FamilyOptions) *engine.Options {
			if family == "default" {
				return &engine.Options{FamilyOptions: o}
			}
			return &engine.Options{Families: map[string]engine.FamilyOptions{"other": o}}
		}
		dir := created(t, options(engine.FamilyOptions{}))
		reopen := func(merge string) {
			t.Helper()
			db := openDir(t, dir, options(engine.FamilyOptions{MergeOperator: merge}))
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
		refuse := func(merge, before string) {
			t.Helper()
			e := openFails(t, merge, dir, options(engine.FamilyOptions{MergeOperator: merge}), engine.ErrInvalidArgument)
			if !strings.Contains(e.Error(), merge) || !strings.Contains(e.Error(), before) || e.Family != family {
				t.Errorf("%v", e)
			}
		}
		reopen(engine.BoundedList(3)) // from none to one
		reopen(engine.BoundedList(5)) // another bound
		reopen("")                    // taken over
		refuse(engine.SetUnion, engine.BoundedList(5))
		refuse(engine.Uint64Add, engine.BoundedList(5))
		refuse(engine.AppendDelimited(","), engine.BoundedList(5))
		e := openFails(t, "TTL", dir, options(engine.FamilyOptions{CompactionFilter: engine.TTLFilter}), engine.ErrInvalidArgument)
		if !strings.Contains(e.Error(), "exclude each other") {
			t.Errorf("%v", e)
		}
	}
}

func TestAMalformedOperandIsRefusedBeforeItIsWritten(t *testing.T) {
	for merge, bad := range map[string][]string{
		engine.Int64Add: {"", "1234567", "123456789"}, engine.Int64Max: {"1"}, engine.Int64Min: {"1"},
		engine.BoundedList(2): {"\x00", "\x02\x00\x00\x00a", "\x01\x00\x00\x00ab", "\xff\xff\xff\xff"},
		engine.SetUnion:       {"\x01", "\x01\x00\x00\x00b\x01\x00\x00\x00a", "\x01\x00\x00\x00a\x01\x00\x00\x00a", "\x01\x00\x00\x00"},
	} {
		db := openTemp(t, &engine.Options{
			FamilyOptions: engine.FamilyOptions{MergeOperator: merge},
			Families:      map[string]engine.FamilyOptions{"f": {MergeOperator: merge}},
		})
		f, err := db.ColumnFamily("f")
		if err != nil {
			t.Fatal(err)
		}
		key := []byte("k")
		for _, operand := range bad {
			bad := []byte(operand)
			expectError(t, merge, db.Merge(key, bad, nil), engine.ErrInvalidArgument)
			expectError(t, merge, f.Merge(key, bad, nil), engine.ErrInvalidArgument)
			expectError(t, merge, f.Writer(nil).Merge(key, bad), engine.ErrInvalidArgument)
			var aimed engine.Batch
			expectError(t, merge, aimed.In(f).Merge(key, bad), engine.ErrInvalidArgument)
			expectError(t, merge, db.Write(&aimed, nil), engine.ErrInvalidArgument)
			for what, b := range unaimed(t, f, key, bad) {
				err := db.Write(b, nil)
				expectError(t, merge+" "+what, err, engine.ErrInvalidArgument)
				if e := new(*engine.Error); !errors.As(err, e) || string((*e).Key) != "k" || (*e).Family == "" {
					t.Errorf("%s: %s: %v", merge, what, err)
				}
			}
		}
		expectRows(t, merge, db, map[string]string{})
		expectRows(t, merge, f, map[string]string{})
	}
}

// unaimed are batches that hold a malformed operand for a family that they do not know.
func unaimed(t *testing.T, f *engine.ColumnFamily, key, bad []byte) map[string]*engine.Batch {
	t.Helper()
	batch := func(fill func(b *engine.Batch) error) *engine.Batch {
		b := new(engine.Batch)
		if err := fill(b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	plain := batch(func(b *engine.Batch) error { return errors.Join(b.Put(key, bad), b.Merge(key, bad)) })
	parsed, err := engine.ParseBatch(plain.Repr())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*engine.Batch{
		"plain": plain, "parsed": parsed,
		"appended": batch(func(b *engine.Batch) error { return errors.Join(b.In(f).Put(key, nil), b.Append(plain)) }),
		"rolled back": batch(func(b *engine.Batch) error {
			return errors.Join(b.Merge(key, bad), b.SetSavepoint(), b.In(f).Put(key, nil), b.RollbackToSavepoint())
		}),
	}
}

func TestAValueThatIsNoneOfTheOperatorsStaysAsItIs(t *testing.T) {
	for merge, operand := range map[string][]byte{
		engine.Int64Add: engine.EncodeInt64(1), engine.Int64Max: engine.EncodeInt64(1), engine.Int64Min: engine.EncodeInt64(1),
		engine.BoundedList(2): engine.EncodeList([]byte("e")), engine.SetUnion: engine.EncodeSet([]byte("e")),
	} {
		db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: merge}})
		key := []byte("k")
		if err := errors.Join(db.Put(key, []byte("abc"), nil), db.Merge(key, operand, nil)); err != nil {
			t.Fatal(err)
		}
		expectRows(t, merge, db, map[string]string{"k": "abc"})
		if err := errors.Join(db.Flush(), db.Merge(key, operand, nil), db.Flush(), db.Compact(t.Context(), nil, nil)); err != nil {
			t.Fatal(err)
		}
		expectRows(t, merge, db, map[string]string{"k": "abc"})
		if err := errors.Join(db.Put(key, operand, nil), db.Merge(key, operand, nil)); err != nil {
			t.Fatal(err)
		}
		if v, err := db.Get(key, nil); err != nil || bytes.Equal(v, []byte("abc")) {
			t.Errorf("%s: %q, %v", merge, v, err)
		}
	}
}
