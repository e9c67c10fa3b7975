package engine_test

import (
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// BenchmarkObserving compares calls with and without what Options.SlowThreshold and ProfileHandles add
// to them: is either cheap enough to be on by default?
func BenchmarkObserving(b *testing.B) {
	const reads, handles = 50_000, 10_000
	var dbs [2]*engine.DB
	key := benchKey(nil, 1)
	for i, o := range []*engine.Options{{}, {SlowThreshold: time.Hour}} {
		db, err := engine.Open(b.TempDir()+"/db", o)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		if err := db.Put(key, make([]byte, 100), nil); err != nil {
			b.Fatal(err)
		}
		if err := db.Flush(); err != nil {
			b.Fatal(err)
		}
		dbs[i] = db
	}
	get := func(db *engine.DB) func() {
		var buf []byte
		return func() {
			for range reads {
				var err error
				if buf, err = db.GetAppend(buf[:0], key, nil); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("get", contest{title: "GetAppend of a 100-byte value, in cache", units: reads, unit: "read", ways: []way{
		{"not timed", "", get(dbs[0])},
		{"timed for SlowThreshold", "", get(dbs[1])},
	}}.run)
	iterate := func(profiled bool) func() {
		return func() {
			engine.ProfileHandles(profiled)
			defer engine.ProfileHandles(false)
			for range handles {
				it, err := dbs[0].NewIter(nil)
				if err != nil {
					b.Fatal(err)
				}
				it.Close()
			}
		}
	}
	b.Run("iterator", contest{title: "NewIter and Close", units: handles, unit: "iterator", ways: []way{
		{"not profiled", "", iterate(false)},
		{"profiled", "", iterate(true)},
	}}.run)
	b.Run("metrics", contest{title: "DB.Metrics of one family", units: 1000, unit: "call", ways: []way{
		{"Metrics", "", func() {
			for range 1000 {
				if _, err := dbs[0].Metrics(); err != nil {
					b.Fatal(err)
				}
			}
		}},
	}}.run)
}
