package iterator

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// testRow is a row to be laid out.
type testRow struct{ key, value []byte }

// laidOut puts rows into a buffer as C does, with slack bytes between the rows and their offsets, and
// rubbish in them. It is written from the description in cbridge/rows.h.
func laidOut(in []testRow, slack int) rows {
	size := 0
	for _, r := range in {
		size += 4 + 4 + len(r.key) + len(r.value) + 4
	}
	buf := bytes.Repeat([]byte{0xa5}, size+slack)
	used := 0
	for i, r := range in {
		binary.NativeEndian.PutUint32(buf[len(buf)-4*(i+1):], uint32(used))
		binary.NativeEndian.PutUint32(buf[used:], uint32(len(r.key)))
		binary.NativeEndian.PutUint32(buf[used+4:], uint32(len(r.value)))
		used += 8 + copy(buf[used+8:], r.key)
		used += copy(buf[used:], r.value)
	}
	return rows{buf: buf, n: len(in)}
}

// wantRows compares every way to look at rows with what they should be.
func wantRows(t *testing.T, r *rows, want []testRow) {
	t.Helper()
	if r.n != len(want) {
		t.Fatalf("%d rows, want %d", r.n, len(want))
	}
	for i, w := range want {
		k, v := r.key(i), r.value(i)
		if r.keysOnly {
			w.value = nil
		}
		if !bytes.Equal(k, w.key) || !bytes.Equal(v, w.value) || k == nil || (v == nil) != r.keysOnly {
			t.Fatalf("row %d is %q, %q, want %q, %q", i, k, v, w.key, w.value)
		}
		if cap(k) != len(k) || cap(v) != len(v) {
			t.Fatalf("row %d has room behind it: what is appended would hit the next one", i)
		}
		k2, v2 := r.row(i)
		if !bytes.Equal(k, k2) || !bytes.Equal(v, v2) || cap(k2) != len(k2) || cap(v2) != len(v2) || (v2 == nil) != r.keysOnly {
			t.Fatalf("row and key, value differ in row %d", i)
		}
	}
}

// rowsFrom makes rows of arbitrary bytes: each begins with two lengths.
func rowsFrom(data []byte) []testRow {
	var out []testRow
	for len(data) >= 2 {
		k, v := int(data[0])%64, int(data[1])*int(data[1])%997
		data = data[2:]
		k = min(k, len(data))
		v = min(v, len(data)-k)
		out = append(out, testRow{data[:k], data[k : k+v]})
		data = data[k+v:]
	}
	return out
}

// What C lays out is read as it was, and take copies any stretch of it, either way round, into
// buffers of any state.
func FuzzRowsAreReadAsTheyWereLaidOut(f *testing.F) {
	f.Add([]byte{}, 0, uint64(1))
	f.Add([]byte{0, 0}, 0, uint64(1))
	f.Add([]byte{0, 0, 0, 0, 1, 0, 'k', 0, 1, 'v'}, 3, uint64(2))
	f.Add([]byte("\x03\x03keyvvvvvvvvv\x02\x02abcdef\x00\x1evalue of some length, cut"), 100, uint64(3))
	f.Add(bytes.Repeat([]byte("\x05\x09key and a value, over and over. "), 100), 4096, uint64(4))
	f.Fuzz(func(t *testing.T, data []byte, slack int, seed uint64) {
		want := rowsFrom(data)
		src := laidOut(want, min(max(slack, 0), 1<<16))
		src.keysOnly = seed%5 == 0
		wantRows(t, &src, want)
		r := rand.New(rand.NewPCG(seed, 1))
		var dst rows
		for range 8 {
			if len(want) == 0 {
				return
			}
			i, j := r.IntN(len(want)), r.IntN(len(want))
			stretch := slices.Clone(want[min(i, j) : max(i, j)+1])
			if i > j {
				slices.Reverse(stretch)
			}
			size := 0
			for _, w := range stretch {
				size += len(w.key) + len(w.value) + 12
			}
			if got := src.size(i, j); got != size {
				t.Fatalf("rows %d to %d take %d bytes, want %d", i, j, got, size)
			}
			dst.take(&src, i, j) // over whatever the stretch before has left
			wantRows(t, &dst, stretch)
			wantRows(t, &src, want)
			if r.IntN(3) == 0 {
				dst = rows{buf: make([]byte, r.IntN(size+1))}
			}
		}
	})
}

// sortedWindow makes a window of rows with ascending or descending keys.
func sortedWindow(keys [][]byte, back bool) *window {
	slices.SortFunc(keys, bytes.Compare)
	keys = slices.CompactFunc(keys, bytes.Equal)
	if back {
		slices.Reverse(keys)
	}
	in := make([]testRow, len(keys))
	for i, k := range keys {
		in[i] = testRow{k, k}
	}
	return &window{rows: laidOut(in, 7), back: back}
}

// wantSearch compares covers and search with a walk over all keys.
func wantSearch(t *testing.T, w *window, key []byte) {
	t.Helper()
	lowest := -1 // of the rows with keys >= key
	below, above := false, false
	for i := range w.n {
		c := bytes.Compare(w.key(i), key)
		if c >= 0 && (lowest < 0 || bytes.Compare(w.key(i), w.key(lowest)) < 0) {
			lowest = i
		}
		below, above = below || c <= 0, above || c >= 0
	}
	if got := w.covers(key); got != (below && above) {
		t.Fatalf("covers(%q) is %v among %d rows", key, got, w.n)
	}
	if !w.covers(key) {
		return
	}
	i, equal := w.search(key)
	if i != lowest || equal != bytes.Equal(w.key(lowest), key) {
		t.Fatalf("search(%q) is %d, %v, want %d", key, i, equal, lowest)
	}
}

func FuzzSearchFindsWhatAWalkFinds(f *testing.F) {
	f.Add([]byte{}, []byte("k"), false)
	f.Add([]byte("\x01\x00b\x01\x00d\x01\x00f"), []byte("d"), true)
	f.Add([]byte("\x00\x00\x01\x00\x00\x01\x00\xff\x02\x00\xff\xff"), []byte{0xff}, false)
	f.Fuzz(func(t *testing.T, data, key []byte, back bool) {
		var keys [][]byte
		for _, r := range rowsFrom(data) {
			keys = append(keys, r.key)
		}
		w := sortedWindow(keys, back)
		wantSearch(t, w, key)
		wantSearch(t, w, nil)
		for _, k := range keys {
			wantSearch(t, w, k)
			wantSearch(t, w, append(bytes.Clone(k), 0))
			wantSearch(t, w, k[:len(k)/2])
		}
	})
}

func TestSearchFindsWhatAWalkFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		keys := make([][]byte, r.IntN(30))
		for i := range keys {
			keys[i] = bytes.Repeat([]byte{byte(r.IntN(3))}, r.IntN(6))
			keys[i] = append(keys[i], byte(r.IntN(4)))
		}
		for _, back := range []bool{false, true} {
			w := sortedWindow(keys, back)
			for _, k := range append(keys, nil, []byte{0xff}, []byte{1, 1}) {
				wantSearch(t, w, k)
				wantSearch(t, w, append(bytes.Clone(k), 0))
			}
		}
	}
}
