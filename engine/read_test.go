package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// pointReader is what a DB, a family and a snapshot have in common for single keys.
type pointReader interface {
	engine.Reader
	GetAppend(dst, key []byte, o *engine.ReadOptions) ([]byte, error)
	GetPinned(key []byte, o *engine.ReadOptions, f func([]byte) error) error
}

// pointReaders gives every kind of reader of db's default family.
func pointReaders(t *testing.T, db *engine.DB) map[string]pointReader {
	t.Helper()
	family, err := db.ColumnFamily("default")
	if err != nil {
		t.Fatal(err)
	}
	snap, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { snap.Close() })
	indexed := newIndexed(t, db)
	if err := indexed.Put([]byte("in the batch only"), nil); err != nil { // else it would hand reads on
		t.Fatal(err)
	}
	if _, err := indexed.Has([]byte("in the batch only"), nil); err != nil { // takes it into the index
		t.Fatal(err)
	}
	return map[string]pointReader{"db": db, "family": family, "snapshot": snap, "indexed batch": indexed}
}

// valueSizes lie on both sides of every limit of the ways a value takes.
var valueSizes = []int{0, 1, 16<<10 - 1, 16 << 10, 16<<10 + 1, 1 << 20}

func largeValue() int {
	if testing.Short() {
		return 9 << 20
	}
	return 40 << 20
}

// valueOf is the value of a size that the tests write: bytes that do not compress.
func valueOf(size int) []byte {
	v := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)}).Read(v)
	return v
}

func sizeKey(size int) []byte { return fmt.Appendf(nil, "size %d", size) }

