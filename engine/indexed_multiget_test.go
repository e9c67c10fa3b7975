package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// stagedMany is a batch that has something to say of each kind, and the keys to ask it for.
func stagedMany(t *testing.T, o *engine.Options) (*engine.DB, *engine.IndexedBatch, []engine.FamilyKey) {
	t.Helper()
	db := openTemp(t, o)
	plain, err := db.ColumnFamily("plain")
	if err != nil {
		t.Fatal(err)
	}
	def, _ := db.ColumnFamily("default")
	b := newIndexed(t, db)
	var keys []engine.FamilyKey
	for _, c := range []*engine.ColumnFamily{def, plain} {
		for i := range 12 {
			key := fmt.Appendf(nil, "%x", i)
			if i%2 == 0 {
				must(c.Put(key, uint64le(uint64(i)), nil))
			}
			keys = append(keys, engine.FamilyKey{Family: c, Key: key}, engine.FamilyKey{Family: c, Key: key})
		}
		must(c.Put([]byte("empty"), nil, nil))
		keys = append(keys, engine.FamilyKey{Family: c, Key: []byte("empty")}, engine.FamilyKey{Family: c})
		w := b.In(c)
		must(w.Put([]byte("1"), uint64le(100)))
		must(w.Delete([]byte("2")))
		must(w.DeleteRange([]byte("4"), []byte("8")))
		must(w.Put([]byte("5"), nil))
	}
	for _, key := range []string{"0", "1", "2", "3", "6"} {
		must(b.Merge([]byte(key), uint64le(1)))
		must(b.Merge([]byte(key), uint64le(2)))
	}
	must(db.Flush())
	return db, b, keys
}

// wantAsGet compares what MultiGet and MultiGetFamilies answer with what Get does.
func wantAsGet(t *testing.T, b *engine.IndexedBatch, keys []engine.FamilyKey, o *engine.ReadOptions) {
	t.Helper()
	all, err := b.MultiGetFamilies(keys, o)
	if err != nil || len(all) != len(keys) {
		t.Fatal(len(all), err)
	}
	for i, k := range keys {
		v, err := b.In(k.Family).Get(k.Key, o)
		one, e := b.In(k.Family).MultiGet([][]byte{k.Key}, o)
		if e != nil || len(one) != 1 {
			t.Fatal(len(one), e)
		}
		for _, got := range []engine.Value{all[i], one[0]} {
			var a, w *engine.Error
			errors.As(got.Err, &a)
			errors.As(err, &w)
			if !bytes.Equal(got.Data, v) || (got.Data == nil) != (v == nil) || (got.Err == nil) != (err == nil) ||
				(a == nil) != (w == nil) || a != nil && a.Code != w.Code {
				t.Errorf("%s of %s: %x %v, Get gives %x %v", k.Key, k.Family.Name(), got.Data, got.Err, v, err)
			}
		}
	}
}

// The end of a snapshot, which reads of several families take, may start a compaction, and its files
// are not in the cache.
const noCompactions = "disable_auto_compactions=true"

func TestMultiGetOfAnIndexedBatchAnswersAsGetDoes(t *testing.T) {
	for _, cache := range []int64{0, -1} {
		o := addingAndPlain()
		o.BlockCacheSize, o.FamilyOptions.Extra = cache, noCompactions
		o.Families["plain"] = engine.FamilyOptions{Extra: noCompactions}
		_, b, keys := stagedMany(t, o)
		wantAsGet(t, b, keys, nil)
		wantAsGet(t, b, keys, &engine.ReadOptions{CacheOnly: true})
		b.Reset()
		wantAsGet(t, b, keys, nil)
	}
}

func TestMultiGetOfAnIndexedBatchIsOneCallIntoC(t *testing.T) {
	db, f := openForMany(t)
	for _, size := range []int{100, 5000} {
		g, err := db.CreateColumnFamily(fmt.Sprint("g", size), nil) // nothing is known of it
		if err != nil {
			t.Fatal(err)
		}
		keys := multiKeys(t, db, g, 50, size)
		b := newIndexed(t, db).In(g)
		must(b.In(f).Put([]byte("k"), nil))
		if _, err := b.Has([]byte("k"), nil); err != nil { // makes the index
			t.Fatal(err)
		}
		for i, key := range keys {
			if i%2 == 0 {
				must(b.Put(key, valueOf(size)))
			}
		}
		first := int64(1)
		if size > 100 {
			first = 2
		}
		for call, want := range []int64{first, 1} {
			if n := cgoCalls(func() { wantAll(t, b, keys, size) }); n != want {
				t.Errorf("values of %d bytes, call %d: %d calls into C, want %d", size, call, n, want)
			}
		}
	}
}

func TestMultiGetOfAnIndexedBatchAllocatesTheSameForAnyNumberOfKeys(t *testing.T) {
	if instrumented() {
		t.Skip("the race detector and AddressSanitizer allocate themselves")
	}
	db, f := openForMany(t)
	b := newIndexed(t, db).In(f)
	for _, n := range []int{1, 100, 2000} {
		keys := multiKeys(t, db, f, n, 100)
		must(b.Put(keys[0], valueOf(100)))
		if got := testing.AllocsPerRun(20, func() { b.MultiGet(keys, nil) }); got > 3 {
			t.Errorf("%d keys: %v allocations", n, got)
		}
	}
}
