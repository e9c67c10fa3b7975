package report

import (
	"image/color"
	"io"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The size of a chart, and of the part on its right that says which mark is whose.
const (
	chartWidth  = 9 * vg.Inch
	chartHeight = 5 * vg.Inch
	legendWidth = 2.2 * vg.Inch
)

// Series is what a chart shows of one contender.
type Series struct {
	Name   string
	Points []Point
}

// Point is a value Y at X. Those without a positive Y are left out: a logarithm has no place for 0, and nothing is known
// of NaN.
type Point struct{ X, Y float64 }

// Lines draws a line for each series, both axes logarithmic, with ticks where the points lie.
func Lines(file, title, x string, series []Series) error {
	p := newPlot(title)
	p.X.Label.Text = x
	p.X.Scale = plot.LogScale{}
	legend := newLegend()
	ticks := map[float64]bool{}
	for i, s := range series {
		points := positive(s.Points)
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
		legend.Add(s.Name, line, marks)
		for _, point := range s.Points {
			ticks[point.X] = true
		}
	}
	var at plot.ConstantTicks
	for x := range ticks {
		at = append(at, plot.Tick{Value: x, Label: strconv.FormatFloat(x, 'f', -1, 64)})
	}
	p.X.Tick.Marker = at
	widen(p)
	p.X.Min, p.X.Max = p.X.Min/1.2, p.X.Max*1.2
	return write(file, p, legend)
}

// Marks draws values by category, on a logarithmic axis: the X of a point is the index of its category.
func Marks(file, title string, categories []string, series []Series) error {
	p := newPlot(title)
	legend := newLegend()
	for i, s := range series {
		points := positive(s.Points)
		if len(points) == 0 {
			continue
		}
		marks, err := plotter.NewScatter(points)
		if err != nil {
			return err
		}
		marks.Color, marks.Shape, marks.Radius = plotutil.Color(i), plotutil.Shape(i), vg.Points(4)
		p.Add(marks)
		legend.Add(s.Name, marks)
	}
	p.NominalX(categories...)
	p.X.Min, p.X.Max = -0.5, float64(len(categories))-0.5
	p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = 0.5, draw.XRight, draw.YTop
	widen(p)
	return write(file, p, legend)
}

func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text = title
	p.Y.Scale = plot.LogScale{}
	p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
	p.Add(plotter.NewGrid())
	return p
}

func newLegend() plot.Legend {
	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	return legend
}

func positive(points []Point) plotter.XYs {
	var out plotter.XYs
	for _, p := range points {
		if p.Y > 0 {
			out = append(out, plotter.XY{X: p.X, Y: p.Y})
		}
	}
	return out
}

// widen gives an axis on which everything is one value some room, which a logarithmic scale needs.
func widen(p *plot.Plot) { p.Y.Min, p.Y.Max = p.Y.Min/1.5, p.Y.Max*1.5 }

// write draws the legend beside the plot, where it hides no mark.
func write(file string, p *plot.Plot, legend plot.Legend) error {
	canvas := vgsvg.New(chartWidth, chartHeight)
	all := draw.New(canvas)
	p.Draw(draw.Crop(all, 0, -legendWidth, 0, 0))
	legend.Draw(draw.Crop(all, chartWidth-legendWidth, 0, 0, -0.4*vg.Inch))
	return Create(file, func(w io.Writer) error {
		_, err := canvas.WriteTo(w)
		return err
	})
}
