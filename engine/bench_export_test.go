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

// BareIter makes an iterator below package engine, to measure what engine adds.
func BareIter(db *DB) *cbridge.Iter {
	it, err := db.def.c.NewIter(nil, cbridge.IterOptions{})
	if err != nil {
		panic(err)
	}
	return it
}
