package monitor

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// The ring keeps the last samples, whatever their number, in their order.
func TestTheRingIsBounded(t *testing.T) {
	var r ring
	if _, ok := r.newest(); ok || len(r.list()) != 0 {
		t.Error("an empty ring has samples")
	}
	for n := 1; n <= 2*Samples+7; n++ {
		r.add(sample{clients: n})
		list := r.list()
		newest, ok := r.newest()
		if !ok || newest.clients != n || newest.number != uint64(n) || len(list) != min(n, Samples) {
			t.Fatalf("after %d: %d samples, the newest %+v", n, len(list), newest)
		}
		for i, s := range list {
			if s.clients != n-len(list)+1+i {
				t.Fatalf("after %d: place %d has %d", n, i, s.clients)
			}
		}
	}
}

func watched(tb testing.TB, o engine.Options) *sampler {
	tb.Helper()
	db, err := engine.Open(filepath.Join(tb.TempDir(), "db"), server.Options(o))
	if err != nil {
		tb.Fatal(err)
	}
	s, err := server.New(db, server.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Shutdown(tb.Context()); err != nil {
			tb.Log(err)
		}
		db.Close()
	})
	return newSampler(New(Options{}), s, db)
}

// A sample of the server alone allocates next to nothing, and the database is left alone for long enough.
func TestSamplesCostLittle(t *testing.T) {
	w := watched(t, engine.Options{Statistics: engine.UsualStatistics})
	w.sample()
	rest := w.rest
	if w.sample(); w.rest != rest {
		t.Error("the database was asked again at once")
	}
	w.rest = time.Now().Add(time.Hour)
	if n := testing.AllocsPerRun(100, func() { w.sample() }); n > 12 {
		t.Errorf("a sample makes %v allocations", n)
	}
}

// What docs/server.md states.
func BenchmarkSample(b *testing.B) {
	for _, what := range []string{"server", "database"} {
		b.Run(what, func(b *testing.B) {
			w := watched(b, engine.Options{Statistics: engine.UsualStatistics})
			b.ReportAllocs()
			for b.Loop() {
				w.rest = time.Time{}
				if what == "server" {
					w.rest = time.Now().Add(time.Hour)
				}
				w.sample()
			}
		})
	}
}

func BenchmarkCharts(b *testing.B) {
	m := New(Options{})
	for i := range Samples {
		m.ring.add(wave(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		m.ring.add(wave(m.ring.next))
		for _, c := range charts {
			if _, ok := m.svg(c.name + "-light.svg"); !ok {
				b.Fatal(c.name)
			}
		}
	}
}

// wave is a sample of some load.
func wave(i int) sample {
	s := sample{commands: 1000 + 500*math.Sin(float64(i)/20), p50: 1e-4, p99: 1e-3 * (2 + math.Sin(float64(i)/7)), found: math.NaN()}
	s.hit = math.NaN()
	for l := range levels {
		s.bytes[l], s.files[l] = uint64(i*l)<<16, uint64(l)
	}
	return s
}

// Charts can be drawn of any values, and of few.
func TestChartsAreDrawnOfAnyValues(t *testing.T) {
	odd := []float64{0, -1, math.NaN(), 1e-12, 1, 1e18, 0.3, math.SmallestNonzeroFloat64}
	for n := range 16 {
		var list []sample
		for i := range n {
			v := odd[(i*7+n)%len(odd)]
			s := sample{commands: v, p50: v, p99: odd[i%len(odd)], found: v, goroutines: int(max(v, 0)) % 1000}
			s.hit, s.cache, s.capacity = v, uint64(i), math.MaxUint64
			s.bytes[i%levels] = uint64(i) << 50
			list = append(list, s)
		}
		for _, c := range charts {
			if got := string(c.draw(list, themes["dark"], time.Second)); !strings.HasSuffix(strings.TrimSpace(got), "</svg>") || strings.Contains(got, "NaN") || strings.Contains(got, "Inf") {
				t.Fatalf("%s of %d: %.200s", c.name, n, got)
			}
		}
	}
}

// However many look, a chart is drawn once for a sample.
func TestAChartIsDrawnOnceForASample(t *testing.T) {
	m := New(Options{})
	m.ring.add(wave(1))
	first, _ := m.svg("latency-light.svg")
	again, _ := m.svg("latency-light.svg")
	m.ring.add(wave(2))
	later, _ := m.svg("latency-light.svg")
	if &first[0] != &again[0] || &later[0] == &first[0] {
		t.Error("it was drawn again, or not drawn anew")
	}
	for _, c := range charts {
		for shade := range themes {
			m.svg(c.name + "-" + shade + ".svg")
			m.svg(fmt.Sprint(c.name, "-", shade, ".svg", "?"))
			m.svg("x" + c.name + "-" + shade + ".svg")
		}
	}
	if len(m.charts.last) != len(charts)*len(themes) {
		t.Errorf("%d drawings are kept", len(m.charts.last))
	}
}

func TestFiguresAreWrittenForPeople(t *testing.T) {
	for got, want := range map[string]string{
		grouped(0): "0", grouped(999.6): "1,000", grouped(1234567): "1,234,567", grouped(12): "12", grouped(math.NaN()): "–",
		counts(0): "0", counts(2.5): "2.5", counts(999): "999", counts(1000): "1k", counts(2500): "2.5k", counts(1e7): "10M", counts(999999): "1M",
		volumes(0): "0 B", volumes(1023): "1023 B", volumes(1024): "1 KiB", volumes(1536): "1.5 KiB", volumes(128 << 20): "128 MiB", speeds(2048): "2 KiB/s",
		volumes(math.MaxUint64): "16777216 TiB", percents(0.5): "50 %", percents(0.12345): "12.3 %", percents(1): "100 %", percents(math.NaN()): "–",
		times(1e-6): "1 µs", times(0.0123): "12.3 ms", times(1.5): "1.5 s", times(17): "17 s", times(0): "0 µs", rates(1234.4): "1,234/s",
		age(17500 * time.Millisecond): "17s", age(61 * time.Second): "1m", age(time.Hour): "1h", age(26*time.Hour + 3*time.Minute): "26h3m",
		ago(90 * time.Second): "1m30s", ago(10 * time.Minute): "10m", ago(15 * time.Second): "15s",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
