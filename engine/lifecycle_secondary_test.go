package engine_test

import (
	"bytes"
	"context"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

var secondaryCalls = map[string]call[*engine.Secondary]{
	"CatchUp":      func(s *engine.Secondary, _ *lifecycleKit) error { return s.CatchUp(context.Background()) },
	"CatchUpError": func(s *engine.Secondary, _ *lifecycleKit) error { return s.CatchUpError() },
	"Close":        func(s *engine.Secondary, _ *lifecycleKit) error { return s.Close() },
	"Path": func(s *engine.Secondary, k *lifecycleKit) error {
		known := k.state != "nil" && k.state != "zero" && k.state != "failed open"
		return want(nil, (s.Path() == filepath.Join(k.dir, "db")) == known, s.Path())
	},
	"View": func(s *engine.Secondary, _ *lifecycleKit) error {
		return s.View(context.Background(), func(d *engine.DB) error {
			v, err := d.Get(kitKeys[0], nil)
			return want(err, bytes.Equal(v, kitValue(kitKeys[0])), v)
		})
	},
}

var secondaryTable = &lifecycleTable[*engine.Secondary]{
	calls: secondaryCalls,
	alone: true,
	want:  always("Close", "Path", "CatchUpError"),
	states: []state[*engine.Secondary]{
		{"nil", dead, constant(func() *engine.Secondary { return nil })},
		{"zero", dead, constant(func() *engine.Secondary { return new(engine.Secondary) })},
		{"open", alive, after(liveSecondary)},
		{"primary closed", alive, after(liveSecondary, parentClosed)},
		{"closed", dead, after(liveSecondary, closed)},
		{"closed twice", dead, after(liveSecondary, closed, closed)},
		{"failed open", dead, after(func(k *lifecycleKit) *engine.Secondary {
			s, err := engine.OpenSecondary(filepath.Join(k.dir, "none"), nil)
			if err == nil {
				panic("the kit: there is no such database")
			}
			return s
		})},
	},
}

func liveSecondary(k *lifecycleKit) *engine.Secondary {
	s, err := engine.OpenSecondary(filepath.Join(k.dir, "db"), nil)
	must(err)
	return s
}
