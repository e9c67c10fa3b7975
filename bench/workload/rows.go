package workload

import (
	"encoding/binary"
	"math/rand/v2"
)

// rows makes the rows of one goroutine: keys in no order, never the same twice, and values that do not compress. Every
// peer gets the same ones.
type rows struct {
	owner uint64
	next  uint64
	seed  uint64
	key   []byte
	value []byte
}

// filler is the owner of the rows that are there before the commits.
const filler = 1 << 31

func newRows(s Spec, owner uint64) *rows {
	r := &rows{owner: owner, seed: s.Seed, key: make([]byte, max(s.KeyBytes, 16)), value: make([]byte, max(s.ValueBytes, 8))}
	random := rand.NewPCG(s.Seed, owner)
	for i := 0; i < len(r.value); i += 8 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], random.Uint64())
		copy(r.value[i:], word[:])
	}
	return r
}

// mix spreads a number over 64 bits; different numbers stay different.
func mix(n uint64) uint64 {
	n ^= n >> 30
	n *= 0xbf58476d1ce4e5b9
	n ^= n >> 27
	n *= 0x94d049bb133111eb
	return n ^ n>>31
}

// row gives row i of the goroutine, valid until the next call.
func (r *rows) row(i uint64) (key, value []byte) {
	id := r.owner<<32 | i
	binary.BigEndian.PutUint64(r.key, mix(id+r.seed))
	binary.BigEndian.PutUint64(r.key[8:], id)
	binary.LittleEndian.PutUint64(r.value, id)
	return r.key, r.value
}
