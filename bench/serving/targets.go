package serving

import (
	"fmt"

	"github.com/rockbridge-db/rockbridge/bench/report"
	"github.com/rockbridge-db/rockbridge/bench/stats"
)

// target is how many times Redis's requests a second rockbridge aims at.
type target struct {
	durability Durability
	works      []string
	pipeline   int
	clients    []int
	least      float64
	more       bool // least itself is too little
}

var targets = []target{
	{EverySecond, []string{"get", "set", "mset", "incr"}, 1, []int{50, 500}, 0.5, false},
	{EverySecond, []string{"get", "set"}, 16, []int{50, 500}, 0.8, false},
	{Always, []string{"set"}, 1, []int{50}, 1, true},
}

// memoryTarget is how much of Redis's memory rockbridge may take.
const memoryTarget = 0.25

// rows say of each target what was measured.
func (r *Run) targetRows() (rows [][]string) {
	for _, t := range targets {
		for _, work := range t.works {
			for _, clients := range t.clients {
				if row := r.targetRow(t, Setting{t.durability, work, t.pipeline, clients}); row != nil {
					rows = append(rows, row)
				}
			}
		}
	}
	ours, known := r.memory(Rockbridge)
	theirs, also := r.memory(Redis)
	if !known || !also {
		return rows
	}
	row := func(when string, n, of int64) {
		part := float64(n) / float64(max(of, 1))
		rows = append(rows, []string{
			fmt.Sprintf("at most %v of Redis's resident memory with %s keys, %s", memoryTarget, report.Thousands(float64(r.Plan.MemoryKeys)), when),
			report.Ratio(part), report.Verdict(part <= memoryTarget),
		})
	}
	row("loaded", ours.Loaded, theirs.Loaded)
	row("after GETs", ours.Read, theirs.Read)
	return rows
}

func (r *Run) targetRow(t target, s Setting) []string {
	ratios := stats.Of(r.ratios(s, rate))
	if ratios.Rounds == 0 {
		return nil
	}
	met, words := ratios.Median >= t.least, "at least"
	if t.more {
		met, words = ratios.Median > t.least, "more than"
	}
	return []string{
		fmt.Sprintf("%s %v times Redis's %s with pipelines of %d at %d clients, `%s`", words, t.least, upper(s.Work), s.Pipeline, s.Clients, s.Durability),
		report.Show(ratios, report.Ratio), report.Verdict(met),
	}
}

// ratios divides rockbridge's values by Redis's, round by round.
func (r *Run) ratios(s Setting, f metric) []float64 {
	return stats.Ratios(r.values(Rockbridge, s, f), r.values(Redis, s, f))
}
