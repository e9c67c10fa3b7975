package cbridge

import (
	"bytes"
	"testing"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// A value comes into the buffer if it fits, down to the byte, and else pinned.
func TestValuesComeIntoTheBufferOrPinned(t *testing.T) {
	_, f := openTest(t, "", FamilyOptions{Compression: -1})
	for _, size := range []int{0, 1, 7, 100, 70_000} {
		value := bytes.Repeat([]byte{'v'}, size)
		if err := f.Apply(Put, 0, []byte("k"), value); err != nil {
			t.Fatal(err)
		}
		for _, room := range []int{0, size - 1, size, size + 1} {
			if room < 0 {
				continue
			}
			buf := bytes.Repeat([]byte{0x5a}, room+8)
			n, pinned, err := f.Get(&Read{}, []byte("k"), buf[:room])
			if err != nil {
				t.Fatal(err)
			}
			got := buf[:n]
			if pinned.Held() {
				got = pinned.Data
			}
			if !bytes.Equal(got, value) || pinned.Held() != (room < size) {
				t.Errorf("%d bytes into %d: %d bytes, pinned %v", size, room, len(got), pinned.Held())
			}
			if !bytes.Equal(buf[room:], bytes.Repeat([]byte{0x5a}, 8)) {
				t.Errorf("%d bytes into %d wrote beside the buffer", size, room)
			}
			pinned.Free()
			if pinned.Held() || pinned.Data != nil {
				t.Error("a freed value is still held")
			}
		}
	}
}

// A snapshot, and an iterator made from it that outlives it, show the state of its creation.
func TestSnapshotsHoldWhatIteratorsOfThemShow(t *testing.T) {
	r := newRand(t)
	db, f := openTest(t, "", FamilyOptions{BlockSize: 100, Compression: 0})
	randomRows(t, r, db, f, 60, 100)
	s, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	steps := NewStepIter(newTestIter(t, f, s, IterOptions{}))
	want := stepped(t, steps, MoveFirst, false, nil)
	steps.Free()
	it := newTestIter(t, f, s, IterOptions{})
	defer it.Free()
	for range 4 {
		randomRows(t, r, db, f, 40, 100)
		if err := f.Apply(DeleteRange, 0, []byte("a"), []byte("b")); err != nil {
			t.Fatal(err)
		}
		if err := db.Flush([]*Family{f}); err != nil {
			t.Fatal(err)
		}
		if err := f.Compact(nil, nil); err != nil {
			t.Fatal(err)
		}
		if s != nil {
			for _, row := range want {
				if err := f.Has(Read{Snapshot: s}, row.key); err != nil {
					t.Fatalf("%v: %v", row, err)
				}
			}
			s.Free() // the iterator keeps what it needs
			s = nil
		}
		if err := drain(r, it, MoveFirst, nil, want, 500); err != nil {
			t.Fatal(err)
		}
		if err := drain(r, it, MoveLast, nil, backwards(want), 500); err != nil {
			t.Fatal(err)
		}
	}
	if err := it.Refresh(); err != nil {
		t.Fatal(err)
	}
	steps = NewStepIter(newTestIter(t, f, nil, IterOptions{}))
	defer steps.Free()
	if err := drain(r, it, MoveFirst, nil, stepped(t, steps, MoveFirst, false, nil), 500); err != nil {
		t.Errorf("after a refresh: %v", err)
	}
}

func TestReadsOfTheCacheOnlyTellWhatTheyCannotKnow(t *testing.T) {
	db, f := openTest(t, "", FamilyOptions{Compression: -1})
	if err := f.Apply(Put, 0, []byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush([]*Family{f}); err != nil {
		t.Fatal(err)
	}
	_, _, err := f.Get(&Read{Flags: CacheOnly}, []byte("k"), nil)
	wantCode(t, err, dberr.Incomplete, "a block that is not in the cache")
	if err := f.Has(Read{}, []byte("k")); err != nil { // now it is
		t.Fatal(err)
	}
	if err := f.Has(Read{Flags: CacheOnly}, []byte("k")); err != nil {
		t.Errorf("a block that is in the cache: %v", err)
	}
}
