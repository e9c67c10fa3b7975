package server

import (
	"hash/maphash"
	"slices"
	"sync"
)

// locks keep commands that read before they write, and the transactions of clients, apart from others that write the same
// keys. Reads alone take none: they see one state of the database.
type locks struct {
	world sync.RWMutex // for itself: what empties databases, or looks at all keys and writes
	seed  maphash.Seed
	keys  [lockStripes]sync.Mutex
}

// lockStripes are so many that pipelines of other keys seldom wait for each other: each holds its own until its batch is synced. Of 1024, two
// pipelines of 16 keys shared one every fourth time, and of 50 such clients nearly all waited in a row. 512 KiB.
const lockStripes = 1 << 16

// held are locks of keys, to be let go of.
type held struct {
	l       *locks
	all     bool
	stripes []uint16 // ascending
}

// hash is that of a key with its database.
func (l *locks) hash(full []byte) uint64 { return maphash.Bytes(l.seed, full) }

// stripe is the lock of keys with a hash.
func stripe(hash uint64) uint16 { return uint16(hash % lockStripes) }

// lock waits for the locks of keys, whose stripes are in h, in one order for all.
func (h *held) lock(l *locks) {
	h.l, h.all = l, false
	slices.Sort(h.stripes)
	h.stripes = slices.Compact(h.stripes)
	l.world.RLock()
	for _, s := range h.stripes {
		l.keys[s].Lock()
	}
}

// lockAll waits until nobody else writes.
func (h *held) lockAll(l *locks) {
	h.l, h.all = l, true
	l.world.Lock()
}

func (h *held) unlock() {
	if h.all {
		h.l.world.Unlock()
	} else {
		for _, s := range h.stripes {
			h.l.keys[s].Unlock()
		}
		h.l.world.RUnlock()
	}
	h.stripes = h.stripes[:0]
}
