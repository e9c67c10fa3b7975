package works

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
)

const (
	// groupRows rows have a common prefix of groupBytes bytes.
	groupRows  = 1000
	groupBytes = 4
	// hotRows are those of the hot set.
	hotRows = 10_000
	// poolBytes is where values lie: each is a slice of as many bytes, which do not compress and overlap with few others.
	poolBytes = 1 << 20
	// LongestValue is how long one may be.
	LongestValue = 64 << 10
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

// pool is made once for all tasks of a program.
var pool = sync.OnceValue(func() []byte {
	b := make([]byte, poolBytes+LongestValue)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // it never fails
	return b
})

// newRows makes rows with keys, of which number tells the row of each.
func newRows(t *Task, keys []byte, number func(i int) uint64) *Rows {
	r := &Rows{Packed: keys, Offsets: make([]uint32, len(keys)/t.KeyBytes), Pool: pool(), Width: t.KeyBytes, Size: t.ValueBytes}
	for i := range r.Offsets {
		r.Offsets[i] = valueOffset(number(i))
	}
	return r
}

// chosen makes rows of which number tells the row of each, and missing whether its key is one that no row has.
func chosen(t *Task, missing bool, number func(i int) uint64) *Rows {
	numbers, keys := make([]uint64, t.Ops), make([]byte, t.Ops*t.KeyBytes)
	for i := range numbers {
		numbers[i] = number(i)
		putKey(keys[i*t.KeyBytes:(i+1)*t.KeyBytes], numbers[i], missing)
	}
	return newRows(t, keys, func(i int) uint64 { return numbers[i] })
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
	switch t.Keys {
	case Missing:
		return chosen(t, true, func(int) uint64 { return random.Uint64N(all) })
	case Zipfian:
		z := rand.NewZipf(random, zipfExponent, 1, all-1)
		return chosen(t, false, func(int) uint64 { return anywhere(z.Uint64()) })
	case HotSet:
		hot := min(hotRows, all)
		first := random.Uint64N(all - hot + 1)
		return chosen(t, false, func(int) uint64 { return first + random.Uint64N(hot) })
	case Spread:
		return chosen(t, false, func(int) uint64 { return anywhere(random.Uint64N(min(hotRows, all))) })
	case AnyRow:
		return chosen(t, false, func(int) uint64 { return random.Uint64N(all) })
	case Shuffle:
		order := random.Perm(t.Ops)
		return chosen(t, false, func(i int) uint64 { return uint64(order[i]) })
	}
	return chosen(t, false, func(i int) uint64 { return uint64(i) })
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