// openWithSizes has a value of each size, in memory or in files.
func openWithSizes(t *testing.T, flushed bool) *engine.DB {
	t.Helper()
	db := openTemp(t, nil)
	for _, size := range valueSizes {
		if err := db.Put(sizeKey(size), valueOf(size), nil); err != nil {
			t.Fatal(err)
		}
	}
	if flushed {
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func TestReadsGiveTheWholeValueAtEverySize(t *testing.T) {
	size := largeValue()
	large := valueOf(size)
	db := openWithSizes(t, false)
	if err := db.Put(sizeKey(size), large, &engine.WriteOptions{DisableWAL: true}); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"memory", "files"} {
		for name, r := range pointReaders(t, db) {
			for _, size := range valueSizes {
				t.Run(fmt.Sprintf("%s/%s/%d", where, name, size), func(t *testing.T) {
					readEveryWay(t, r, sizeKey(size), valueOf(size))
				})
			}
		}
		readEveryWay(t, db, sizeKey(size), large)
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

func readEveryWay(t *testing.T, r pointReader, key, want []byte) {
	t.Helper()
	got, err := r.Get(key, nil)
	if err != nil || got == nil || !bytes.Equal(got, want) {
		t.Errorf("Get: %d bytes (nil: %v), %v", len(got), got == nil, err)
	}
	if len(got) > 0 {
		got[0]++ // the caller's memory: nobody else may see it
	}
	got, err = r.GetAppend(nil, key, nil)
	if err != nil || got == nil || !bytes.Equal(got, want) {
		t.Errorf("GetAppend to nil: %d bytes (nil: %v), %v", len(got), got == nil, err)
	}
	short := append(make([]byte, 0, 3), "abc"...)
	if got, err = r.GetAppend(short, key, nil); err != nil || !bytes.Equal(got, append([]byte("abc"), want...)) {
		t.Errorf("GetAppend without room: %d bytes, %v", len(got), err)
	}
	room := append(make([]byte, 0, 3+len(want)), "abc"...)
	got, err = r.GetAppend(room, key, nil)
	if err != nil || !bytes.Equal(got, append([]byte("abc"), want...)) {
		t.Errorf("GetAppend with room: %d bytes, %v", len(got), err)
	}
	if &got[0] != &room[0] {
		t.Error("GetAppend took other memory although dst had room")
	}
	calls := 0
	err = r.GetPinned(key, nil, func(value []byte) error {
		calls++
		if value == nil || !bytes.Equal(value, want) {
			t.Errorf("GetPinned: %d bytes (nil: %v)", len(value), value == nil)
		}
		return nil
	})
	if err != nil || calls != 1 {
		t.Errorf("GetPinned: %d calls, %v", calls, err)
	}
	if has, err := r.Has(key, nil); !has || err != nil {
		t.Errorf("Has: %v, %v", has, err)
	}
}

func TestResultsAreTheCallersOwn(t *testing.T) {
	db := openTemp(t, nil)
	for _, size := range []int{1, 100, 16 << 10, 100_000} {
		want := valueOf(size)
		key := sizeKey(size)
		if err := db.Put(key, want, nil); err != nil {
			t.Fatal(err)
		}
		var kept [][]byte
		for range 4 {
			v, err := db.Get(key, nil)
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, v)
		}
		for i, v := range kept {
			if !bytes.Equal(v, want) {
				t.Fatalf("%d bytes: result %d was changed through another one", size, i)
			}
			clear(v[:cap(v)])
		}
		if v, err := db.Get(key, nil); err != nil || !bytes.Equal(v, want) {
			t.Errorf("%d bytes: writing to a result changed the database, %v", size, err)
		}
	}
}

func TestArgumentsMayBeReusedAfterTheCall(t *testing.T) {
	db := openTemp(t, nil)
	key, value := []byte("key"), []byte("value")
	if err := db.Put(key, value, nil); err != nil {
		t.Fatal(err)
	}
	copy(key, "xxx")
	copy(value, "xxxxx")
	if v, err := db.Get([]byte("key"), nil); err != nil || string(v) != "value" {
		t.Errorf("%q, %v", v, err)
	}
}

func TestAMissIsErrNotFoundItself(t *testing.T) {
	db := openTemp(t, nil)
	for name, r := range pointReaders(t, db) {
		for _, key := range [][]byte{nil, {}, []byte("absent"), bytes.Repeat([]byte("k"), 5000)} {
			if v, err := r.Get(key, nil); v != nil || err != engine.ErrNotFound {
				t.Errorf("%s: Get: %.40q, %v", name, v, err)
			}
			dst := append(make([]byte, 0, 64), "dst"...)
			spare := bytes.Clone(dst[:cap(dst)])
			got, err := r.GetAppend(dst, key, nil)
			if err != engine.ErrNotFound || len(got) != 3 || &got[0] != &dst[0] || !bytes.Equal(got[:cap(got)], spare) {
				t.Errorf("%s: GetAppend: %.40q, %v", name, got, err)
			}
			if got, err := r.GetAppend(nil, key, nil); got != nil || err != engine.ErrNotFound {
				t.Errorf("%s: GetAppend to nil: %q, %v", name, got, err)
			}
			err = r.GetPinned(key, nil, func([]byte) error { t.Error("f was called"); return nil })
			if err != engine.ErrNotFound {
				t.Errorf("%s: GetPinned: %v", name, err)
			}
			if has, err := r.Has(key, nil); has || err != nil {
				t.Errorf("%s: Has: %v, %v", name, has, err)
			}
		}
	}
}

func TestTheEmptyKeyIsAKey(t *testing.T) {
	db := openTemp(t, nil)
	for _, key := range [][]byte{nil, {}} {
		if err := db.Put(key, []byte("v"), nil); err != nil {
			t.Fatal(err)
		}
		for _, other := range [][]byte{nil, {}} {
			readEveryWay(t, db, other, []byte("v"))
		}
		if err := db.Delete(key, nil); err != nil {
			t.Fatal(err)
		}
		if has, err := db.Has(nil, nil); has || err != nil {
			t.Errorf("Has after Delete: %v, %v", has, err)
		}
	}
}

func TestGetPinnedReturnsTheFunctionsError(t *testing.T) {
	db := openTemp(t, nil)
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	mine := errors.New("mine")
	if err := db.GetPinned([]byte("k"), nil, func([]byte) error { return mine }); err != mine {
		t.Errorf("%v", err)
	}
	func() {
		defer func() {
			if recover() != mine {
				t.Error("the panic of f did not come through")
			}
		}()
		db.GetPinned([]byte("k"), nil, func([]byte) error { panic(mine) })
	}()
	// The pin and the guard were given back: Close does not wait.
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
