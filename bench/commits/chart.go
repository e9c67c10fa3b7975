package commits

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/rockbridge-db/rockbridge/bench/stats"
)

// The size of a chart, and of the part on its right that says which line is whose.
const (
	chartWidth  = 9 * vg.Inch
	chartHeight = 5 * vg.Inch
	legendWidth = 2.2 * vg.Inch
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

// draw makes a chart with both axes logarithmic and one line for each contender.
func (r *Run) draw(file string, k Kind, title string, value func(contender string, width int) float64) error {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text = title
	p.X.Label.Text = "goroutines"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
	p.Add(plotter.NewGrid())
	var ticks plot.ConstantTicks
	for _, width := range r.Plan.Widths[k] {
		ticks = append(ticks, plot.Tick{Value: float64(width), Label: strconv.Itoa(width)})
	}
	p.X.Tick.Marker = ticks
	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	for i, c := range r.Plan.Of(k) {
		var points plotter.XYs
		for _, width := range r.Plan.Widths[k] {
			if y := value(c.Name(), width); y > 0 { // a logarithm has no place for 0, and nothing is known of NaN
				points = append(points, plotter.XY{X: float64(width), Y: y})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color, line.Dashes, line.Width = plotutil.Color(i), plotutil.Dashes(i), vg.Points(1.5)
		marks.Color, marks.Shape = plotutil.Color(i), plotutil.Shape(i)
		p.Add(line, marks)
		legend.Add(c.Name(), line, marks)
	}
	widen(p)
	return write(file, p, legend)
}

// widen gives axes on which everything is one value some room, which a logarithmic scale needs.
func widen(p *plot.Plot) {
	p.X.Min, p.X.Max = p.X.Min/1.2, p.X.Max*1.2
	p.Y.Min, p.Y.Max = p.Y.Min/1.5, p.Y.Max*1.5
}

// write draws the legend beside the plot, where it hides no line.
func write(file string, p *plot.Plot, legend plot.Legend) error {
	canvas := vgsvg.New(chartWidth, chartHeight)
	all := draw.New(canvas)
	p.Draw(draw.Crop(all, 0, -legendWidth, 0, 0))
	legend.Draw(draw.Crop(all, chartWidth-legendWidth, 0, 0, -0.4*vg.Inch))
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(f); err != nil {
		_ = f.Close() // the first error is the one that says what happened
		return err
	}
	return f.Close()
}
