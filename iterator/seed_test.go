package iterator_test

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	seedFlag   = flag.Uint64("iter.seed", 0, "seed of the first random round; 0: taken from the clock")
	roundsFlag = flag.Int("iter.rounds", 0, "random rounds of each test; 0: the test's own number")
	traceFlag  = flag.Bool("iter.trace", false, "print random operations before they run: for a round that crashes")
)

// eachRound calls round with a seed of its own for each round and stops at the first that fails.
// Round i has seed -iter.seed + i, so the seed that a failure names replays as round 0.
func eachRound(t *testing.T, rounds, short int, round func(seed uint64) error) {
	t.Helper()
	first := *seedFlag
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	if testing.Short() {
		rounds = short
	}
	if *roundsFlag > 0 {
		rounds = *roundsFlag
	}
	t.Logf("%d rounds from -iter.seed=%d", rounds, first)
	for i := range uint64(rounds) {
		if err := round(first + i); err != nil {
			t.Fatalf("%v\nreplay: go test -run '^%s$' -iter.seed=%d -iter.rounds=1", err, t.Name(), first+i)
		}
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x17e7a702)) }

// oneIn is true once in n times.
func oneIn(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

// pick gives one of the choices.
func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }
