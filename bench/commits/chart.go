package commits

import (
	"fmt"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/bench/report"
	"github.com/rockbridge-db/rockbridge/bench/stats"
)

// WriteCharts draws what was measured into files of folder dir and gives their names; what there is no data of has none.
func (r *Run) WriteCharts(dir string) (c Charts, err error) {
	median := func(k Kind, f metric) func(string, int) float64 {
		return func(contender string, width int) float64 { return stats.Of(r.values(contender, k, width, f)).Median }
	}
	fsyncs := func(contender string, width int) float64 {
		n, _ := r.fsyncs(contender, width)
		return n
	}
	micros := func(m Measured) float64 { return float64(m.P99) / 1e3 }
	for _, chart := range []struct {
		name  *string
		file  string
		kind  Kind
		title string
		value func(string, int) float64
		none  bool
	}{
		{&c.Synced, "commits-synced.svg", Synced, "synced commits a second, median", median(Synced, commitsPerSecond), false},
		{&c.Unsynced, "commits-unsynced.svg", Unsynced, "unsynced commits a second, median", median(Unsynced, commitsPerSecond), false},
		{&c.P99, "commits-p99.svg", Synced, "99th percentile of a synced commit's latency, µs", median(Synced, micros), false},
		{&c.Fsyncs, "commits-fsyncs.svg", Synced, "fsyncs a commit", fsyncs, len(r.Counted) == 0},
	} {
		if chart.none || len(r.Plan.Widths[chart.kind]) == 0 {
			continue
		}
		if err := r.draw(filepath.Join(dir, chart.file), chart.kind, chart.title, chart.value); err != nil {
			return c, fmt.Errorf("%s: %w", chart.file, err)
		}
		*chart.name = chart.file
	}
	return c, nil
}

// draw makes a chart with one line for each contender.
func (r *Run) draw(file string, k Kind, title string, value func(contender string, width int) float64) error {
	var series []report.Series
	for _, c := range r.Plan.Of(k) {
		s := report.Series{Name: c.Name()}
		for _, width := range r.Plan.Widths[k] {
			s.Points = append(s.Points, report.Point{X: float64(width), Y: value(c.Name(), width)})
		}
		series = append(series, s)
	}
	return report.Lines(file, title, "goroutines", series)
}
