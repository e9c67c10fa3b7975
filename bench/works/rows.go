package works

import (
	"encoding/binary"
	"math/rand/v2"
)

const (
	// groupRows rows have a common prefix of groupBytes bytes.
	groupRows  = 1000
	groupBytes = 4
	// hotRows are those of the hot set.
	hotRows = 10_000
	// poolBytes is where values lie: each is a slice of as many bytes, which do not compress and overlap with few others.
	poolBytes = 1 << 20
	// zipfExponent is as near to YCSB's 0.99 as math/rand/v2 comes, which wants more than 1.
	zipfExponent = 1.01
)

// Rows are keys and values in memory, made before any clock runs. Every peer gets the same ones.
type Rows struct {
	Packed  []byte // keys of KeyBytes each, one after the other
	Offsets []uint32
	Pool    []byte // a value is ValueBytes of it, from its offset on
	Width   int    // of a key
	Size    int    // of a value
}

// Len is how many there are.
func (r *Rows) Len() int { return len(r.Offsets) }

// Key gives key i.
func (r *Rows) Key(i int) []byte { return r.Packed[i*r.Width : (i+1)*r.Width : (i+1)*r.Width] }

// Value gives value i.
func (r *Rows) Value(i int) []byte {
	at := int(r.Offsets[i])
	return r.Pool[at : at+r.Size : at+r.Size]
}

// mix spreads a number over 64 bits; different numbers stay different.
func mix(n uint64) uint64 {
	n ^= n >> 30
	n *= 0xbf58476d1ce4e5b9
	n ^= n >> 27
	n *= 0x94d049bb133111eb
	return n ^ n>>31
}

// putKey writes the key of a row, whose order is that of the numbers: the group, the place in it, and bytes that are not
// to be foreseen. Those of a missing key are others.
func putKey(key []byte, row uint64, missing bool) {
	binary.BigEndian.PutUint32(key, uint32(row/groupRows))
	binary.BigEndian.PutUint32(key[4:], uint32(row%groupRows))
	rest := mix(row + 1)
	if missing {
		rest = ^rest
	}
	for i := 8; i < len(key); i += 8 {
		var word [8]byte
		binary.BigEndian.PutUint64(word[:], rest)
		copy(key[i:], word[:])
	}
}

// newRows makes rows of which number tells the row of each, and missing whether it is a key that no row has.
func newRows(t *Task, count int, missing bool, number func(i int) uint64) *Rows {
	r := &Rows{
		Packed: make([]byte, count*t.KeyBytes), Offsets: make([]uint32, count),
		Pool: make([]byte, poolBytes+t.ValueBytes), Width: t.KeyBytes, Size: t.ValueBytes,
	}
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(r.Pool) // it never fails
	for i := range count {
		n := number(i)
		putKey(r.Key(i), n, missing)
		r.Offsets[i] = valueOffset(n)
	}
	return r
}

func valueOffset(row uint64) uint32 { return uint32(mix(row^0x5bd1e995) % poolBytes) }

// choose makes the keys of a task.
func choose(t *Task) *Rows {
	random := rand.New(rand.NewPCG(t.Seed, 3))
	all := uint64(max(t.Total, 1))
	// A bijection of the rows, so that those next to each other in one order lie anywhere in the other.
	anywhere := func(n uint64) uint64 { return n * 0x9E3779B1 % all }
	if all%0x9E3779B1 == 0 {
		anywhere = func(n uint64) uint64 { return n }
	}
	ops := t.Ops
	switch t.Keys {
	case Missing:
		return newRows(t, ops, true, func(int) uint64 { return random.Uint64N(all) })
	case Zipfian:
		z := rand.NewZipf(random, zipfExponent, 1, all-1)
		return newRows(t, ops, false, func(int) uint64 { return anywhere(z.Uint64()) })
	case HotSet:
		return newRows(t, ops, false, func(int) uint64 { return anywhere(random.Uint64N(min(hotRows, all))) })
	case AnyRow:
		return newRows(t, ops, false, func(int) uint64 { return random.Uint64N(all) })
	case Shuffle:
		order := random.Perm(ops)
		return newRows(t, ops, false, func(i int) uint64 { return uint64(order[i]) })
	}
	return newRows(t, ops, false, func(i int) uint64 { return uint64(i) })
}

// After gives the bound behind all keys with a prefix that is not all 0xFF.
func After(prefix []byte) []byte {
	out := append([]byte(nil), prefix...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return nil
}
