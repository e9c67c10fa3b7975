package batchrepr

import (
	"math/bits"
	"slices"
)

// familySet collects family ids. A batch names few, mostly small ones, and mostly the same
// as the record before; but bytes from elsewhere may name a different one in every record,
// and that must not cost more than its share either.
type familySet struct {
	small  uint64              // a bit for each id below 64
	large  map[uint32]struct{} // the others
	latest uint32              // the last of the others that was added
}

func (f *familySet) add(id uint32) {
	if id < 64 {
		f.small |= 1 << id
		return
	}
	if id == f.latest {
		return // never true before the first: latest is then 0
	}
	if f.large == nil {
		f.large = make(map[uint32]struct{})
	}
	f.large[id] = struct{}{}
	f.latest = id
}

// sorted returns the ids, ascending; nil if there are none.
func (f *familySet) sorted() []uint32 {
	n := bits.OnesCount64(f.small) + len(f.large)
	if n == 0 {
		return nil
	}
	ids := make([]uint32, 0, n)
	for rest := f.small; rest != 0; rest &= rest - 1 {
		ids = append(ids, uint32(bits.TrailingZeros64(rest)))
	}
	for id := range f.large {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
