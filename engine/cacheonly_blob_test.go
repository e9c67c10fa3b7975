package engine_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// withBlobs are the ways by which a family comes to have blob files: the options of its first life,
// what is set then, and the options of its second life.
var withBlobs = map[string]struct {
	first  string
	set    map[string]string
	second string
}{
	"by its options": {first: "enable_blob_files=true", second: "enable_blob_files=true"},
	"by SetOptions":  {set: map[string]string{"enable_blob_files": "true"}},
	"from its past":  {first: "enable_blob_files=true", second: "enable_blob_files=false"},
	"by its present": {second: "enable_blob_files=true"},
}

// An operand over a value in a blob file that is not in memory, read from the cache alone, meets an
// assertion of RocksDB's.
func TestCacheOnlyReadsOfMergedBlobsDoNotEndTheProcess(t *testing.T) {
	for name, way := range withBlobs {
		dir := filepath.Join(t.TempDir(), "db")
		o := &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Int64Add, Extra: way.first}}
		db := openDir(t, dir, o)
		err := db.Put([]byte("k"), engine.EncodeInt64(1), nil)
		if way.set != nil {
			c, cErr := db.ColumnFamily("default")
			err = errors.Join(err, cErr, c.SetOptions(way.set))
		}
		if err := errors.Join(err, db.Flush(), db.Close()); err != nil {
			t.Fatal(err)
		}
		o.FamilyOptions.Extra = way.second
		db = openDir(t, dir, o)
		if _, err := db.Get([]byte("k"), nil); err != nil { // its block is in the cache, the blob is not
			t.Fatal(err)
		}
		if err := db.Merge([]byte("k"), engine.EncodeInt64(1), nil); err != nil {
			t.Fatal(err)
		}
		mustNotMerge(t, name, db)
		if v, err := db.Get([]byte("k"), nil); err != nil || string(v) != string(engine.EncodeInt64(2)) {
			t.Errorf("%s: read whole: %x, %v", name, v, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// mustNotMerge reads key k from the cache in every way: each gives 2 or would block.
func mustNotMerge(t *testing.T, name string, db *engine.DB) {
	t.Helper()
	over := newIndexed(t, db)
	defer over.Close()
	if err := over.Put([]byte("other"), nil); err != nil {
		t.Fatal(err)
	}
	s := newSnapshot(t, db)
	defer s.Close()
	only := &engine.ReadOptions{CacheOnly: true}
	for from, r := range map[string]lifecycleReader{"database": db, "snapshot": s, "indexed batch": over} {
		got := map[string]error{}
		var v []byte
		v, got["Get"] = r.Get([]byte("k"), only)
		there, err := r.Has([]byte("k"), only)
		got["Has"] = err
		_, got["GetAppend"] = r.GetAppend(nil, []byte("k"), only)
		got["GetPinned"] = r.GetPinned([]byte("k"), only, func([]byte) error { return nil })
		values, err := r.MultiGet([][]byte{[]byte("k"), []byte("k2"), []byte("k")}, only)
		if err != nil {
			t.Errorf("%s, %s: MultiGet: %v", name, from, err)
			continue
		}
		got["MultiGet"] = values[0].Err
		for call, err := range got {
			if err != nil && !errors.Is(err, engine.ErrWouldBlock) {
				t.Errorf("%s, %s: %s: %v", name, from, call, err)
			}
		}
		if got["Get"] == nil && string(v) != string(engine.EncodeInt64(2)) || got["Has"] == nil && !there {
			t.Errorf("%s, %s: from the cache: %x, there: %v", name, from, v, there)
		}
		it, err := r.NewIter(&engine.IterOptions{CacheOnly: true, Prefix: []byte("k")})
		if err != nil {
			t.Fatal(err)
		}
		if it.First() && string(it.Value()) != string(engine.EncodeInt64(2)) {
			t.Errorf("%s, %s: an iterator shows %x", name, from, it.Value())
		}
		if err := it.Close(); err != nil && !errors.Is(err, engine.ErrWouldBlock) {
			t.Errorf("%s, %s: an iterator: %v", name, from, err)
		}
	}
}
