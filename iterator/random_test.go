package iterator_test

import (
	"testing"

	"github.com/rockbridge-db/rockbridge/iterator"
)

// sessions is how many op lists run on one random database.
const sessions = 100

// A few thousand lists of random operations, on random databases, against a sorted slice and, on
// every second database, against the reference iterator that makes one call a step.
func TestRandomOperationsAgreeWithTheReferences(t *testing.T) {
	eachRound(t, 16, 3, func(seed uint64) error { return randomRound(seed, false, nil) })
}

// The same with writes, deletes, flushes and compactions between the operations: a state, once an
// iterator shows it, never changes under it.
func TestRandomOperationsUnderWritesKeepTheirState(t *testing.T) {
	eachRound(t, 10, 2, func(seed uint64) error { return randomRound(seed, true, nil) })
}

// randomRound runs many op lists on one random database. plant may put a fault into each session.
func randomRound(seed uint64, writes bool, plant func(*session)) (err error) {
	d, err := newData(newRand(seed))
	if err != nil {
		return err
	}
	defer func() {
		if e := d.end(); err == nil {
			err = e
		}
	}()
	for range sessions {
		s, err := newSession(d, writes)
		if err != nil {
			return err
		}
		if plant != nil {
			plant(s)
		}
		if err := s.run(10 + d.r.IntN(80)); err != nil {
			return err
		}
	}
	return nil
}

// A test that cannot fail proves nothing: each of these faults must be found within a few rounds.
func TestRandomOperationsFindPlantedFaults(t *testing.T) {
	for name, plant := range faults {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(30) {
				if err := randomRound(seed+1, true, plant); err != nil {
					t.Logf("found in round %d: %.200s", seed, err)
					return
				}
			}
			t.Error("not found")
		})
	}
}

var faults = map[string]func(*session){
	"the model's limit is one more":   func(s *session) { s.model.limit += min(s.model.limit, 1) },
	"the model lacks rows":            func(s *session) { s.model.show(s.shape, s.state[:len(s.state)/2]) },
	"Next passes over a row":          onIterator(func(f *faulty) subject { return &passingNext{f} }),
	"Prev passes over a row":          onIterator(func(f *faulty) subject { return &passingPrev{f} }),
	"SeekLT takes an equal key":       onIterator(func(f *faulty) subject { return seekingLT{f} }),
	"SeekLE does not":                 onIterator(func(f *faulty) subject { return seekingLE{f} }),
	"SeekGE counts as no landing":     onIterator(func(f *faulty) subject { return steppingGE{f} }),
	"NextChunk passes over a row":     onIterator(func(f *faulty) subject { return losingChunk{f} }),
	"PrevChunk ends on a row":         onIterator(func(f *faulty) subject { return standingChunk{f} }),
	"a chunk is filled again":         onIterator(func(f *faulty) subject { return &sharingChunk{faulty: f} }),
	"All reuses its memory":           onIterator(func(f *faulty) subject { return &reusingAll{faulty: f} }),
	"Backward starts where it stands": onIterator(func(f *faulty) subject { return standingBackward{f} }),
	"SetBounds forgets the upper one": onIterator(func(f *faulty) subject { return openBounds{f} }),
	"Refresh does nothing":            onIterator(func(f *faulty) subject { return staleRefresh{f} }),
	"Last shows newer rows":           onIterator(func(f *faulty) subject { return movingLast{f} }),
	"Count ignores the limit's row":   onIterator(func(f *faulty) subject { return shortCount{f} }),
	"Count leaves it where it was":    onIterator(func(f *faulty) subject { return standingCount{f} }),
	"an empty value is nil":           onIterator(func(f *faulty) subject { return nilValue{f} }),
	"a gap has an order":              onIterator(func(f *faulty) subject { return orderedGap{f} }),
	"a closed one forgets its row":    onIterator(func(f *faulty) subject { return &forgetfulClose{faulty: f} }),
}

// faulty is what the planted faults share; each overrides a method or two.
type faulty struct {
	*iterator.Iterator
	calls int
}

func onIterator(plant func(*faulty) subject) func(*session) {
	return func(s *session) { s.it = plant(&faulty{Iterator: s.it.(*iterator.Iterator)}) }
}

// rarely is true in every fifth call: a fault that always shows would be no test of the test.
func (f *faulty) rarely() bool {
	f.calls++
	return f.calls%5 == 0
}
