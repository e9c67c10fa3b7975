package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var adding = engine.FamilyOptions{MergeOperator: engine.Uint64Add}

func uint64le(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// rowsOf reads everything that r holds.
func rowsOf(t *testing.T, r engine.Reader) map[string]string {
	t.Helper()
	all := map[string]string{}
	rows, done := engine.Scan(r, nil)
	for k, v := range rows {
		all[string(k)] = string(v)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	return all
}

func expectRows(t *testing.T, what string, r engine.Reader, want map[string]string) {
	t.Helper()
	got := rowsOf(t, r)
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			t.Errorf("%s: %.40q is %.40q (there: %v), want %.40q", what, k, g, ok, v)
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s: %.40q is there", what, k)
		}
	}
}

// singleWriter is what a DB and a family have in common for single writes.
type singleWriter interface {
	engine.Reader
	Put(key, value []byte, o *engine.WriteOptions) error
	Delete(key []byte, o *engine.WriteOptions) error
	SingleDelete(key []byte, o *engine.WriteOptions) error
	DeleteRange(start, end []byte, o *engine.WriteOptions) error
	Merge(key, operand []byte, o *engine.WriteOptions) error
	Writer(o *engine.WriteOptions) engine.Writer
}

// everyWrite calls every write under o and gives the errors by name.
func everyWrite(w singleWriter, o *engine.WriteOptions) map[string]error {
	key, value := []byte("key"), uint64le(1)
	writer := w.Writer(o)
	return map[string]error{
		"put":           w.Put(key, value, o),
		"delete":        w.Delete(key, o),
		"single delete": w.SingleDelete([]byte("once"), o),
		"delete range":  w.DeleteRange([]byte("a"), []byte("b"), o),
		"merge":         w.Merge(key, value, o),
		"writer put":    writer.Put(key, value),
		"writer delete": writer.Delete(key),
		"writer merge":  writer.Merge(key, value),
	}
}

func TestEachWriteHasItsEffectUnderEveryOption(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: adding, Families: map[string]engine.FamilyOptions{"other": adding}})
	other, err := db.ColumnFamily("other")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []*engine.WriteOptions{
		nil,
		{},
		engine.Sync,
		{DisableWAL: true},
		{LowPriority: true},
		{NoSlowdown: true},
		{Sync: true, LowPriority: true, NoSlowdown: true},
		{Context: context.Background()},
	} {
		for name, w := range map[string]singleWriter{"db": db, "family": other} {
			writesHaveTheirEffect(t, fmt.Sprintf("%s, %+v", name, o), w, o)
		}
	}
	expectRows(t, "the default family", db, map[string]string{})
}

// writesHaveTheirEffect ends with the family empty.
func writesHaveTheirEffect(t *testing.T, what string, w singleWriter, o *engine.WriteOptions) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, k := range []string{"a", "b", "c", "d", "e"} {
		must(w.Put([]byte(k), []byte("1"), o))
	}
	must(w.Put([]byte("b"), nil, o))
	must(w.Delete([]byte("c"), o))
	must(w.Delete([]byte("absent"), o))
	must(w.SingleDelete([]byte("d"), o))
	must(w.Merge([]byte("sum"), uint64le(40), o))
	must(w.Merge([]byte("sum"), uint64le(2), o))
	expectRows(t, what, w, map[string]string{"a": "1", "b": "", "e": "1", "sum": string(uint64le(42))})
	must(w.DeleteRange([]byte("a"), []byte("e"), o))
	expectRows(t, what, w, map[string]string{"e": "1", "sum": string(uint64le(42))})
	must(w.DeleteRange([]byte("e"), []byte("e"), o))
	must(w.DeleteRange(nil, []byte{}, o))
	expectRows(t, what, w, map[string]string{"e": "1", "sum": string(uint64le(42))})
	writer := w.Writer(o)
	must(writer.Put([]byte("w"), []byte("2")))
	must(writer.Delete([]byte("e")))
	must(writer.Merge([]byte("sum"), uint64le(1)))
	expectRows(t, what, w, map[string]string{"w": "2", "sum": string(uint64le(43))})
	must(w.DeleteRange(nil, []byte("\xff"), o))
	expectRows(t, what, w, map[string]string{})
}

func TestARefusedWriteNeverReachesTheDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"adding": adding}})
	sum, err := db.ColumnFamily("adding")
	if err != nil {
		t.Fatal(err)
	}
	longKey := make([]byte, engine.MaxKeySize+1)
	contradiction := &engine.WriteOptions{Sync: true, DisableWAL: true}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	ended := &engine.WriteOptions{Context: cancelled}
	before := db.LatestSequence()
	calls := cgoCalls(func() {
		for _, w := range []singleWriter{db, sum} {
			expectError(t, "nil end", w.DeleteRange([]byte("a"), nil, nil), engine.ErrInvalidArgument)
			expectError(t, "nil start and end", w.DeleteRange(nil, nil, nil), engine.ErrInvalidArgument)
			expectError(t, "inverted range", w.DeleteRange([]byte("b"), []byte("a"), nil), engine.ErrInvalidArgument)
			expectError(t, "range that ends before a start", w.DeleteRange([]byte("a"), []byte{}, nil), engine.ErrInvalidArgument)
			expectError(t, "long key", w.Put(longKey, nil, nil), engine.ErrTooLarge)
			expectError(t, "long key", w.Delete(longKey, nil), engine.ErrTooLarge)
			expectError(t, "long key", w.SingleDelete(longKey, nil), engine.ErrTooLarge)
			expectError(t, "long start", w.DeleteRange(longKey, []byte("\xff"), nil), engine.ErrTooLarge)
			expectError(t, "long end", w.DeleteRange(nil, longKey, nil), engine.ErrTooLarge)
			expectError(t, "long key", w.Writer(nil).Put(longKey, nil), engine.ErrTooLarge)
		}
		expectError(t, "merge without an operator", db.Merge([]byte("k"), uint64le(1), nil), engine.ErrInvalidArgument)
		expectError(t, "merge of a long key", sum.Merge(longKey, uint64le(1), nil), engine.ErrTooLarge)
		for op, err := range everyWrite(sum, contradiction) {
			expectError(t, "Sync and DisableWAL: "+op, err, engine.ErrInvalidArgument)
		}
		for op, err := range everyWrite(sum, ended) {
			expectError(t, "cancelled: "+op, err, context.Canceled)
		}
	})
	if calls != 0 {
		t.Errorf("%d calls into C", calls)
	}
	if after := db.LatestSequence(); after != before {
		t.Errorf("the sequence went from %d to %d", before, after)
	}
	usableAndReopens(t, db, dir)
}

// usableAndReopens checks that db takes a write and, reopened, still has it. It closes db.
func usableAndReopens(t *testing.T, db *engine.DB, dir string) {
	t.Helper()
	if err := db.Put([]byte("afterwards"), []byte("usable"), nil); err != nil {
		t.Errorf("write afterwards: %v", err)
	}
	if err := db.Flush(); err != nil {
		t.Errorf("flush afterwards: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	db = openDir(t, dir, nil)
	defer db.Close()
	if v, err := db.Get([]byte("afterwards"), nil); err != nil || string(v) != "usable" {
		t.Errorf("reopened: %q, %v", v, err)
	}
}

func TestASingleWriteIsOneCallIntoC(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: adding})
	calls := cgoCalls(func() {
		for op, err := range everyWrite(db, nil) {
			if err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
	})
	if calls != 8 {
		t.Errorf("%d calls for 8 writes", calls)
	}
}

// By RocksDB's default a flush that meets a SingleDelete beside a Delete fails for ever.
func TestAMisusedSingleDeleteDoesNotRuinTheDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{FamilyOptions: adding})
	key := []byte("k")
	for range 3 {
		for _, err := range []error{
			db.Put(key, key, nil), db.Put(key, key, nil), db.SingleDelete(key, nil), db.Delete(key, nil),
			db.SingleDelete(key, nil), db.Merge(key, uint64le(1), nil), db.SingleDelete(key, nil), db.Flush(),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Compact(context.Background(), nil, nil); err != nil {
		t.Error(err)
	}
	usableAndReopens(t, db, dir)
}

func TestAWriteErrorNamesTheCallButNotTheKey(t *testing.T) {
	db := openTemp(t, &engine.Options{ReadOnly: false, Families: map[string]engine.FamilyOptions{"other": {}}})
	other, err := db.ColumnFamily("other")
	if err != nil {
		t.Fatal(err)
	}
	past, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Hour))
	defer cancel()
	err = other.Put([]byte("secret"), nil, &engine.WriteOptions{Context: past})
	expectError(t, "put", err, engine.ErrTimedOut, os.ErrDeadlineExceeded, context.DeadlineExceeded)
	var e *engine.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if e.Path != db.Path() || e.Family != "other" || string(e.Key) != "secret" || e.Op == "" {
		t.Errorf("%+v", e)
	}
	if bytes.Contains([]byte(err.Error()), []byte("secret")) {
		t.Errorf("the text shows the key: %v", err)
	}
}
