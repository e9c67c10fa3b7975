package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// without is what is left of all when the rows of gone are not there.
func without(all, gone []scanned) map[string]string {
	left := map[string]string{}
	for _, row := range all {
		left[string(row.key)] = string(row.value)
	}
	for _, row := range gone {
		delete(left, string(row.key))
	}
	return left
}

func TestDeleteWhereDeletesWhatTheOptionsDescribe(t *testing.T) {
	r, _ := seededRand(t, "predicate.seed", *predicateSeed)
	p := newPushdownFixture(t, r)
	deleted := int64(0)
	for i := range 60 {
		c := p.db.ColumnFamilies()[i%2]
		fillFamily(t, c, 40, func() ([]byte, []byte) { return shortKey(r), valueOf(r.IntN(50)) })
		o := randomRange(r)
		all := collect(t, c, nil)
		want := twinRows(t, c, o)
		n, err := engine.DeleteWhere([]context.Context{nil, t.Context()}[r.IntN(2)], c, o, nil)
		if err != nil || n != int64(len(want)) {
			t.Fatalf("%+v: %d, %v, want %d", o, n, err, len(want))
		}
		expectRows(t, "what is left", c, without(all, want))
		deleted += n
	}
	if deleted < 100 {
		t.Errorf("only %d rows", deleted)
	}
}

