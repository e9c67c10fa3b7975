package engine_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// kitTrace is of a database that was asked for one key, twice.
func kitTrace() *engine.Trace {
	tr, err := engine.ReadTrace(bytes.NewReader(newForgedTrace(1).get(0, "a").get(0, "a").end().bytes))
	must(err)
	return tr
}

// traceCall begins a trace, and ends it if it has begun.
func traceCall(start func(*engine.DB, string, *engine.TraceOptions) error, end func(*engine.DB) error) call[*engine.DB] {
	return func(d *engine.DB, k *lifecycleKit) error {
		path := filepath.Join(k.dir, "trace")
		if err := start(d, path, nil); err != nil {
			return orUnsupported(engine.Traces, err)
		}
		return errors.Join(end(d), os.Remove(path))
	}
}

// endTraceCall ends a trace that there is not.
func endTraceCall(end func(*engine.DB) error) call[*engine.DB] {
	return func(d *engine.DB, _ *lifecycleKit) error {
		err := end(d)
		if errors.Is(err, engine.ErrInvalidArgument) {
			return nil
		}
		return want(err, false, "a trace was ended")
	}
}

var traceTable = &lifecycleTable[*engine.Trace]{
	calls: map[string]call[*engine.Trace]{
		"Close": func(tr *engine.Trace, _ *lifecycleKit) error { return tr.Close() },
		"Error": func(tr *engine.Trace, _ *lifecycleKit) error { return tr.Error() },
		"Next": func(tr *engine.Trace, _ *lifecycleKit) error {
			there := tr.Next()
			return want(tr.Error(), there, "no record")
		},
		"Record": func(tr *engine.Trace, k *lifecycleKit) error {
			return want(nil, (tr.Record().Kind != "") == (k.state == "at a record"), tr.Record())
		},
		"Started": func(tr *engine.Trace, k *lifecycleKit) error {
			return want(nil, tr.Started().IsZero() == unmade(k), tr.Started())
		},
		"Version": func(tr *engine.Trace, k *lifecycleKit) error {
			return want(nil, (tr.Version() == "") == unmade(k), tr.Version())
		},
	},
	want:  always("Close", "Record", "Started", "Version"),
	alone: true,
	states: []state[*engine.Trace]{
		{"nil", dead, constant(func() *engine.Trace { return nil })},
		{"zero", dead, constant(func() *engine.Trace { return new(engine.Trace) })},
		{"open", alive, constant(kitTrace)},
		{"at a record", alive, after(func(*lifecycleKit) *engine.Trace { return kitTrace() }, func(_ *lifecycleKit, ts []*engine.Trace) {
			for _, tr := range ts {
				if !tr.Next() {
					panic("the kit: a trace has no record")
				}
			}
		})},
		{"parent closed", alive, after(func(*lifecycleKit) *engine.Trace { return kitTrace() }, parentClosed)},
		{"closed", dead, after(func(*lifecycleKit) *engine.Trace { return kitTrace() }, closed)},
		{"closed twice", dead, after(func(*lifecycleKit) *engine.Trace { return kitTrace() }, closed, closed)},
		{"failed", dead, constant(func() *engine.Trace {
			tr, err := engine.ReadTrace(bytes.NewReader(nil))
			if err == nil {
				panic("the kit: nothing was taken for a trace")
			}
			return tr
		})},
	},
}

// unmade tells whether a kit's trace was never open.
func unmade(k *lifecycleKit) bool {
	return k.state == "nil" || k.state == "zero" || k.state == "failed"
}
