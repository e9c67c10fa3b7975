// Package prometheus shows rockbridge's metrics to Prometheus. It is a module of its own, so that the
// library requires no other. dashboard.json beside it is a Grafana dashboard of what it shows.
package prometheus

import (
	"weak"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/rockbridge-db/rockbridge/engine"
)

// NewCollector shows the metrics of db, gathered anew at each scrape, with the label db set to name:
// collectors of several databases can be registered together, each with a name of its own. The caller
// registers it, and NewProcessCollector once. It does not keep db alive; once db is closed it shows
// rockbridge_open with 0 and nothing else. Safe for concurrent use.
func NewCollector(name string, db *engine.DB) prom.Collector {
	labels := prom.Labels{"db": label(name)}
	c := &collector{
		db:   weak.Make(db),
		open: prom.NewDesc("rockbridge_open", "Whether the database is open.", nil, labels),
	}
	for _, f := range figures {
		c.descs = append(c.descs, prom.NewDesc(f.name, f.help, f.labels, labels))
	}
	return c
}

type collector struct {
	db    weak.Pointer[engine.DB]
	open  *prom.Desc
	descs []*prom.Desc // of figures, in their order
}

// Describe is for the registry.
func (c *collector) Describe(to chan<- *prom.Desc) {
	to <- c.open
	for _, d := range c.descs {
		to <- d
	}
}

// Collect is for the registry.
func (c *collector) Collect(to chan<- prom.Metric) {
	m, err := c.db.Value().Metrics()
	if err != nil {
		to <- prom.MustNewConstMetric(c.open, prom.GaugeValue, 0)
		return
	}
	to <- prom.MustNewConstMetric(c.open, prom.GaugeValue, 1)
	c.show(&m, to)
}

// show hands out what m says.
func (c *collector) show(m *engine.Metrics, to chan<- prom.Metric) {
	for i, f := range figures {
		f.read(m, sink{c.descs[i], f.kind, to})
	}
}

// sink takes the values of one figure.
type sink struct {
	desc *prom.Desc
	kind prom.ValueType
	to   chan<- prom.Metric
}

// value takes a number, with values for the figure's labels.
func (s sink) value(v float64, labels ...string) {
	s.to <- prom.MustNewConstMetric(s.desc, s.kind, v, labels...)
}

// count takes a whole number.
func (s sink) count(v uint64, labels ...string) { s.value(float64(v), labels...) }

// flag takes a truth value as 1 or 0.
func (s sink) flag(v bool, labels ...string) {
	n := uint64(0)
	if v {
		n = 1
	}
	s.count(n, labels...)
}

// NewProcessCollector shows what concerns the whole process, whatever databases it has. The caller
// registers it once. Safe for concurrent use.
func NewProcessCollector() prom.Collector { return processCollector{} }

type processCollector struct{}

var (
	heldDesc = prom.NewDesc("rockbridge_process_allocator_held_bytes",
		"What malloc has from the system; with jemalloc what is resident.", []string{"allocator"}, nil)
	inUseDesc = prom.NewDesc("rockbridge_process_allocator_in_use_bytes",
		"What malloc has handed out and has not got back.", []string{"allocator"}, nil)
	cgoDesc  = prom.NewDesc("rockbridge_process_cgo_calls_total", "Calls from Go into C.", nil, nil)
	lostDesc = prom.NewDesc("rockbridge_process_lost_databases_total",
		"Databases that were garbage before they were closed.", nil, nil)
)

// Describe is for the registry.
func (processCollector) Describe(to chan<- *prom.Desc) {
	for _, d := range []*prom.Desc{heldDesc, inUseDesc, cgoDesc, lostDesc} {
		to <- d
	}
}

// Collect is for the registry.
func (processCollector) Collect(to chan<- prom.Metric) {
	showProcess(engine.ReadProcessMetrics(), to)
}

func showProcess(p engine.ProcessMetrics, to chan<- prom.Metric) {
	to <- prom.MustNewConstMetric(heldDesc, prom.GaugeValue, float64(p.AllocatorHeld), p.Allocator)
	to <- prom.MustNewConstMetric(inUseDesc, prom.GaugeValue, float64(p.AllocatorInUse), p.Allocator)
	to <- prom.MustNewConstMetric(cgoDesc, prom.CounterValue, float64(p.CgoCalls))
	to <- prom.MustNewConstMetric(lostDesc, prom.CounterValue, float64(p.LostDatabases))
}
