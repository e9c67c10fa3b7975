package monitor

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"math"
	"strings"
	"sync"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// series is a line of a chart, or an area.
type series struct {
	name   string // unique on the page, for its figure
	title  string
	value  func(*sample) float64
	format func(float64) string
}

// chart is a part of the page.
type chart struct {
	name, title string
	axis        func(float64) string
	log         bool    // a logarithmic axis, on which 0 has no place
	stacked     bool    // areas, one upon the other
	binary      bool    // units are powers of 1024
	whole       bool    // there are no halves
	most        float64 // that the axis ends at, if it is known
	series      []series
}

func number[N int | int64 | uint64](f func(*sample) N) func(*sample) float64 {
	return func(s *sample) float64 { return float64(f(s)) }
}

// charts are in the order of the page.
var charts = []chart{
	{name: "throughput", title: "Throughput", axis: counts, series: []series{
		{"commands", "Commands", func(s *sample) float64 { return s.commands }, rates},
		{"reads", "Reads", func(s *sample) float64 { return s.reads }, rates},
		{"writes", "Writes", func(s *sample) float64 { return s.writes }, rates},
	}},
	{name: "latency", title: "Latency", axis: times, log: true, series: []series{
		{"p50", "Median", func(s *sample) float64 { return s.p50 }, times},
		{"p99", "99th percentile", func(s *sample) float64 { return s.p99 }, times},
	}},
	{name: "traffic", title: "Traffic", axis: volumes, binary: true, series: []series{
		{"in", "From clients", func(s *sample) float64 { return s.in }, speeds},
		{"out", "To clients", func(s *sample) float64 { return s.out }, speeds},
	}},
	{name: "cache", title: "Cache", axis: volumes, binary: true, series: []series{
		{"cached", "Blocks", number(func(s *sample) uint64 { return s.cache }), volumes},
		{"capacity", "Capacity", number(func(s *sample) uint64 { return s.capacity }), volumes},
		{"memtables", "Memtables", number(func(s *sample) uint64 { return s.memtables }), volumes},
	}},
	{name: "hits", title: "Hit rate", axis: percents, most: 1, series: []series{
		{"blockhits", "Blocks in the cache", func(s *sample) float64 { return s.hit }, percents},
		{"keyhits", "Keys found", func(s *sample) float64 { return s.found }, percents},
	}},
	{name: "levels", title: "Bytes by level", axis: volumes, binary: true, stacked: true, series: ofLevels("bytes", volumes,
		func(s *sample, l int) uint64 { return s.bytes[l] })},
	{name: "files", title: "Files by level", axis: counts, whole: true, stacked: true, series: ofLevels("files", grouped,
		func(s *sample, l int) uint64 { return s.files[l] })},
	{name: "threads", title: "Threads", axis: counts, whole: true, series: []series{
		{"goroutines", "Goroutines", number(func(s *sample) int { return s.goroutines }), grouped},
		{"threads", "Threads of the system", number(func(s *sample) int { return s.threads }), grouped},
		{"inc", "Calls in C", number(func(s *sample) int64 { return s.inC }), grouped},
		{"waiting", "Calls that wait for a lane", number(func(s *sample) int64 { return s.waiting }), grouped},
	}},
}

func ofLevels(name string, format func(float64) string, value func(*sample, int) uint64) (list []series) {
	for l := range levels {
		list = append(list, series{
			fmt.Sprint(name, l), fmt.Sprint("L", l),
			number(func(s *sample) uint64 { return value(s, l) }), format,
		})
	}
	return list
}

// theme is what is drawn with.
type theme struct {
	ink, grid color.Color
	series    [levels]color.NRGBA
}

func rgb(n uint32) color.NRGBA {
	return color.NRGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
}

// themes are those of a page with a light and with a dark ground.
var themes = map[string]theme{
	"light": {rgb(0x475569), rgb(0xe2e8f0), [...]color.NRGBA{
		rgb(0x2563eb), rgb(0xc2410c), rgb(0x047857), rgb(0x7c3aed), rgb(0xbe185d), rgb(0xa16207), rgb(0x0e7490),
	}},
	"dark": {rgb(0x9aa7b8), rgb(0x2b3648), [...]color.NRGBA{
		rgb(0x60a5fa), rgb(0xfb923c), rgb(0x34d399), rgb(0xa78bfa), rgb(0xf472b6), rgb(0xfacc15), rgb(0x22d3ee),
	}},
}

