package cbridge

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// openTest opens a database with the default family, in a directory of its own if dir is empty.
func openTest(t testing.TB, dir string, o FamilyOptions) (*DB, *Family) {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	plan, err := NewPlan(dir, DBOptions{BlockCacheSize: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Free()
	if err := plan.Family("default", o, ""); err != nil {
		t.Fatal(err)
	}
	db, err := plan.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	f, err := db.Family("default")
	if err != nil {
		t.Fatal(err)
	}
	return db, f
}

func newTestIter(t testing.TB, f *Family, s *Snapshot, o IterOptions) *Iter {
	t.Helper()
	it, err := f.NewIter(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return it
}

type testRow struct{ key, value []byte }

func (r testRow) equal(o testRow) bool {
	return bytes.Equal(r.key, o.key) && bytes.Equal(r.value, o.value)
}

// size is what a row takes in a buffer, its offset included.
func (r testRow) size() int { return 8 + len(r.key) + len(r.value) + 4 }

func (r testRow) String() string { return fmt.Sprintf("%q (value of %d bytes)", r.key, len(r.value)) }

// readRows copies as many rows out of a filled buffer as are wanted, by the description in rows.h. Where a
// value is cut, its length is that of the whole, and how much is there is what is wanted.
func readRows(buf []byte, want []testRow) []testRow {
	out := make([]testRow, len(want))
	for i := range out {
		at := binary.NativeEndian.Uint32(buf[len(buf)-4*(i+1):])
		k, v := binary.NativeEndian.Uint32(buf[at:]), binary.NativeEndian.Uint32(buf[at+4:])
		v = min(v, uint32(len(want[i].value)))
		b := buf[at+8:]
		out[i] = testRow{bytes.Clone(b[:k]), bytes.Clone(b[k : k+v])}
	}
	return out
}

// wantCode wants an error of the code.
func wantCode(t *testing.T, err error, code dberr.Code, what string) {
	t.Helper()
	var e *dberr.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: %v, want code %v", what, err, code)
	}
}

// randomRows puts rows with short keys and values of up to largest bytes, some of them in files.
func randomRows(t testing.TB, r *rand.Rand, db *DB, f *Family, n, largest int) {
	t.Helper()
	for range n {
		key := make([]byte, r.IntN(4))
		for i := range key {
			key[i] = []byte{0, 'a', 'b', 0xff}[r.IntN(4)]
		}
		value := bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(largest+1))
		err := f.Apply(Put, 0, key, value)
		if err == nil && r.IntN(40) == 0 {
			err = db.Flush([]*Family{f})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
