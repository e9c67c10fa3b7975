package engine_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// BenchmarkTuning shows what compression, dictionaries and filters make of 100,000 rows of about 150 bytes that look like
// JSON records: bytes of data and of filters in the files, and a lookup in cache.
func BenchmarkTuning(b *testing.B) {
	const rows = 100_000
	codec := func(c engine.Compression, t engine.Tuning) engine.FamilyOptions {
		return engine.FamilyOptions{Compression: c, BloomBitsPerKey: 10, Tuning: t}
	}
	ribbon, parts := engine.Tuning{Filter: engine.RibbonFilter}, engine.Tuning{PartitionFilters: true}
	for _, x := range []struct {
		name string
		f    engine.FamilyOptions
	}{
		{"none, no filter", engine.FamilyOptions{Compression: engine.NoCompression}},
		{"none", codec(engine.NoCompression, engine.Tuning{})},
		{"none, ribbon", codec(engine.NoCompression, ribbon)},
		{"none, filter in parts", codec(engine.NoCompression, parts)},
		{"snappy", codec(engine.SnappyCompression, engine.Tuning{})},
		{"lz4", codec(engine.LZ4Compression, engine.Tuning{})},
		{"zstd", codec(engine.ZSTDCompression, engine.Tuning{})},
		{"zstd, level 1", codec(engine.ZSTDCompression, engine.Tuning{CompressionLevel: 1})},
		{"zstd, level 12", codec(engine.ZSTDCompression, engine.Tuning{CompressionLevel: 12})},
		{"zstd, dictionary", codec(engine.ZSTDCompression, engine.Tuning{DictionaryBytes: 16 << 10})},
		{"zstd, trained dictionary", codec(engine.ZSTDCompression, engine.Tuning{DictionaryBytes: 16 << 10, DictionaryTrainBytes: 1600 << 10})},
		{"lz4, last level zstd", codec(engine.LZ4Compression, engine.Tuning{BottommostCompression: engine.ZSTDCompression})},
	} {
		b.Run(x.name, func(b *testing.B) {
			db, err := engine.Open(b.TempDir()+"/db", &engine.Options{FamilyOptions: x.f})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			key := func(i int) []byte { return fmt.Appendf(nil, "user/%08d", i*7919%rows) }
			for i := range rows {
				value := fmt.Appendf(nil, `{"id":%d,"name":"user %d","email":"u%d@example.org","active":%v,"score":%d,"tags":["a%d","b%d"],"city":"%x"}`,
					i, i, i*31%rows, i%3 == 0, i*i%1000, i%17, i%23, i*2654435761%(1<<24))
				if err := db.Put(key(i), value, nil); err != nil {
					b.Fatal(err)
				}
			}
			if err := db.Compact(context.Background(), nil, nil); err != nil {
				b.Fatal(err)
			}
			var buf []byte
			for i := 0; b.Loop(); i++ {
				if buf, err = db.GetAppend(buf[:0], key(i%rows), nil); err != nil {
					b.Fatal(err)
				}
			}
			p, err := db.PropertyMap(engine.PropAggregatedTableProperties)
			if err != nil {
				b.Fatal(err)
			}
			for name, unit := range map[string]string{"data block size": "data-bytes", "filter block size": "filter-bytes"} {
				n, err := strconv.ParseFloat(p[name], 64)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(n, unit)
			}
		})
	}
}
