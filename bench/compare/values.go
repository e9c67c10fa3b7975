package compare

import (
	"math"

	"github.com/rockbridge-db/rockbridge/bench/stats"
)

// metric is something that each turn has a value of.
type metric func(Measured) float64

func perUnit(sum func(Measured) float64) metric {
	return func(m Measured) float64 { return sum(m) / float64(max(m.Units, 1)) }
}

var (
	nanos     = perUnit(func(m Measured) float64 { return float64(m.Elapsed) })
	cpu       = perUnit(func(m Measured) float64 { return float64(m.CPU) })
	cgo       = perUnit(func(m Measured) float64 { return float64(m.CgoCalls) })
	allocs    = perUnit(func(m Measured) float64 { return float64(m.Mallocs) })
	allocated = perUnit(func(m Measured) float64 { return float64(m.AllocBytes) })
)

func peakMiB(m Measured) float64 { return float64(m.PeakRSS) / (1 << 20) }

// values gives a way's values of a metric, by round.
func (r *Run) values(setting, work, peer, way string, f metric) []float64 {
	var out []float64
	for _, m := range r.Measured {
		if m.Setting == setting && m.Work == work && m.Way.Peer == peer && m.Way.Way == way {
			out = append(out, f(m))
		}
	}
	return out
}

// first gives the way that a peer is compared by.
func (d Def) first(peer string) (Way, bool) {
	for _, w := range d.Ways {
		if w.Peer == peer {
			return w, true
		}
	}
	return Way{}, false
}

// times gives how long a unit took by a peer's first way, by round; nothing of a peer that does not take part.
func (r *Run) times(setting string, d Def, peer string) []float64 {
	w, ok := d.first(peer)
	if !ok {
		return nil
	}
	return r.values(setting, d.Name, peer, w.Way, nanos)
}

// best gives the quickest way of the peers that are neither rockbridge nor the C loop.
func (r *Run) best(setting string, d Def) (best Way, times []float64) {
	least := math.Inf(1)
	for _, w := range d.Ways {
		if w.Peer == rockbridge || w.Peer == cloop {
			continue
		}
		v := r.values(setting, d.Name, w.Peer, w.Way, nanos)
		if s := stats.Of(v); s.Rounds > 0 && s.Median < least {
			least, best, times = s.Median, w, v
		}
	}
	return best, times
}
