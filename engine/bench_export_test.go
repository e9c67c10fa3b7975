package engine

import "github.com/rockbridge-db/rockbridge/cbridge"

// StepIter makes the one-call-per-step reference iterator over db's default family, for benchmarks.
func StepIter(db *DB) *cbridge.StepIter {
	it, err := db.def.c.NewIter(nil, cbridge.IterOptions{})
	if err != nil {
		panic(err)
	}
	return cbridge.NewStepIter(it)
}
