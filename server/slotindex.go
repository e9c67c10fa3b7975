package server

import "bytes"

// slotIndex finds slots by the hashes of their keys: an open table of their numbers, counted from 1, at most half full.
type slotIndex []uint32

// leastIndex is how long a table is at first.
const leastIndex = 32

// find gives the number of the slot of a key.
func (t slotIndex) find(slots []slot, hash uint64, key []byte) (int, bool) {
	if len(t) == 0 {
		return 0, false
	}
	mask := uint64(len(t) - 1)
	for p := hash & mask; t[p] != 0; p = (p + 1) & mask {
		at := int(t[p] - 1)
		if s := &slots[at]; s.hash == hash && bytes.Equal(s.key, key) {
			return at, true
		}
	}
	return 0, false
}

// add takes the last slot in.
func (t *slotIndex) add(slots []slot) {
	if len(*t) >= 2*len(slots) {
		t.put(slots[len(slots)-1].hash, len(slots))
		return
	}
	*t = make(slotIndex, max(leastIndex, 2*len(*t)))
	for i := range slots {
		t.put(slots[i].hash, i+1)
	}
}

func (t slotIndex) put(hash uint64, number int) {
	mask := uint64(len(t) - 1)
	p := hash & mask
	for t[p] != 0 {
		p = (p + 1) & mask
	}
	t[p] = uint32(number)
}
