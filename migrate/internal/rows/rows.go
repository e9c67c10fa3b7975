// Package rows makes the rows that tests import, the same ones from the same seed.
package rows

import (
	"math/rand/v2"
	"slices"
)

// Row is a row.
type Row struct{ Key, Value []byte }

// Make makes n rows with different keys, in no order.
func Make(seed uint64, n int) []Row {
	r := rand.New(rand.NewPCG(seed, 0))
	seen := map[string]bool{}
	var out []Row
	for len(out) < n {
		key := random(r, 1+r.IntN(24))
		if seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		size := r.IntN(100)
		if r.IntN(50) == 0 {
			size = r.IntN(20_000)
		}
		out = append(out, Row{key, random(r, size)})
	}
	return out
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Lost are keys that a store once had and that it deletes: none of them is among the rows, which are shorter.
func Lost(n int) (keys [][]byte) {
	for i := range n {
		keys = append(keys, slices.Concat([]byte{byte(i), byte(i >> 8)}, make([]byte, 30)))
	}
	return keys
}
