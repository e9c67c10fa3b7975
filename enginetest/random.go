package enginetest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// seedFlag repeats what Run did.
var seedFlag = flag.Uint64("enginetest.seed", 0, "seed of enginetest.Run: that of an earlier run repeats it; 0: a new one")

// reduceRuns is how many runs are spent on making a list that fails shorter.
const reduceRuns = 300

// Config says what Run does. Only Open must be set.
type Config struct {
	// Open makes a new and empty subject: once for the run, and once for each shorter list that is tried after a failure.
	// Databases gives one. What it needs at the end it registers with t.Cleanup; the t that it is given is not the test's.
	Open func(t testing.TB) Subject

	Seed       uint64 // 0: that of the flag -enginetest.seed, or else a new one
	Operations int    // 0: 1,000

	// Merge is what the subject's merge operator does; nil: nothing is merged. Value and Operand make values and operands;
	// nil: letters of any number, which suits an operator that appends. An operator that wants values of a form of its own
	// needs all three.
	Merge   MergeFunc
	Value   func(r *rand.Rand) []byte
	Operand func(r *rand.Rand) []byte
}

// Run makes random operations on a new subject and on a Model, and compares the two again and again, and at the end. A failure tells
// the seed, by which the flag -enginetest.seed or Config.Seed repeats the run, and the shortest list of operations that was found to
// fail too. Operations come one after the other, from one goroutine: what happens between several is not looked at.
func Run(t testing.TB, c Config) {
	t.Helper()
	seed := c.complete()
	t.Logf("enginetest: repeat with -run '^%s$' -enginetest.seed=%d", t.Name(), seed)
	var list []operation
	var failedAt int
	first := record(t, func(r *recorder) {
		s := c.Open(r)
		list = generate(seed, &c, allowed(s, &c))
		c.play(r, s, list, &failedAt)
	})
	if first.Skipped() {
		t.Skip("enginetest: Config.Open skipped the test")
	}
	if !first.Failed() {
		return
	}
	if len(list) == 0 {
		t.Errorf("enginetest: no subject: %s", first.reason())
		return
	}
	t.Errorf("enginetest: seed %d, %s\n%s", seed, first.reason(), c.reduced(t, list[:min(failedAt+1, len(list))]))
}

// complete fills in the defaults and gives the seed.
func (c *Config) complete() uint64 {
	if c.Operations == 0 {
		c.Operations = 1000
	}
	if c.Value == nil {
		c.Value = randomValue
	}
	if c.Operand == nil {
		c.Operand = randomValue
	}
	switch {
	case c.Seed != 0:
		return c.Seed
	case *seedFlag != 0:
		return *seedFlag
	}
	return uint64(time.Now().UnixNano())
}

// play does a list of operations and the comparison at the end. at is the index of the operation under way, and len(list) behind
// the last one.
func (c *Config) play(t testing.TB, s Subject, list []operation, at *int) {
	st := &state{s: s, model: NewModel(c.Merge)}
	defer closeAll(st)
	for i, o := range list {
		*at = i
		if err := st.do(t, o); err != nil {
			t.Errorf("operation %d of %d, %v: %v", i+1, len(list), o, err)
		}
		if t.Failed() { // also if a restart has met a leak
			return
		}
	}
	*at = len(list)
	if err := st.closeSnapshots(); err != nil {
		t.Errorf("at the end, after %d operations: %v", len(list), err)
	}
	if err := st.model.Diff(st.s.Reader); err != nil {
		t.Errorf("at the end, after %d operations: %v", len(list), err)
	}
}

// closeAll closes the snapshots of a run that has failed already.
func closeAll(st *state) {
	for _, s := range st.snapshots {
		s.closeIt() // it would be a second failure
	}
}

// reduced leaves out of a list that fails what it does not need for that, and tells what remains.
func (c *Config) reduced(t testing.TB, list []operation) string {
	runs := 0
	reason := ""
	fails := func(list []operation) bool {
		runs++
		r := record(t, func(r *recorder) { c.play(r, c.Open(r), list, new(int)) })
		if r.Failed() {
			reason, _, _ = strings.Cut(r.reason(), "\ngoroutine ") // the stack of a panic was told before
		}
		return r.Failed()
	}
	if !fails(list) {
		return "the same operations did not fail again, on a new subject"
	}
	for size := (len(list) + 1) / 2; size > 0 && runs < reduceRuns; size /= 2 {
		for i := 0; i < len(list) && runs < reduceRuns; {
			shorter := slices.Delete(slices.Clone(list), i, min(i+size, len(list)))
			if fails(shorter) {
				list = shorter
			} else {
				i += size
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "reduced to %d operations by %d runs:\n", len(list), runs)
	for _, o := range list {
		fmt.Fprintf(&b, "\t%v\n", o)
	}
	fmt.Fprintf(&b, "which fail so: %s", reason)
	return b.String()
}
