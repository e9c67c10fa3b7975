package compare

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rockbridge-db/rockbridge/bench/report"
	"github.com/rockbridge-db/rockbridge/bench/stats"
)

// The names of the report and of the raw results are Name with an ending.
const (
	reportEnding = ".md"
	rawEnding    = ".txt"
)

// WriteFiles writes the report, its charts and the raw results into a folder, all under names that begin with name.
func (r *Run) WriteFiles(dir, name string) error {
	charts, err := r.writeCharts(dir, name)
	if err != nil {
		return err
	}
	err = report.Create(filepath.Join(dir, name+reportEnding), func(w io.Writer) error { return r.WriteMarkdown(w, name+rawEnding, charts) })
	return errors.Join(err, report.Create(filepath.Join(dir, name+rawEnding), r.WriteRaw))
}

// writeCharts draws two charts for each setting and gives their names.
func (r *Run) writeCharts(dir, name string) (map[string][]string, error) {
	out := map[string][]string{}
	for _, s := range r.Plan.Settings {
		for _, lasting := range []bool{true, false} {
			var defs []Def
			for _, stage := range r.Plan.Stages(s) {
				if stage.Lasting == lasting {
					defs = append(defs, stage.Works...)
				}
			}
			if len(defs) == 0 {
				continue
			}
			file := fmt.Sprintf("%s-%s-%s.svg", name, strings.ReplaceAll(s.Name, " ", "-"), map[bool]string{true: "reads", false: "writes"}[lasting])
			if err := r.draw(filepath.Join(dir, file), "nanoseconds a unit, "+s.Name, s.Name, defs); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			out[s.Name] = append(out[s.Name], file)
		}
	}
	return out, nil
}

func (r *Run) draw(file, title, setting string, defs []Def) error {
	var names []string
	for _, d := range defs {
		names = append(names, d.Name)
	}
	var series []report.Series
	for _, peer := range r.Plan.Peers {
		s := report.Series{Name: peer}
		for i, d := range defs {
			s.Points = append(s.Points, report.Point{X: float64(i), Y: stats.Of(r.times(setting, d, peer)).Median})
		}
		series = append(series, s)
	}
	return report.Marks(file, title, names, series)
}

// WriteRaw writes every turn as a line of go test -bench, which benchstat reads:
//
//	benchstat -filter /setting:core -row /work -col /peer peers.txt
func (r *Run) WriteRaw(w io.Writer) error {
	var b strings.Builder
	report.RawHeading(&b, "bench/compare", r.Machine, runtime.GOOS, runtime.GOARCH)
	key := strings.NewReplacer(" ", "_", "/", ":").Replace
	for _, m := range r.Measured {
		fmt.Fprintf(&b, "BenchmarkPeers/setting=%s/work=%s/peer=%s/way=%s\t%d\t%.2f ns/op\t%.2f cpu-ns/op\t%.4f cgo/op\t%.2f B/op\t%.4f allocs/op\t%d peak-rss-B\n",
			key(m.Setting), m.Work, m.Way.Peer, key(m.Way.Way), m.Units, nanos(m), cpu(m), cgo(m), allocated(m), allocs(m), m.PeakRSS)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
