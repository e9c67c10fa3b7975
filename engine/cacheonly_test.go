package engine_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Asked to read the cache only, RocksDB finds every key, with an empty value, in a file that it would
// have to open first, and in any file if there is no block cache.
func TestCacheOnlyInventsNoRows(t *testing.T) {
	const files, rows = 30, 10
	for name, o := range map[string]*engine.Options{
		"few open files": {Extra: "max_open_files=20;table_cache_numshardbits=0"},
		"no block cache": {BlockCacheSize: -1},
	} {
		dir := filepath.Join(t.TempDir(), "db")
		o.FamilyOptions.Extra = "disable_auto_compactions=true"
		db := openDir(t, dir, o)
		for file := range files {
			for row := range rows {
				if err := db.Put(fmt.Appendf(nil, "%d/%d", row, file), []byte("value"), nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db = openDir(t, dir, o)
		over := newIndexed(t, db)
		if err := over.Put([]byte("in the batch"), nil); err != nil {
			t.Fatal(err)
		}
		blocked := 0
		for row := range rows {
			for file := range 2 * files { // every second key is absent
				blocked += readCacheOnly(t, name, db, fmt.Appendf(nil, "%d/%d", row, file), file < files)
				may, err := db.MayHave(fmt.Appendf(nil, "%d/%d", row, file))
				if err != nil || file < files && !may {
					t.Errorf("%s: %d/%d may be there: %t, %v", name, row, file, may, err)
				}
				blocked += readCacheOnly(t, name+", indexed batch", over, fmt.Appendf(nil, "%d/%d", row, file), file < files)
			}
		}
		if may, err := db.MayHave([]byte("~")); may || err != nil { // beyond every file
			t.Errorf("%s: what is in no file's range may be there: %t, %v", name, may, err)
		}
		if blocked == 0 {
			t.Errorf("%s: no read would have blocked: the test shows nothing", name)
		}
		if err := errors.Join(over.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	}
}

// readCacheOnly reads a key in each of the ways and counts how many answer that they would block.
func readCacheOnly(t *testing.T, name string, db pointReader, key []byte, there bool) (blocked int) {
	t.Helper()
	only := &engine.ReadOptions{CacheOnly: true}
	v, get := db.Get(key, only)
	pinned := db.GetPinned(key, only, func(lent []byte) error {
		if string(lent) != "value" {
			t.Errorf("%s: %s is lent as %q", name, key, lent)
		}
		return nil
	})
	found, has := db.Has(key, only)
	if has == nil && !found {
		has = engine.ErrNotFound
	}
	if get == nil && string(v) != "value" {
		t.Errorf("%s: %s is %q", name, key, v)
	}
	for call, err := range map[string]error{"Get": get, "GetPinned": pinned, "Has": has} {
		switch {
		case errors.Is(err, engine.ErrWouldBlock):
			blocked++
		case (err == nil) != there || (err == engine.ErrNotFound) == there:
			t.Errorf("%s: %s of %s: %v, it is there: %v", name, call, key, err, there)
		}
	}
	return blocked
}