// paletteCSS gives the colours of series to the style sheet.
func paletteCSS() string {
	var b strings.Builder
	rules := func(t theme) {
		for i, c := range t.series {
			fmt.Fprintf(&b, ".c%d { --c: #%02x%02x%02x; }\n", i, c.R, c.G, c.B)
		}
	}
	rules(themes["light"])
	b.WriteString("@media (prefers-color-scheme: dark) {\n")
	rules(themes["dark"])
	b.WriteString("}\n")
	return b.String()
}

// dashes tell lines apart for who sees no colours.
var dashes = [][]vg.Length{nil, {vg.Points(5), vg.Points(2)}, {vg.Points(1.5), vg.Points(1.5)}, {vg.Points(6), vg.Points(2), vg.Points(1.5), vg.Points(2)}}

// The size of a chart, in points; the page fits it to its column.
const (
	chartWidth  = 360
	chartHeight = 170
)

// drawings are the charts as they were last drawn. Each is drawn once for a sample, however many look.
type drawings struct {
	mu   sync.Mutex
	last map[string]drawing // by chart and theme
}

type drawing struct {
	number uint64
	svg    []byte
}

// svg draws a chart, named as in "latency-dark.svg"; false if there is none of that name.
func (m *Monitor) svg(name string) ([]byte, bool) {
	base, isSVG := strings.CutSuffix(name, ".svg")
	base, shade, _ := strings.Cut(base, "-")
	t, known := themes[shade]
	at := indexOf(base)
	if !isSVG || !known || at < 0 {
		return nil, false
	}
	m.charts.mu.Lock()
	defer m.charts.mu.Unlock()
	newest, _ := m.ring.newest()
	if d, ok := m.charts.last[name]; ok && d.number == newest.number {
		return d.svg, true
	}
	d := drawing{newest.number, charts[at].draw(m.ring.list(), t, m.every)}
	if m.charts.last == nil {
		m.charts.last = map[string]drawing{}
	}
	m.charts.last[name] = d
	return d.svg, true
}

func indexOf(name string) int {
	for i := range charts {
		if charts[i].name == name {
			return i
		}
	}
	return -1
}

// draw gives the chart as SVG.
func (c *chart) draw(list []sample, t theme, every time.Duration) []byte {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color, a.Tick.LineStyle.Color, a.Tick.Label.Color = t.ink, t.ink, t.ink
		a.LineStyle.Width, a.Tick.LineStyle.Width, a.Tick.Length, a.Padding = 0, 0, vg.Points(2), 0
		a.Tick.Label.Font.Size, a.Tick.Label.Font.Variant = vg.Points(9), "Sans"
	}
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color, grid.Horizontal.Width = t.grid, vg.Points(0.6)
	p.Add(grid)
	low, high := c.fill(p, list, t)
	span := spanOf(len(list))
	p.X.Min, p.X.Max = float64(1-span), 0
	p.X.Tick.Marker = timeTicks(span, every)
	c.scale(&p.Y, low, high)
	canvas := vgsvg.New(chartWidth, chartHeight)
	p.Draw(draw.Crop(draw.New(canvas), 0, -vg.Points(8), 0, -vg.Points(6)))
	var b bytes.Buffer
	_, _ = canvas.WriteTo(&b) // into memory
	return c.finish(b.String())
}

// fill adds the series, and gives the lowest and the highest value.
func (c *chart) fill(p *plot.Plot, list []sample, t theme) (low, high float64) {
	low = math.Inf(1)
	below := make([]float64, len(list))
	for i, s := range c.series {
		values := make([]float64, len(list))
		for j := range list {
			v := s.value(&list[j])
			if c.stacked {
				v += below[j]
			}
			if c.log && v <= 0 {
				v = math.NaN()
			}
			values[j] = v
			if !math.IsNaN(v) {
				low, high = min(low, v), max(high, v)
			}
		}
		if c.stacked {
			area(p, values, below, t.series[i])
			below = values
			continue
		}
		lines(p, values, t.series[i], dashes[i%len(dashes)])
	}
	return low, high
}

// place is where the i-th of n samples lies: the newest at 0.
func place(i, n int) float64 { return float64(i - n + 1) }

