package server

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A key is found where it was added, also beside many with the same hash, and no other is.
func TestSlotsAreFoundByTheirKeys(t *testing.T) {
	for _, hashes := range []uint64{1, 7, 1 << 40} {
		var index slotIndex
		var slots []slot
		hashOf := func(key []byte) uint64 {
			return rand.New(rand.NewPCG(uint64(len(key)), uint64(key[0])<<32|uint64(key[len(key)-1]))).Uint64N(hashes)
		}
		for i := range 1000 {
			key := fmt.Appendf(nil, "key %d", i)
			if at, ok := index.find(slots, hashOf(key), key); ok {
				t.Fatalf("%d hashes: %q is at %d before it was added", hashes, key, at)
			}
			slots = append(slots, slot{key: key, hash: hashOf(key)})
			index.add(slots)
			if 2*len(slots) > len(index) {
				t.Fatalf("%d slots in a table of %d", len(slots), len(index))
			}
		}
		for i, s := range slots {
			if at, ok := index.find(slots, s.hash, s.key); !ok || at != i {
				t.Fatalf("%d hashes: %q is at %d, %v; it was added at %d", hashes, s.key, at, ok, i)
			}
		}
	}
}
