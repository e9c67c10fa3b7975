package engine_test

import (
	"bytes"
	"errors"

	"github.com/rockbridge-db/rockbridge/engine"
)

// The families of the kit have no timestamps: calls that need some are refused by those that are alive.

// stamper is what DB and ColumnFamily have in common for families with timestamps.
type stamper interface {
	At(timestamp uint64) *engine.AsOf
	PutAt(key []byte, timestamp uint64, value []byte, o *engine.WriteOptions) error
	DeleteAt(key []byte, timestamp uint64, o *engine.WriteOptions) error
	RaiseHistory(low uint64) error
	HistoryLow() (uint64, error)
}

// orUnstamped lets the refusal pass.
func orUnstamped(err error) error {
	if errors.Is(err, engine.ErrInvalidArgument) {
		return nil
	}
	return want(err, false, "a family without timestamps took one")
}

func atCall[T interface {
	At(timestamp uint64) *engine.AsOf
}](h T, _ *lifecycleKit) error {
	_, err := h.At(1).Get(kitKeys[0], nil)
	return orUnstamped(err)
}

func stampCalls[T stamper]() map[string]call[T] {
	key := []byte("x")
	return map[string]call[T]{
		"At":           atCall[T],
		"PutAt":        func(h T, _ *lifecycleKit) error { return orUnstamped(h.PutAt(key, 1, nil, nil)) },
		"DeleteAt":     func(h T, _ *lifecycleKit) error { return orUnstamped(h.DeleteAt(key, 1, nil)) },
		"RaiseHistory": func(h T, _ *lifecycleKit) error { return orUnstamped(h.RaiseHistory(1)) },
		"HistoryLow": func(h T, _ *lifecycleKit) error {
			_, err := h.HistoryLow()
			return orUnstamped(err)
		},
	}
}

// asOf reads a family with the kit's rows as of a timestamp.
func (k *lifecycleKit) asOf() *engine.AsOf { return k.stamped().At(7) }

// stamped is a family that has timestamps and the kit's rows.
func (k *lifecycleKit) stamped() *engine.ColumnFamily {
	if c, err := k.db.ColumnFamily("stamped"); err == nil {
		return c
	}
	c, err := k.db.CreateColumnFamily("stamped", &engine.FamilyOptions{Timestamps: true})
	must(err)
	for _, key := range kitKeys {
		must(c.PutAt(key, 5, kitValue(key), nil))
	}
	return c
}

func stampedDropped(k *lifecycleKit, _ []*engine.AsOf) { must(k.db.DropColumnFamily(k.stamped())) }

var asOfCalls = merged(readCalls[*engine.AsOf](), map[string]call[*engine.AsOf]{
	"GetVersion": func(a *engine.AsOf, _ *lifecycleKit) error {
		v, at, err := a.GetVersion(kitKeys[0], nil)
		return want(err, bytes.Equal(v, kitValue(kitKeys[0])) && at == 5, at)
	},
	"Timestamp": func(a *engine.AsOf, k *lifecycleKit) error {
		return want(nil, (a.Timestamp() == 7) == (k.state != "nil" && k.state != "zero"), a.Timestamp())
	},
	"Versions": func(a *engine.AsOf, _ *lifecycleKit) error {
		n := 0
		versions, done := a.Versions(0, nil)
		for range versions {
			n++
		}
		return want(done(), n == len(kitKeys), n)
	},
})

var asOfTable = &lifecycleTable[*engine.AsOf]{
	calls: asOfCalls,
	want:  always("Timestamp"),
	states: []state[*engine.AsOf]{
		{"nil", dead, constant(func() *engine.AsOf { return nil })},
		{"zero", dead, constant(func() *engine.AsOf { return new(engine.AsOf) })},
		{"open", alive, after((*lifecycleKit).asOf)},
		{"family dropped", dropped, after((*lifecycleKit).asOf, stampedDropped)},
		{"parent closed", dead, after((*lifecycleKit).asOf, parentClosed)},
		{"of a snapshot", alive, after(func(k *lifecycleKit) *engine.AsOf {
			c := k.stamped()
			return k.snapshot().In(c).At(7)
		})},
		{"snapshot closed", dead, after(func(k *lifecycleKit) *engine.AsOf {
			c := k.stamped()
			s := k.snapshot()
			defer s.Close()
			return s.In(c).At(7)
		})},
	},
}