// lines draws values, with gaps where there are none.
func lines(p *plot.Plot, values []float64, c color.NRGBA, dash []vg.Length) {
	var run plotter.XYs
	end := func() {
		if len(run) == 1 { // a point is a short line
			run = append(run, plotter.XY{X: run[0].X - 1, Y: run[0].Y})
		}
		if len(run) > 0 {
			line, err := plotter.NewLine(run)
			if err == nil { // they are numbers
				line.Color, line.Width, line.Dashes = c, vg.Points(1.4), dash
				p.Add(line)
			}
		}
		run = nil
	}
	for i, v := range values {
		if math.IsNaN(v) {
			end()
			continue
		}
		run = append(run, plotter.XY{X: place(i, len(values)), Y: v})
	}
	end()
}

// area fills what is between two lines.
func area(p *plot.Plot, values, below []float64, c color.NRGBA) {
	empty := true
	var edge plotter.XYs
	for i, v := range values {
		edge = append(edge, plotter.XY{X: place(i, len(values)), Y: v})
		empty = empty && v == below[i]
	}
	if empty {
		return
	}
	for i := len(below) - 1; i >= 0; i-- {
		edge = append(edge, plotter.XY{X: place(i, len(below)), Y: below[i]})
	}
	shape, err := plotter.NewPolygon(edge)
	if err != nil {
		return
	}
	shape.LineStyle.Width = 0
	c.A = 190
	shape.Color = c
	p.Add(shape)
}

// scale chooses the ends of the axis, and its ticks.
func (c *chart) scale(a *plot.Axis, low, high float64) {
	if c.log {
		if high == 0 {
			low, high = 1e-5, 1e-3
		}
		a.Scale = plot.LogScale{}
		a.Min, a.Max = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high*1.01)))
		var ticks plot.ConstantTicks
		for v := a.Min; v <= a.Max*1.01; v *= 10 {
			ticks = append(ticks, plot.Tick{Value: v, Label: c.axis(v)})
		}
		a.Tick.Marker = ticks
		return
	}
	if c.most > 0 {
		high = c.most
	}
	if high == 0 {
		high = 1
	}
	step := tickStep(high/4, c.binary)
	if c.whole {
		step = math.Max(math.Ceil(step), 1)
	}
	a.Min, a.Max = 0, step*math.Ceil(high/step)
	var ticks plot.ConstantTicks
	for i := 0.0; i*step <= a.Max*1.001; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: c.axis(i * step)})
	}
	a.Tick.Marker = ticks
}

// tickStep is a round number that is not below least.
func tickStep(least float64, binary bool) float64 {
	unit := 1.0
	if binary {
		for unit*1024 <= least {
			unit *= 1024
		}
		least /= unit
	}
	ten := math.Pow(10, math.Floor(math.Log10(least)))
	for _, f := range []float64{1, 2, 2.5, 5, 10} {
		if f*ten >= least*0.9999 {
			return f * ten * unit
		}
	}
	return 10 * ten * unit
}

// spanOf is for how many samples there is to be room, as long as there are so many.
func spanOf(n int) int {
	for _, span := range []int{Samples / 10, Samples / 5, Samples / 2} {
		if n <= span {
			return span
		}
	}
	return Samples
}

// timeTicks tell how long ago something was.
func timeTicks(span int, every time.Duration) plot.ConstantTicks {
	parts := 4
	if span > Samples/5 {
		parts = 5
	}
	var ticks plot.ConstantTicks
	for i := 1; i <= parts-1; i++ {
		n := span * i / parts
		ticks = append(ticks, plot.Tick{Value: float64(-n), Label: "−" + ago(time.Duration(n)*every)})
	}
	return append(ticks, plot.Tick{Value: 0, Label: "now"})
}

// finish makes the picture one that fits any width, in the reader's font, and that says what it shows.
func (c *chart) finish(svg string) []byte {
	svg = strings.Replace(svg, fmt.Sprintf(`width="%dpt" height="%dpt" `, chartWidth, chartHeight), "", 1)
	svg = strings.ReplaceAll(svg, "font-family:Liberation Sans;", "font-family:system-ui,sans-serif;")
	if at := strings.Index(svg, "<g "); at >= 0 {
		svg = svg[:at] + "<title>" + html.EscapeString(c.title) + "</title>\n" + svg[at:]
	}
	return []byte(svg)
}
