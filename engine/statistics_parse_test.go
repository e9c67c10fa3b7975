package engine

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var statisticsSeed = flag.Uint64("statistics.seed", 0, "seed of the random texts of statistics; 0 takes a new one")

func TestTextsOfStatisticsAreReadByName(t *testing.T) {
	full := Histogram{Count: 7, Sum: 18446744073709551615, Median: 1.5, P95: 2.25, P99: 3, Max: 12345678901234}
	for text, want := range map[string]Statistics{
		"":                                 {},
		"\n\n":                             {},
		"a.b COUNT : 7\n":                  {Tickers: map[string]uint64{"a.b": 7}},
		"a.b COUNT : 18446744073709551615": {Tickers: map[string]uint64{"a.b": 18446744073709551615}},
		"a COUNT : 1\r\nb COUNT : 2\n":     {Tickers: map[string]uint64{"a": 1, "b": 2}},
		"a COUNT : 1\na COUNT : 2\n":       {Tickers: map[string]uint64{"a": 2}},
		"a COUNT : -1\nb COUNT : 1.5\n":    {},
		"a COUNT : 18446744073709551616\n": {},
		"a COUNT 1\na COUNT:1\na : 1\nCOUNT : 1\n": {},
		"h P50 : 1.500000 P95 : 2.250000 P99 : 3.000000 P100 : 12345678901234.000000 COUNT : 7 SUM : 18446744073709551615\n": {
			Histograms: map[string]Histogram{"h": full},
		},
		"h COUNT : 7 SUM : 18446744073709551615 P999 : 4.0 P100 : 12345678901234 P99 : 3 P95 : 2.25 P50 : 1.5": {
			Histograms: map[string]Histogram{"h": full}, // in another order, with one more
		},
		"h P50 : 1.5 P95 : 2.25 P99 : 3 P100 : 4 COUNT : 7\n":             {}, // one is missing
		"h P50 : x P95 : 2.25 P99 : 3 P100 : 4 COUNT : 7 SUM : 1\n":       {},
		"h P50 : 1.5 P95 = 2.25 P99 : 3 P100 : 4 COUNT : 7 SUM : 1\n":     {},
		"h P50 : 1.5 P95 : 2.25 P99 : 3 P100 : 4 COUNT : 7 SUM : -1\n":    {},
		"h P50 : 1.5 P95 : 2.25 P99 : 3 P100 : 4 COUNT : 7 SUM : 1 X :\n": {},
		"some other line of a later version\na COUNT : 1\n":               {Tickers: map[string]uint64{"a": 1}},
	} {
		got := parseStatistics(text)
		if !maps.Equal(got.Tickers, want.Tickers) || !maps.Equal(got.Histograms, want.Histograms) {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// statisticsText writes statistics as RocksDB does.
func statisticsText(s Statistics) string {
	var b strings.Builder
	for name, n := range s.Tickers {
		fmt.Fprintf(&b, "%s COUNT : %d\n", name, n)
	}
	for name, h := range s.Histograms {
		fmt.Fprintf(&b, "%s P50 : %f P95 : %f P99 : %f P100 : %f COUNT : %d SUM : %d\n", name, h.Median, h.P95, h.P99, h.Max, h.Count, h.Sum)
	}
	return b.String()
}

func TestAnyStatisticsAreReadAsTheyAreWritten(t *testing.T) {
	seed := *statisticsSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -statistics.seed=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	number := func() uint64 { return r.Uint64() >> r.IntN(64) }
	for range 200 {
		s := Statistics{Tickers: map[string]uint64{}, Histograms: map[string]Histogram{}}
		earlier := Statistics{Tickers: map[string]uint64{}, Histograms: map[string]Histogram{}}
		for range r.IntN(30) {
			name := "rocksdb." + strconv.Itoa(r.IntN(100))
			s.Tickers[name] = number()
			earlier.Tickers[name] = min(s.Tickers[name], number())
		}
		for range r.IntN(30) {
			name := "rocksdb.micros." + strconv.Itoa(r.IntN(100))
			h := Histogram{Count: number(), Sum: number(), Median: float64(r.IntN(1 << 30)), P95: float64(r.IntN(1<<30)) / 4, P99: 0.5, Max: float64(number() >> 11)}
			s.Histograms[name] = h
			h.Count, h.Sum = min(h.Count, number()), min(h.Sum, number())
			earlier.Histograms[name] = h
		}
		got := parseStatistics(statisticsText(s))
		if !maps.Equal(got.Tickers, s.Tickers) || !maps.Equal(got.Histograms, s.Histograms) {
			t.Fatalf("wrote %+v, read %+v", s, got)
		}
		since := s.Since(earlier)
		for name, n := range s.Tickers {
			if since.Tickers[name]+earlier.Tickers[name] != n {
				t.Fatalf("%s: %d since %d, but %d", name, since.Tickers[name], earlier.Tickers[name], n)
			}
		}
		for name, h := range s.Histograms {
			d, before := since.Histograms[name], earlier.Histograms[name]
			d.Count, d.Sum = d.Count+before.Count, d.Sum+before.Sum
			if d != h {
				t.Fatalf("%s: %+v since %+v, but %+v", name, since.Histograms[name], before, h)
			}
		}
		if again := s.Since(Statistics{}); !maps.Equal(again.Tickers, s.Tickers) || !maps.Equal(again.Histograms, s.Histograms) {
			t.Fatalf("since nothing: %+v, but %+v", again, s)
		}
	}
}

// Every line of the linked RocksDB is one that the parser knows.
func TestNoLineOfStatisticsIsPassedOver(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "db"), &Options{Statistics: UsualStatistics})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	text := d.c.Statistics()
	s := parseStatistics(text)
	if lines := strings.Count(text, "\n"); len(s.Tickers)+len(s.Histograms) != lines || len(s.Tickers) < 150 || len(s.Histograms) < 40 {
		t.Errorf("%d tickers and %d histograms of %d lines", len(s.Tickers), len(s.Histograms), lines)
	}
}

func FuzzStatistics(f *testing.F) {
	f.Add("a.b COUNT : 7\n")
	f.Add("h P50 : 1.5 P95 : 2.25 P99 : 3 P100 : 4 COUNT : 7 SUM : 1\n")
	f.Add("h P50 : nan P95 : 2.25 P99 : 3 P100 : 4 COUNT : 7 SUM : 1\n: : : :")
	f.Fuzz(func(t *testing.T, text string) {
		s := parseStatistics(text)
		again := parseStatistics(statisticsText(s))
		if !maps.Equal(again.Tickers, s.Tickers) || len(again.Histograms) != len(s.Histograms) {
			t.Errorf("%+v became %+v", s, again)
		}
	})
}
