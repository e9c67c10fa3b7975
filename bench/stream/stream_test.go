// Package stream_test measures exports of rows against a scan in Go whose rows are compressed in Go.
package stream_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/rockbridge-db/rockbridge/bench/stats"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var (
	rounds = flag.Int("rounds", 7, "interleaved rounds of each way")
	rows   = flag.Int("rows", 400_000, "rows of a key of 16 bytes and a value of 100, of which half compresses")
)

// counting is a writer that only counts.
type counting struct{ n int64 }

func (c *counting) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// open makes a database whose rows lie in files and, once they were read, in the cache.
func open(b *testing.B) *engine.DB {
	b.Helper()
	db, err := engine.Open(filepath.Join(b.TempDir(), "db"), &engine.Options{BlockCacheSize: 256 << 20})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	r := rand.New(rand.NewPCG(1, 1))
	batch, value := db.NewBatch(), make([]byte, 100)
	for i := range *rows {
		for j := 0; j < 50; j += 5 {
			binary.LittleEndian.PutUint64(value[j:], r.Uint64())
		}
		copy(value[50:], "the part of each value that is the same in all ...")
		batch.Put(fmt.Appendf(nil, "key %012d", i), value)
		if batch.Size() > 4<<20 || i == *rows-1 {
			if err := db.Write(batch, nil); err != nil {
				b.Fatal(err)
			}
			batch.Reset()
		}
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := db.Compact(nil, nil, nil); err != nil {
		b.Fatal(err)
	}
	if _, _, _, err := engine.Count(nil, db, nil); err != nil {
		b.Fatal(err)
	}
	return db
}

func export(b *testing.B, db *engine.DB, w io.Writer) {
	if _, err := engine.Export(nil, db, nil, w, nil); err != nil {
		b.Fatal(err)
	}
}

// twin is the same in Go: chunks of rows, framed as Export does, without its checksums but with zstd's.
func twin(b *testing.B, db *engine.DB, w io.Writer, o ...zstd.EOption) {
	z, err := zstd.NewWriter(w, append(o, zstd.WithEncoderLevel(zstd.SpeedDefault))...)
	if err != nil {
		b.Fatal(err)
	}
	it, err := db.NewIter(nil)
	if err != nil {
		b.Fatal(err)
	}
	var c iterator.Chunk
	buf := make([]byte, 0, 256<<10)
	for it.NextChunk(&c) {
		for key, value := range c.All() {
			buf = binary.AppendUvarint(buf, uint64(len(key))+1)
			buf = binary.AppendUvarint(buf, uint64(len(value)))
			buf = append(append(buf, key...), value...)
			if len(buf) > 128<<10 {
				if _, err := z.Write(buf); err != nil {
					b.Fatal(err)
				}
				buf = buf[:0]
			}
		}
	}
	if _, err := z.Write(buf); err != nil {
		b.Fatal(err)
	}
	if err := it.Close(); err != nil {
		b.Fatal(err)
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
}

// cpu is the processor time that this process has used, in seconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// BenchmarkExport runs all ways in turn, in each round, and reports medians and ratios of rounds: how many times
// longer the ways in Go take, and how many times more processor time.
func BenchmarkExport(b *testing.B) {
	db := open(b)
	ways := []struct {
		name string
		run  func(w io.Writer)
	}{
		{"export", func(w io.Writer) { export(b, db, w) }},
		{"go-1-thread", func(w io.Writer) { twin(b, db, w, zstd.WithEncoderConcurrency(1)) }},
		{"go-threads", func(w io.Writer) { twin(b, db, w) }},
	}
	took, used := make([][]float64, len(ways)), make([][]float64, len(ways))
	for b.Loop() {
		for round := range *rounds + 1 {
			for i, way := range ways {
				w := &counting{}
				begin, busy := time.Now(), cpu(b)
				way.run(w)
				if round > 0 { // the first one warms up
					used[i] = append(used[i], cpu(b)-busy)
					took[i] = append(took[i], time.Since(begin).Seconds())
				} else {
					b.ReportMetric(float64(w.n), way.name+"-bytes")
				}
			}
		}
	}
	for i, way := range ways {
		s := stats.Of(took[i])
		b.ReportMetric(s.Median*1000, way.name+"-ms")
		if i > 0 {
			r := stats.Of(stats.Ratios(took[i], took[0]))
			b.ReportMetric(r.Median, way.name+"/export")
			c := stats.Of(stats.Ratios(used[i], used[0]))
			b.ReportMetric(c.Median, way.name+"-cpu/export")
			b.Logf("%s/export: median %.2f, %.2f to %.2f in %d rounds; processor time %.2f, %.2f to %.2f",
				way.name, r.Median, r.Low, r.High, r.Rounds, c.Median, c.Low, c.High)
		}
	}
}
