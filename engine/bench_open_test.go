package engine_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// BenchmarkOpenAfterCrash opens databases with an unflushed log, and says what part of that is the look
// into the log before RocksDB replays it.
func BenchmarkOpenAfterCrash(b *testing.B) {
	const rows, size = 400_000, 100
	dir := filepath.Join(b.TempDir(), "db")
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 1 << 30}, Extra: "avoid_flush_during_recovery=true"}
	db, err := engine.Open(dir, o)
	if err != nil {
		b.Fatal(err)
	}
	value := bytes.Repeat([]byte{'v'}, size)
	for i := range rows {
		if err := db.Put(benchKey(nil, i), value, nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	var parts, rates []float64
	for b.Loop() {
		begin := time.Now()
		logs, err := ondisk.ReadLogs(dir, 0)
		if err != nil {
			b.Fatal(err)
		}
		look := time.Since(begin)
		begin = time.Now()
		db, err := engine.Open(dir, o)
		if err != nil {
			b.Fatal(err)
		}
		whole := time.Since(begin)
		if n := db.Recovery().Rows; n != rows {
			b.Fatalf("%d rows came back", n)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		bytes := int64(0)
		for _, l := range logs {
			bytes += l.Size
		}
		parts = append(parts, look.Seconds()/whole.Seconds())
		rates = append(rates, float64(bytes)/look.Seconds()/1e6)
	}
	slices.Sort(parts)
	slices.Sort(rates)
	b.ReportMetric(parts[len(parts)/2], "look/open")
	b.ReportMetric(rates[len(rates)/2], "MB/s")
}
