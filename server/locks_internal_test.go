package server

import (
	"fmt"
	"hash/maphash"
	"testing"
)

// Pipelines that name other keys hold other locks, nearly always: else whoever waits for the disk would have others wait in a row.
func TestPipelinesOfOtherKeysSeldomWait(t *testing.T) {
	const pipelines, keys = 1000, 16
	l := &locks{seed: maphash.MakeSeed()}
	waits := 0
	var before map[uint16]bool
	for p := range pipelines {
		mine := map[uint16]bool{}
		met := false
		for k := range keys {
			s := stripe(l.hash(fmt.Appendf(nil, "key:%d:%d", p, k)))
			met = met || before[s]
			mine[s] = true
		}
		if met {
			waits++
		}
		before = mine
	}
	if waits > pipelines/50 { // some 4 are to be expected
		t.Errorf("%d of %d pipelines wait for the one before", waits, pipelines)
	}
}
