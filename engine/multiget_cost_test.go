package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// multiKeys puts n values of a size into a family and gives their keys.
func multiKeys(t *testing.T, db *engine.DB, c *engine.ColumnFamily, n, size int) [][]byte {
	t.Helper()
	keys := make([][]byte, n)
	b := new(engine.Batch)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "%d/%d", size, i*7919%n) // not in order
		if err := b.In(c).Put(keys[i], valueOf(size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Write(b, nil); err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestMultiGetAllocatesTheSameForAnyNumberOfKeys(t *testing.T) {
	if instrumented() {
		t.Skip("what is compiled in allocates itself")
	}
	db, f := openForMany(t)
	snap, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	for _, n := range []int{1, 2, 100, 2000} {
		keys := multiKeys(t, db, f, n, 100)
		misses := make([][]byte, n)
		mixed := make([]engine.FamilyKey, n)
		def, _ := db.ColumnFamily("default")
		for i, key := range keys {
			misses[i] = append([]byte("no "), key...)
			mixed[i] = engine.FamilyKey{Family: []*engine.ColumnFamily{f, def}[i%2], Key: key}
		}
		for what, read := range map[string]func(){
			"keys":                 func() { f.MultiGet(keys, nil) },
			"misses":               func() { db.MultiGet(misses, nil) },
			"keys of a snapshot":   func() { snap.In(f).MultiGet(keys, nil) },
			"keys of two families": func() { db.MultiGetFamilies(mixed, nil) },
		} {
			// The values, the buffer, and a smaller one when it was too large.
			if got := testing.AllocsPerRun(20, read); got > 3 {
				t.Errorf("%d %s: %v allocations", n, what, got)
			}
		}
	}
}

func TestMultiGetIsOneCallIntoCAndTwoIfTheBufferIsShort(t *testing.T) {
	db, f := openForMany(t)
	for _, size := range []int{0, 1, 100, 5000, 70_000} {
		g, err := db.CreateColumnFamily(fmt.Sprint("g", size), nil) // nothing is known of it
		if err != nil {
			t.Fatal(err)
		}
		keys := multiKeys(t, db, g, 50, size)
		first := int64(1)
		if size > 100 {
			first = 2
		}
		for call, want := range []int64{first, 1, 1} {
			n := cgoCalls(func() { wantAll(t, g, keys, size) })
			if n != want {
				t.Errorf("values of %d bytes, call %d: %d calls into C, want %d", size, call, n, want)
			}
		}
	}
	// Beyond the largest buffer it is always two.
	keys := multiKeys(t, db, f, 30, 200_000)
	for range 3 {
		if n := cgoCalls(func() { wantAll(t, f, keys, 200_000) }); n != 2 {
			t.Errorf("6 MB of values: %d calls into C, want 2", n)
		}
	}
	// An estimate that was too large comes down, and the caller never holds it.
	for range 60 {
		values, err := f.MultiGet([][]byte{keys[0][:0], []byte("none")}, nil)
		if err != nil || values[1].Err != engine.ErrNotFound {
			t.Fatal(values, err)
		}
	}
}

// wantAll reads keys that all have valueOf(size).
func wantAll(t *testing.T, r multiReader, keys [][]byte, size int) {
	t.Helper()
	values, err := r.MultiGet(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if err := judgeValue(v, string(valueOf(size)), true, nil); err != nil {
			t.Fatalf("%s: %v", keys[i], err)
		}
	}
}

func TestEqualKeysHaveDataOfTheirOwn(t *testing.T) {
	db, f := openForMany(t)
	for _, size := range []int{10, 300_000} {
		key := multiKeys(t, db, f, 1, size)[0]
		for range 2 {
			values, err := f.MultiGet([][]byte{key, key, key}, nil)
			if err != nil {
				t.Fatal(err)
			}
			clear(values[1].Data)
			if !bytes.Equal(values[0].Data, valueOf(size)) || !bytes.Equal(values[2].Data, valueOf(size)) {
				t.Errorf("%d bytes: the data of one key is that of another", size)
			}
		}
	}
}

// What waits in C is freed when its second call does not come, which AddressSanitizer looks at.
func TestValuesThatAreTooMuchAreRefusedAndFreed(t *testing.T) {
	db, f := openForMany(t)
	keys := multiKeys(t, db, f, 100, 2000)
	defer engine.SetMultiGetMost(200_000 - 1)()
	for range 3 {
		n := cgoCalls(func() {
			values, err := f.MultiGet(keys, nil)
			if values != nil || !errors.Is(err, engine.ErrTooLarge) {
				t.Errorf("%d values, %v", len(values), err)
			}
		})
		if n != 2 {
			t.Errorf("%d calls into C: a lookup and a release are 2", n)
		}
	}
	defer engine.SetMultiGetMost(200_000)()
	wantAll(t, f, keys, 2000)
}

// openForMany opens a database with a family f.
func openForMany(t *testing.T) (*engine.DB, *engine.ColumnFamily) {
	t.Helper()
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	f, err := db.ColumnFamily("f")
	if err != nil {
		t.Fatal(err)
	}
	return db, f
}