func fillFamily(t *testing.T, c *engine.ColumnFamily, n int, row func() (key, value []byte)) {
	t.Helper()
	for range n {
		k, v := row()
		if err := c.Put(k, v, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// askedContext calls a function each time it is asked whether it has ended.
type askedContext struct {
	context.Context
	hook func() error
}

func (c askedContext) Err() error { return c.hook() }

// TestDeleteWhereSpansManyStretches reads each in the newest state: a row that is rewritten ahead of it lives.
func TestDeleteWhereSpansManyStretches(t *testing.T) {
	const n = 20_000
	db, _ := dullRows(t, n)
	c := db.ColumnFamilies()[0]
	long := append([]byte("004096"), bytes.Repeat([]byte{'x'}, 5000)...) // one that a stretch begins with
	for _, key := range [][]byte{long, []byte("000001")} {
		if err := c.Put(key, []byte("dull"), nil); err != nil {
			t.Fatal(err)
		}
	}
	asked := 0
	ctx := askedContext{context.Background(), func() error {
		if asked++; asked == 6 { // the first stretch is done by then
			return errors.Join(c.Put([]byte("015000"), []byte("saved"), nil), c.Put([]byte("015000a"), []byte("dull"), nil))
		}
		return nil
	}}
	deleted, err := engine.DeleteWhere(ctx, c, &engine.IterOptions{Filter: engine.RowValue.HasPrefix([]byte("du"))}, nil)
	if deleted != n+1 || err != nil { // one less, and the new and the long one more
		t.Errorf("%d, %v", deleted, err)
	}
	if asked < 6 {
		t.Errorf("the context was asked %d times", asked)
	}
	expectRows(t, "left", c, map[string]string{"015000": "saved"})
}

func TestDeleteWhereSaysHowFarItCame(t *testing.T) {
	const n = 20_000
	db, _ := dullRows(t, n)
	c := db.ColumnFamilies()[0]
	rest := 5
	deleted, err := engine.DeleteWhere(endingContext{context.Background(), &rest}, c, nil, nil)
	left, _, _, err2 := engine.Count(nil, c, nil)
	if !errors.Is(err, context.Canceled) || err2 != nil || deleted == 0 || deleted == n || left != n-deleted {
		t.Errorf("%d deleted, %d left, %v, %v", deleted, left, err, err2)
	}
	deleted, err = engine.DeleteWhere(nil, c, &engine.IterOptions{Limit: 5000, LowerBound: []byte("01")}, nil)
	if deleted != 5000 || err != nil {
		t.Errorf("%d, %v", deleted, err)
	}
	if now, _, _, err := engine.Count(nil, c, nil); now != left-5000 || err != nil {
		t.Errorf("%d left, %v", now, err)
	}
	// A write that is refused is none.
	deleted, err = engine.DeleteWhere(nil, c, nil, &engine.WriteOptions{Sync: true, DisableWAL: true})
	expectError(t, "contradicting options", err, engine.ErrInvalidArgument)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_, err2 = engine.DeleteWhere(nil, c, nil, &engine.WriteOptions{Context: gone})
	if deleted != 0 || !errors.Is(err2, context.Canceled) {
		t.Errorf("%d, %v", deleted, err2)
	}
	if now, _, _, err := engine.Count(nil, c, nil); now != left-5000 || err != nil {
		t.Errorf("%d left, %v", now, err)
	}
}

func TestCopyRangeCopiesWhatTheOptionsDescribe(t *testing.T) {
	r, _ := seededRand(t, "predicate.seed", *predicateSeed)
	p := newPushdownFixture(t, r)
	elsewhere := openTemp(t, nil).ColumnFamilies()[0]
	same, err := p.db.CreateColumnFamily("copy", nil)
	if err != nil {
		t.Fatal(err)
	}
	copied := int64(0)
	for i := range 60 {
		to := []*engine.ColumnFamily{same, elsewhere}[i%2]
		if i%10 < 2 {
			if _, err := engine.DeleteWhere(nil, to, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		name, from := p.reader(r)
		o := randomRange(r)
		o.KeysOnly, o.ValuesUpTo = false, 0
		want := rowsOf(t, to)
		rows := twinRows(t, from, o)
		for _, row := range rows {
			want[string(row.key)] = string(row.value)
		}
		n, size, err := engine.CopyRange([]context.Context{nil, t.Context()}[r.IntN(2)], from, o, to, nil)
		if err != nil || n != int64(len(rows)) || size != sumOf(rows, false)+sumOf(rows, true) {
			t.Fatalf("%s, %+v: %d rows, %d bytes, %v, want %d", name, o, n, size, err, len(rows))
		}
		expectRows(t, "the copy of "+name, to, want)
		copied += n
	}
	if copied < 500 {
		t.Errorf("only %d rows", copied)
	}
}

// TestCopyRangeKeepsWithinItsBatches has rows beyond the room of a batch, and many of them.
func TestCopyRangeKeepsWithinItsBatches(t *testing.T) {
	db, _ := dullRows(t, 6000)
	for _, k := range []string{"000100a", "000100b", "x"} {
		if err := db.Put([]byte(k), bytes.Repeat([]byte(k), 300_000), nil); err != nil {
			t.Fatal(err)
		}
	}
	to := openTemp(t, nil).ColumnFamilies()[0]
	sums := func() [2]engine.RangeChecksum {
		a, err := engine.Checksum(nil, db, nil)
		b, err2 := engine.Checksum(nil, to, nil)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		return [2]engine.RangeChecksum{a, b}
	}
	for _, w := range []*engine.WriteOptions{nil, {Sync: true}, {LowPriority: true}, {Context: t.Context()}} {
		n, size, err := engine.CopyRange(t.Context(), db, nil, to, w)
		s := sums()
		if err != nil || n != s[0].Rows || size != s[0].KeyBytes+s[0].ValueBytes || s[0] != s[1] {
			t.Errorf("%+v: %d rows, %d bytes, %v; %+v", w, n, size, err, s)
		}
		if deleted, err := engine.DeleteWhere(t.Context(), to, nil, w); deleted != n || err != nil {
			t.Errorf("%+v: %d, %v", w, deleted, err)
		}
	}
	rest := 3
	n, _, err := engine.CopyRange(endingContext{context.Background(), &rest}, db, nil, to, nil)
	if there, _, _, err2 := engine.Count(nil, to, nil); !errors.Is(err, context.Canceled) || n == 0 || there != n || err2 != nil {
		t.Errorf("%d copied, %d are there, %v, %v", n, there, err, err2)
	}
	n, _, err = engine.CopyRange(nil, db, nil, db.ColumnFamilies()[0], nil) // upon itself
	if s := sums(); n != s[0].Rows || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestPushedDownWritesReportWhyTheyCannotBegin(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	readOnly := openTempDir(t, dir, &engine.Options{ReadOnly: true})
	open, closed := openTemp(t, nil), openTemp(t, nil)
	gone := closed.ColumnFamilies()[0]
	closed.Close()
	dropped, err := open.CreateColumnFamily("dropped", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := open.DropColumnFamily(dropped); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		to   *engine.ColumnFamily
		want error
	}{
		"nil": {nil, engine.ErrClosed}, "zero": {new(engine.ColumnFamily), engine.ErrClosed}, "closed": {gone, engine.ErrClosed},
		"dropped": {dropped, engine.ErrFamilyDropped}, "read only": {readOnly.ColumnFamilies()[0], engine.ErrReadOnly},
	} {
		if n, err := engine.DeleteWhere(nil, c.to, nil, nil); n != 0 || !errors.Is(err, c.want) {
			t.Errorf("DeleteWhere, %s: %d, %v", name, n, err)
		}
		if n, size, err := engine.CopyRange(nil, readOnly, nil, c.to, nil); n != 0 || size != 0 || !errors.Is(err, c.want) {
			t.Errorf("CopyRange, %s: %d, %v", name, n, err)
		}
	}
	to := open.ColumnFamilies()[0]
	for _, o := range []*engine.IterOptions{{KeysOnly: true}, {ValuesUpTo: 1}, {Limit: -1}} {
		_, _, err := engine.CopyRange(nil, readOnly, o, to, nil)
		expectError(t, fmt.Sprintf("%+v", o), err, engine.ErrInvalidArgument)
	}
	_, _, err = engine.CopyRange(nil, nil, nil, to, nil)
	expectError(t, "from nil", err, engine.ErrClosed)
	_, err = engine.DeleteWhere(nil, to, &engine.IterOptions{Limit: -1}, nil)
	expectError(t, "a bad limit", err, engine.ErrInvalidArgument)
	if n, _, err := engine.CopyRange(nil, readOnly, nil, to, nil); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func openTempDir(t *testing.T, dir string, o *engine.Options) *engine.DB {
	t.Helper()
	db := openDir(t, dir, o)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
