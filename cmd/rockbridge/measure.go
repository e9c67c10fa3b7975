package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// measurement holds the samples of each way, and what each of them saw.
type measurement struct {
	ways    []scanWay
	samples [][]sample // by way, then round
	seen    tally
}

// sample is what one scan cost.
type sample struct {
	elapsed time.Duration
	calls   int64  // from Go into C
	allocs  uint64 // on the Go heap
}

// measure runs every way once unmeasured, so that the block cache is as warm
// for the first as for the last, then rounds times each. The order turns from
// round to round: no way always follows the same other one.
func measure(ctx context.Context, t target, ways []scanWay, rounds int) (*measurement, error) {
	m := &measurement{ways: ways, samples: make([][]sample, len(ways))}
	for round := range rounds + 1 {
		for i := range ways {
			i = (i + round) % len(ways)
			s, seen, err := measureOne(ctx, t, ways[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", ways[i].name, err)
			}
			if m.seen == (tally{}) {
				m.seen = seen
			}
			if seen != m.seen {
				return nil, fmt.Errorf("%s saw %+v where others saw %+v", ways[i].name, seen, m.seen)
			}
			if round > 0 {
				m.samples[i] = append(m.samples[i], s)
			}
		}
	}
	return m, ctx.Err()
}

func measureOne(ctx context.Context, t target, way scanWay) (sample, tally, error) {
	runtime.GC() // what one way leaves behind is not the next one's cost
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	calls := runtime.NumCgoCall()
	start := time.Now()
	seen, err := way.scan(ctx, t)
	elapsed := time.Since(start)
	calls = runtime.NumCgoCall() - calls
	runtime.ReadMemStats(&after)
	return sample{elapsed, calls, after.Mallocs - before.Mallocs}, seen, err
}

// spread is the median and the range of values.
type spread struct{ median, least, most float64 }

// spreadOf needs at least one value; it sorts them.
func spreadOf(values []float64) spread {
	slices.Sort(values)
	middle := len(values) / 2
	median := values[middle]
	if len(values)%2 == 0 {
		median = (values[middle-1] + values[middle]) / 2
	}
	return spread{median, values[0], values[len(values)-1]}
}

// spreadBy is the spread of one figure over samples.
func spreadBy(samples []sample, figure func(sample) float64) spread {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	return spreadOf(values)
}
