package serving

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Result is what redis-benchmark says of a run.
type Result struct {
	Requests int     // that were made
	Rate     float64 // of them a second
	P50, P99 time.Duration
	Max      time.Duration
}

// runTime is how long a run of redis-benchmark may take at most.
const runTime = 5 * time.Minute

// benchmark has redis-benchmark make n requests. It ends itself when one is answered with an error.
func benchmark(ctx context.Context, program string, port int, s Setting, keys, value, n int) (r Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	c := exec.CommandContext(ctx, program, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "--csv", "-t", s.Work,
		"-c", strconv.Itoa(s.Clients), "-P", strconv.Itoa(s.Pipeline), "-n", strconv.Itoa(n), "-r", strconv.Itoa(keys), "-d", strconv.Itoa(value))
	var out, told bytes.Buffer
	c.Stdout, c.Stderr = &out, &told
	if err = c.Run(); err == nil {
		r, err = parseCSV(&out, s.Work)
	}
	if err != nil {
		return r, fmt.Errorf("redis-benchmark %+v: %w: %s %s", s, err, &out, &told)
	}
	r.Requests = n
	return r, nil
}

// parseCSV reads redis-benchmark's line about a work, below the line that names its columns.
func parseCSV(text io.Reader, work string) (r Result, err error) {
	in := csv.NewReader(text)
	in.FieldsPerRecord = -1
	rows, err := in.ReadAll()
	if err != nil {
		return r, err
	}
	if len(rows) != 2 || len(rows[0]) != len(rows[1]) {
		return r, fmt.Errorf("%d lines, not two that are as long", len(rows))
	}
	cells := map[string]string{}
	for i, name := range rows[0] {
		cells[name] = rows[1][i]
	}
	if name, _, _ := strings.Cut(cells["test"], " "); !strings.EqualFold(name, work) {
		return r, fmt.Errorf("it is about %q, not %s", cells["test"], work)
	}
	number := func(column string) (f float64) {
		f, e := strconv.ParseFloat(cells[column], 64)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("column %s: %w", column, e))
		}
		return f
	}
	latency := func(column string) time.Duration { return time.Duration(number(column) * float64(time.Millisecond)) }
	r = Result{
		Rate: number("rps"), P50: latency("p50_latency_ms"), P99: latency("p99_latency_ms"), Max: latency("max_latency_ms"),
	}
	if err == nil && r.Rate <= 0 {
		err = errors.New("no requests a second")
	}
	return r, err
}
