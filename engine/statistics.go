package engine

import (
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// StatisticsLevel says what RocksDB counts of a database: nothing, or something for DB.Statistics. What
// it costs is in docs/tuning.md. Those after UsualStatistics need RocksDB 8.6, or are ErrUnsupported.
type StatisticsLevel int

// The levels of statistics.
const (
	NoStatistics      StatisticsLevel = iota
	UsualStatistics                   // all but the times of compression and of waits for mutexes
	TickerStatistics                  // tickers only
	UntimedStatistics                 // tickers, and the histograms that are no times
	TimedStatistics                   // all but the times of waits for mutexes
	AllStatistics                     // everything
)

var statisticsLevels = [...]uint32{
	NoStatistics: cbridge.StatisticsNone, UsualStatistics: cbridge.StatisticsUsual, TickerStatistics: cbridge.StatisticsTickers,
	UntimedStatistics: cbridge.StatisticsUntimed, TimedStatistics: cbridge.StatisticsTimed, AllStatistics: cbridge.StatisticsAll,
}

// c gives a level that validate has let pass to the C glue in its terms.
func (l StatisticsLevel) c() uint32 { return statisticsLevels[l] }

func (l StatisticsLevel) validate() error {
	switch {
	case l < 0 || int(l) >= len(statisticsLevels):
		return invalid("open", "unknown Statistics")
	case l > UsualStatistics && !Supports(StatisticsLevels):
		e := unsupported("open", StatisticsLevels)
		e.Msg = "Statistics: " + e.Msg
		return e
	}
	return nil
}

// Statistics is what RocksDB has counted of a database since it was opened, by RocksDB's own names, as in
// Tickers["rocksdb.block.cache.hit"] and Histograms["rocksdb.db.get.micros"]. It is the caller's own. Which
// names there are depends on the linked RocksDB: one that it lacks is not in the map.
type Statistics struct {
	Tickers    map[string]uint64    `json:"tickers"`
	Histograms map[string]Histogram `json:"histograms"`
}

// Histogram sums up what was measured many times, in what the name says: mostly microseconds or bytes.
// The quantiles are RocksDB's estimates. All is 0 where nothing was measured.
type Histogram struct {
	Count  uint64  `json:"count"`
	Sum    uint64  `json:"sum"`
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	P99    float64 `json:"p99"`
	Max    float64 `json:"max"`
}

// Mean is the sum divided by the count; 0 where nothing was measured.
func (h Histogram) Mean() float64 {
	if h.Count == 0 {
		return 0
	}
	return float64(h.Sum) / float64(h.Count)
}

// Since is what was counted after earlier, of the same open database: tickers, and the counts and sums of
// histograms. RocksDB cannot set statistics back, and quantiles of a stretch cannot be computed: those of
// the result are of the whole time, as in s. Neither s nor earlier is changed.
func (s Statistics) Since(earlier Statistics) Statistics {
	d := Statistics{Tickers: make(map[string]uint64, len(s.Tickers)), Histograms: make(map[string]Histogram, len(s.Histograms))}
	for name, n := range s.Tickers {
		d.Tickers[name] = n - min(n, earlier.Tickers[name])
	}
	for name, h := range s.Histograms {
		before := earlier.Histograms[name]
		h.Count -= min(h.Count, before.Count)
		h.Sum -= min(h.Sum, before.Sum)
		d.Histograms[name] = h
	}
	return d
}

// Statistics reads all of RocksDB's tickers and histograms, in one call into C. RocksDB adds up the counters
// of all processors and formats some hundreds of lines: fit for every few seconds, not for every
// request. ErrUnsupported unless Options.Statistics had them counted, ErrClosed on a closed database. Safe
// for concurrent use; figures that belong together may differ by what happened while they were read.
func (d *DB) Statistics() (Statistics, error) {
	if err := d.enter(nil, opStatistics); err != nil {
		return Statistics{}, err
	}
	defer d.guard.leave(opStatistics)
	text := d.c.Statistics()
	if text == "" {
		return Statistics{}, d.describe(dberr.New("statistics", dberr.Unsupported, "Options.Statistics has nothing counted"), "")
	}
	return parseStatistics(text), nil
}

// parseStatistics reads RocksDB's text: a line for each name, with pairs "KEY : NUMBER" behind it. Pairs
// and lines of other kinds, which a later version may have, are passed over.
func parseStatistics(text string) Statistics {
	s := Statistics{Tickers: map[string]uint64{}, Histograms: map[string]Histogram{}}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 4 && fields[1] == "COUNT" && fields[2] == ":" {
			if n, err := strconv.ParseUint(fields[3], 10, 64); err == nil {
				s.Tickers[fields[0]] = n
			}
			continue
		}
		if len(fields) > 4 && len(fields)%3 == 1 {
			if h, ok := parseHistogram(fields[1:]); ok {
				s.Histograms[fields[0]] = h
			}
		}
	}
	return s
}

// parseHistogram reads the pairs of a histogram; false unless each is one.
func parseHistogram(fields []string) (h Histogram, ok bool) {
	quantiles := map[string]*float64{"P50": &h.Median, "P95": &h.P95, "P99": &h.P99, "P100": &h.Max}
	numbers := map[string]*uint64{"COUNT": &h.Count, "SUM": &h.Sum}
	seen := 0
	for ; len(fields) > 0; fields = fields[3:] {
		var err error
		if fields[1] != ":" {
			return h, false
		}
		if q := quantiles[fields[0]]; q != nil {
			*q, err = strconv.ParseFloat(fields[2], 64)
			seen++
		} else if n := numbers[fields[0]]; n != nil {
			*n, err = strconv.ParseUint(fields[2], 10, 64)
			seen++
		}
		if err != nil {
			return h, false
		}
	}
	return h, seen >= len(quantiles)+len(numbers)
}
