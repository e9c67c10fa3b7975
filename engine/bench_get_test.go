package engine_test

import (
	"fmt"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// BenchmarkGet compares Get, GetAppend and GetPinned for values of 16 bytes to 1 MiB, in cache: from
// which size on does lending C memory beat a copy?
func BenchmarkGet(b *testing.B) {
	for _, size := range []int{16, 100, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("value=%d", size), func(b *testing.B) { benchGet(b, size) })
	}
}

func benchGet(b *testing.B, size int) {
	const keys = 64
	db, err := engine.Open(b.TempDir()+"/db", &engine.Options{BlockCacheSize: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	names := make([][]byte, keys)
	for i := range names {
		names[i] = benchKey(nil, i)
		if err := db.Put(names[i], make([]byte, size), nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
	reads := max(64, min(20_000, (64<<20)/size))
	var buf []byte
	contest{title: fmt.Sprintf("Get of %d-byte values, in cache", size), units: reads, unit: "read", ways: []way{
		{"GetAppend", "", func() {
			for i := range reads {
				if buf, err = db.GetAppend(buf[:0], names[i%keys], nil); err != nil || len(buf) != size {
					b.Fatal(err)
				}
			}
		}},
		{"Get", "", func() {
			for i := range reads {
				v, err := db.Get(names[i%keys], nil)
				if err != nil || len(v) != size {
					b.Fatal(err)
				}
			}
		}},
		{"GetPinned", "", func() {
			for i := range reads {
				err := db.GetPinned(names[i%keys], nil, func(v []byte) error {
					sink += len(v)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		}},
	}}.run(b)
}
