package serving

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/bench/report"
	"github.com/rockbridge-db/rockbridge/bench/stats"
)

// The names of the report and of the raw results.
const (
	ReportFile = "server.md"
	RawFile    = "server.txt"
)

// WriteFiles writes the report, its charts and the raw results into a folder.
func (r *Run) WriteFiles(dir string) error {
	charts, err := r.WriteCharts(dir)
	if err != nil {
		return err
	}
	err = report.Create(filepath.Join(dir, ReportFile), func(w io.Writer) error { return r.WriteMarkdown(w, RawFile, charts) })
	return errors.Join(err, report.Create(filepath.Join(dir, RawFile), r.WriteRaw))
}

// Charts are the file names that the report shows of a group.
type Charts struct{ Rate, P99 string }

// WriteCharts draws what was measured into files of folder dir and gives their names.
func (r *Run) WriteCharts(dir string) (map[Group]Charts, error) {
	all := map[Group]Charts{}
	for _, g := range r.Groups() {
		name := func(what string) string { return fmt.Sprintf("server-%s-%d-%s.svg", g.Durability, g.Clients, what) }
		c := Charts{name("rate"), name("p99")}
		if err := r.draw(filepath.Join(dir, c.Rate), g, "requests a second, ", rate); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Rate, err)
		}
		if err := r.draw(filepath.Join(dir, c.P99), g, "99th percentile of latency, µs, ", p99); err != nil {
			return nil, fmt.Errorf("%s: %w", c.P99, err)
		}
		all[g] = c
	}
	return all, nil
}

// draw makes a chart with a line for each work of each server.
func (r *Run) draw(file string, g Group, title string, f metric) error {
	var series []report.Series
	for _, work := range r.Plan.Works {
		for _, name := range both {
			one := report.Series{Name: upper(work) + " " + string(name)}
			for _, s := range r.settings(g) {
				if s.Work == work {
					one.Points = append(one.Points, report.Point{X: float64(s.Pipeline), Y: stats.Of(r.values(name, s, f)).Median})
				}
			}
			series = append(series, one)
		}
	}
	return report.Lines(file, title+groupName(g.Durability, g.Clients), "requests in a pipeline", series)
}
