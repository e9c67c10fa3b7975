package iterator

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// openOwner lets every call in.
type openOwner struct{ c *cbridge.Iter }

func (o openOwner) Enter(context.Context) error         { return nil }
func (o openOwner) Leave()                              {}
func (o openOwner) Free()                               { o.c.Free() }
func (o openOwner) Describe(op string, err error) error { return fmt.Errorf("%s: %w", op, err) }

// over makes an iterator over n rows with keys "key 0000", ... and values alike.
func over(t *testing.T, n int, cfg Config, o cbridge.IterOptions) *Iterator {
	t.Helper()
	plan, err := cbridge.NewPlan(t.TempDir(), cbridge.DBOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Free()
	if err := plan.Family("default", cbridge.FamilyOptions{Compression: -1}, ""); err != nil {
		t.Fatal(err)
	}
	db, err := plan.Open()
	if err != nil {
		t.Fatal(err)
	}
	f, err := db.Family("default")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := f.Apply(cbridge.Put, 0, fmt.Appendf(nil, "key %04d", i), fmt.Appendf(nil, "value %04d", i)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := f.NewIter(nil, o)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Owner, cfg.Closed = openOwner{c}, new(atomic.Bool)
	it := New(c, cfg)
	t.Cleanup(func() {
		it.Close()
		db.Close()
	})
	return it
}

// inWindow reports whether b lies in the window's memory.
func (it *Iterator) inWindow(b []byte) bool {
	w := it.win.buf
	for i := range w {
		if len(b) > 0 && &w[i] == &b[0] {
			return i+len(b) <= len(w)
		}
	}
	return false
}

func TestUnsafeKeyAliasesTheWindowAndKeyDoesNot(t *testing.T) {
	it := over(t, 100, Config{}, cbridge.IterOptions{})
	for _, step := range []func() bool{it.Next, it.Prev} {
		for i := 0; i < 50 && step(); i++ {
			// The debug build lends copies.
			if k, v := it.unsafeKey(), it.unsafeValue(); it.inWindow(k) == rbdebug.On || it.inWindow(v) == rbdebug.On {
				t.Fatalf("the bytes of %q lie elsewhere", k)
			}
			key, value := it.Key(), it.Value()
			if it.inWindow(key) || it.inWindow(value) || it.inWindow(it.AppendKey(nil)) || it.inWindow(it.AppendValue(nil)) {
				t.Fatalf("the copy of %q lies in the window", key)
			}
			if !bytes.Equal(key, it.unsafeKey()) || !bytes.Equal(value, it.unsafeValue()) {
				t.Fatalf("%q is not %q", key, it.unsafeKey())
			}
			if cap(it.unsafeKey()) != len(it.unsafeKey()) || cap(it.unsafeValue()) != len(it.unsafeValue()) {
				t.Fatal("there is room behind the row")
			}
		}
	}
}

// What a copy is for: the same memory holds other rows later.
func TestUnsafeKeyIsAnotherRowsBytesAfterTheNextFill(t *testing.T) {
	if rbdebug.On {
		t.Skip("the debug build lets nobody read it")
	}
	it := over(t, 3000, Config{}, cbridge.IterOptions{})
	if !it.First() {
		t.Fatal(it.Error())
	}
	// Once fills have their full size, one buffer serves all.
	for len(it.win.buf) < maxFill {
		it.Next()
	}
	it.First()
	alias, copied := it.unsafeKey(), it.Key()
	was := string(alias)
	if !it.Last() {
		t.Fatal(it.Error())
	}
	if string(alias) == was {
		t.Errorf("the window's memory still says %q: it was not filled again", was)
	}
	if string(copied) != was {
		t.Errorf("the copy says %q, was %q", copied, was)
	}
}

func TestUnsafeKeyAllocatesNothing(t *testing.T) {
	if rbdebug.On {
		t.Skip("the debug build lends copies")
	}
	it := over(t, 3000, Config{}, cbridge.IterOptions{})
	n, bytes := 0, 0
	allocs := testing.AllocsPerRun(5, func() {
		for ok := it.First(); ok; ok = it.Next() {
			bytes += len(it.unsafeKey()) + len(it.unsafeValue())
			n++
		}
	})
	if allocs > 5 || n != 6*3000 || bytes != n*18 {
		t.Errorf("%d rows of %d bytes cost %v allocations a scan", n, bytes, allocs)
	}
}

func TestUnsafeKeyIsNilWhereThereIsNoRow(t *testing.T) {
	it := over(t, 3, Config{}, cbridge.IterOptions{})
	if it.unsafeKey() != nil || it.unsafeValue() != nil {
		t.Error("a fresh iterator has a row")
	}
	for it.Next() {
	}
	if it.unsafeKey() != nil || it.unsafeValue() != nil {
		t.Error("there is a row behind the last one")
	}
	var none *Iterator
	if none.unsafeKey() != nil || none.unsafeValue() != nil {
		t.Error("a nil iterator has a row")
	}
	keys := over(t, 3, Config{KeysOnly: true}, cbridge.IterOptions{Flags: cbridge.KeysOnly})
	if !keys.First() || string(keys.unsafeKey()) != "key 0000" || keys.unsafeValue() != nil {
		t.Errorf("keys only: %q, %q", keys.unsafeKey(), keys.unsafeValue())
	}
}

// Rows that were yielded are kept by somebody: their buffer must not be filled again, however the
// iterator goes on.
func TestALentWindowIsNeverFilledAgain(t *testing.T) {
	it := over(t, 3000, Config{}, cbridge.IterOptions{})
	for it.Next() { // grow the window
	}
	moves := map[string]func(){
		"Next": func() {
			for it.Next() {
			}
		},
		"Prev": func() {
			for it.Prev() {
			}
		},
		"First":     func() { it.First() },
		"Last":      func() { it.Last() },
		"SeekGE":    func() { it.SeekGE([]byte("key 1999")) },
		"SetBounds": func() { it.SetBounds(nil, nil); it.Last() },
		"Refresh":   func() { it.Refresh(); it.Last() },
		"a loop": func() {
			for range it.All() {
			}
		},
		"NextChunk": func() {
			var c Chunk
			for it.NextChunk(&c) {
			}
		},
	}
	for name, move := range moves {
		var kept, buf, before []byte
		var was string
		for key := range it.From([]byte("key 1000")) { // inside the loop, and after it
			kept, was, buf = key, string(key), it.win.buf
			before = bytes.Clone(buf)
			if name != "Refresh" {
				move()
			}
			break
		}
		move()
		if string(kept) != was || !bytes.Equal(buf, before) {
			t.Errorf("%s filled the buffer of a yielded row again", name)
		}
	}
}
