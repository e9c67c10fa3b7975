package iterator

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

var (
	windowDamages = flag.Int("window.damages", 100_000, "windows that are damaged and looked at")
	windowSeed    = flag.Uint64("window.seed", 0, "seed of damaged windows; 0: a new one")
)

// filled is what C would have filled in, with rows in ascending order and the debug build's poison between the rows and
// their offsets.
func filled(in []testRow, slack int) filling {
	r := laidOut(in, slack)
	used := len(r.buf) - slack - rowOffset*r.n
	rbdebug.Poison(r.buf[used : used+slack])
	f := cbridge.Filled{Rows: r.n, Used: used, End: r.n == 0}
	return filling{move: cbridge.MoveFirst, maxRows: math.MaxUint32, buf: r.buf, f: f}
}

// ascending makes rows with keys of one to twelve bytes.
func ascending(r *rand.Rand, n int) []testRow {
	in := make([]testRow, n)
	for i := range in {
		in[i] = testRow{fmt.Appendf(nil, "%02d%s", i, bytes.Repeat([]byte{'k'}, r.IntN(11))), bytes.Repeat([]byte{'v'}, r.IntN(20))}
	}
	return in
}

// structure gives the places of the numbers in a window: lengths and offsets, four bytes each.
func (g *filling) structure() []int {
	var at []int
	for i := range g.f.Rows {
		offset, _, _, _ := g.row(i)
		at = append(at, int(offset), int(offset)+4, len(g.buf)-rowOffset*(i+1))
	}
	return at
}

// wantWithin reads every row of a window in which no fault was found: no read may leave it.
func wantWithin(t *testing.T, g *filling) {
	t.Helper()
	r := rows{buf: g.buf, n: g.f.Rows}
	sum := 0
	for i := range r.n {
		key, value := r.row(i)
		sum += len(key) + len(value) + rowOverhead
		if len(r.key(i)) != len(key) || len(r.value(i)) != len(value) {
			t.Fatalf("row %d is read in two ways", i)
		}
	}
	if sum > len(g.buf) {
		t.Fatalf("rows of %d bytes in a window of %d", sum, len(g.buf))
	}
}

// Whatever C fills in, the checks of the debug build find the fault, or every row lies within the window; they do not
// panic themselves. One number that is another is always found.
func TestADamagedWindowIsFoundOrReadWithin(t *testing.T) {
	seed := *windowSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-window.seed=%d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	found := 0
	for range *windowDamages {
		g := filled(ascending(r, 1+r.IntN(8)), r.IntN(20))
		if fault := g.fault(); fault != "" {
			t.Fatal("a whole window: ", fault)
		}
		numbers := g.structure()
		single := r.IntN(2) == 0
		switch {
		case single:
			at := g.buf[numbers[r.IntN(len(numbers))]:]
			old := binary.NativeEndian.Uint32(at)
			number := old
			for number == old {
				number = [...]uint32{old + 1, old - 1, r.Uint32(), old ^ 1<<r.IntN(32), 0, math.MaxUint32}[r.IntN(6)]
			}
			binary.NativeEndian.PutUint32(at, number)
		default:
			for range 1 + r.IntN(6) {
				g.buf[r.IntN(len(g.buf))] = byte(r.Uint32())
			}
			g.f.Rows += r.IntN(3) - 1
			g.f.Used += r.IntN(3) - 1
		}
		if g.fault() != "" {
			found++
			continue
		}
		if single {
			t.Fatalf("a number is another, and nothing is found: %x, %+v", g.buf, g.f)
		}
		wantWithin(t, &g)
	}
	if found < *windowDamages/2 || found == *windowDamages {
		t.Errorf("%d faults found in %d windows", found, *windowDamages)
	}
}

// FuzzDamagedWindow gives the checks of the debug build a window of any bytes with any numbers.
func FuzzDamagedWindow(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 5 {
		g := filled(ascending(r, n), n)
		f.Add(g.buf, g.f.Rows, g.f.Used, g.f.Need, g.f.End, uint8(0), []byte(nil))
	}
	f.Add(bytes.Repeat([]byte{0xff}, 40), 2, 30, 0, false, uint8(3), []byte("k"))
	f.Fuzz(func(t *testing.T, buf []byte, n, used, need int, end bool, move uint8, key []byte) {
		g := filling{
			move: cbridge.Move(move % 9), key: key, maxRows: math.MaxUint32, filtered: move >= 128, buf: bytes.Clone(buf),
			f: cbridge.Filled{Rows: n, Used: used, Need: need, End: end},
		}
		if g.fault() == "" {
			wantWithin(t, &g)
		}
		if len(g.dump()) > 1000 {
			t.Fatal("a dump has keys or values in it")
		}
	})
}
