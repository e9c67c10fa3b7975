package main

import (
	"github.com/rockbridge-db/rockbridge/bench/works"
	"github.com/rockbridge-db/rockbridge/cbridge"
)

// stepper reads the database by an iterator that makes a call into C for each step, which the engine does not offer. For
// that it has the files open a second time, read only, with a cache of its own, as large as the other.
type stepper struct {
	db   *cbridge.DB
	rows *cbridge.Family
}

func newStepper(dir string, cache int64) (*stepper, error) {
	plan, err := cbridge.NewPlan(dir, cbridge.DBOptions{ReadOnly: true, BlockCacheSize: cache})
	if err != nil {
		return nil, err
	}
	defer plan.Free()
	if err := plan.Family("default", cbridge.FamilyOptions{Compression: -1}, ""); err != nil {
		return nil, err
	}
	db, err := plan.Open()
	if err != nil {
		return nil, err
	}
	rows, err := db.Family("default")
	if err != nil {
		db.Close()
		return nil, err
	}
	return &stepper{db, rows}, nil
}

func (s *stepper) scan(sum *works.Sum) error {
	inner, err := s.rows.NewIter(nil, cbridge.IterOptions{})
	if err != nil {
		return err
	}
	it := cbridge.NewStepIter(inner)
	defer it.Free()
	for ok := it.First(); ok; ok = it.Next() {
		key, value := it.Lengths()
		sum.Rows++
		sum.Bytes += int64(key + value)
	}
	return it.Err()
}

// Prepare opens what the way with a call for each step needs, and reads it into its cache, before the clock runs.
func (s *store) Prepare(_, way string) (err error) {
	if way != "call a step" || s.step != nil {
		return nil
	}
	if s.step, err = newStepper(s.config.Dir, s.config.Cache); err != nil {
		return err
	}
	return s.step.scan(&works.Sum{})
}

// scanSteps goes over everything with one call into C for each row, which brings where the row lies.
func scanSteps(s *store, w *works.Work) error { return s.step.scan(&w.Sum) }
