package main

import (
	"context"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// stepSource reads a family with one call of the library for each step, as a
// plain wrapper would. Package engine has no such iterator: this one opens the
// database a second time, read-only, below it.
type stepSource struct {
	db     *cbridge.DB
	family *cbridge.Family
}

func openSteps(dir, family string) (*stepSource, error) {
	plan, err := cbridge.NewPlan(dir, cbridge.DBOptions{ReadOnly: true, ErrorIfMissing: true})
	if err != nil {
		return nil, err
	}
	defer plan.Free()
	names, err := cbridge.ListFamilies(nil, dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := plan.FamilyFromDisk(name); err != nil {
			return nil, err
		}
	}
	db, err := plan.Open()
	if err != nil {
		return nil, err
	}
	f, err := db.Family(family)
	if err != nil {
		db.Close()
		return nil, err
	}
	return &stepSource{db, f}, nil
}

func (s *stepSource) close() { s.db.Close() }

// scan takes a copy of each key and value. It is not looking at ctx: a call for
// each step is all that is measured.
func (s *stepSource) scan(context.Context, target) (seen tally, err error) {
	it, err := s.family.NewIter(nil, cbridge.IterOptions{})
	if err != nil {
		return seen, err
	}
	steps := cbridge.NewStepIter(it)
	defer steps.Free()
	for ok := steps.First(); ok; ok = steps.Next() {
		seen.add(steps.Key(), steps.Value())
	}
	return seen, steps.Err()
}
