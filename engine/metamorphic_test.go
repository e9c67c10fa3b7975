package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/metamorphic"
)

var (
	metaSeeds  = flag.Int("meta.seeds", 1, "lists of the metamorphic test, each with a seed of its own")
	metaOps    = flag.Int("meta.ops", 160, "operations of a list; half with -short")
	metaSome   = flag.Int("meta.sets", 0, "standard option sets of each list, in turn; 0: all")
	metaRandom = flag.Int("meta.random", 3, "random option sets besides the standard ones")
	metaSeed   = flag.Uint64("meta.seed", 0, "the first seed; 0: a new one each time")
	metaReplay = flag.String("meta.replay", "", "file with a list of operations to run instead of random ones")
)

// metaFault is a bug that a negative control plants into a reader.
type metaFault string

const (
	metaIncluded metaFault = "an upper bound is included"
	metaDropped  metaFault = "a row is dropped at the end of a window"
	metaUnmerged metaFault = "a merged value is read as its last operand"
	metaStale    metaFault = "a scan goes by the options of the one before"
	metaNewest   metaFault = "a snapshot shows the newest state"
)

// remember keeps what metaUnmerged shows.
func (m *metaRun) remember(r metamorphic.Record) {
	if name := metaFamily(r.Family) + string(r.Key); r.Do == "merge" {
		m.merged[name] = r.Value.Bytes()
	} else {
		delete(m.merged, name)
	}
}

func (m *metaRun) unmerge(family int, key, value []byte) []byte {
	if operand := m.merged[metaFamily(family)+string(key)]; m.plant == metaUnmerged && operand != nil && value != nil {
		return operand
	}
	return value
}

// metaWay is a set of options, a reader, and for negative controls a planted fault.
type metaWay struct {
	set     *metaSet
	read    metaReader
	plant   metaFault
	foreign func(dir string) error // looks at the database in the end; may be nil
}

func (w metaWay) String() string {
	return fmt.Sprintf("options %q, read by %q", w.set.name, w.read.name)
}

// lines runs a list in a folder of its own.
func (w metaWay) lines(dir string, list []metamorphic.Op) (lines []string, err error) {
	if dir, err = os.MkdirTemp(dir, ""); err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	m := &metaRun{set: w.set, read: w.read, plant: w.plant, dir: dir}
	err = m.run(list, func(_ int, line string) bool {
		lines = append(lines, line)
		return true
	})
	return lines, err
}

// differs runs a list against the lines it must give, up to the first that is another.
func (w metaWay) differs(dir string, list []metamorphic.Op, want []string) (err error) {
	if dir, err = os.MkdirTemp(dir, ""); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m := &metaRun{set: w.set, read: w.read, plant: w.plant, foreign: w.foreign, dir: dir}
	var difference error
	err = m.run(list, func(n int, line string) bool {
		if line != want[n] {
			difference = fmt.Errorf("operation %d, %v: %.300s, with %q it is %.300s", n, list[n], line, metaReference, want[n])
		}
		return difference == nil
	})
	return errors.Join(difference, err)
}

// reference is the way whose lines are taken for right.
func metaReferenceWay() metaWay { return metaWay{set: &metaSets[0], read: metaReaders[0]} }

// metaDirect reports whether the file system of temporary files has direct I/O.
var metaDirect = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(dir, &engine.Options{DirectReads: true, DirectWrites: true})
	return err == nil && errors.Join(db.Put([]byte("k"), nil, nil), db.Flush(), db.Close()) == nil
})

// metaPossible reports whether a list means the same with the set as with the reference.
func metaPossible(s *metaSet, list []metamorphic.Op) bool {
	return (s.needs == 0 || engine.Supports(s.needs)) && (!s.db.DirectReads || metaDirect()) && !(!s.ranges() && slices.ContainsFunc(list, func(o metamorphic.Op) bool {
		return o.Do == "stage" && slices.ContainsFunc(o.Records, func(r metamorphic.Record) bool { return r.Do == "range" })
	}))
}

// metaReduced makes a list that differs in a way as small as it gets.
func metaReduced(dir string, list []metamorphic.Op, w metaWay, tries int) []metamorphic.Op {
	return metamorphic.Reduce(list, tries, func(candidate []metamorphic.Op) bool {
		want, err := metaReferenceWay().lines(dir, candidate)
		if err != nil {
			return false
		}
		err = w.differs(dir, candidate, want)
		return err != nil && !errors.Is(err, errMeta)
	})
}

// metaReport reduces a list that differed and tells how to run it again.
func metaReport(t *testing.T, list []metamorphic.Op, w metaWay, seed uint64, difference error) {
	t.Helper()
	small := metaReduced(t.TempDir(), list, w, 1000)
	var text bytes.Buffer
	if err := metamorphic.Write(&text, small, fmt.Sprintf("seed %d, %v", seed, w)); err != nil {
		t.Error(err)
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("metamorphic-%d.txt", seed))
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Error(err)
	}
	t.Errorf("%v: %v\nreduced from %d to %d operations; run them again by -run '^%s$' -meta.replay=%s\n%s",
		w, difference, len(list), len(small), t.Name(), path, text.Bytes())
}

// metaWays are the ways that a list goes: each set with another reader each time, and every reader at least once. Those at random
// hang on the seed alone, so that a list finds them again.
func metaWays(seed uint64, random int) (ways []metaWay) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range metaSets {
		ways = append(ways, metaWay{set: &metaSets[i], read: metaReaders[(uint64(i)+seed)%uint64(len(metaReaders))]})
	}
	for range random {
		s := randomMetaSet(r)
		ways = append(ways, metaWay{set: &s, read: metaReaders[r.IntN(len(metaReaders))]})
	}
	return ways
}

// someWays are those of the ways that a list of this seed goes: lists that follow each other go through all sets.
func someWays(ways []metaWay, seed uint64) []metaWay {
	if *metaSome == 0 || *metaSome >= len(metaSets) {
		return ways
	}
	some := slices.Clone(ways[len(metaSets):])
	for i := range uint64(*metaSome) {
		some = append(some, ways[(seed*uint64(*metaSome)+i)%uint64(len(metaSets))])
	}
	return some
}

// TestEveryWayOfReadingUnderEveryOptionAnswersTheSame runs random lists of operations with many sets of options, read
// in many ways. A list of which two ways answer otherwise is reduced to few operations, and printed.
func TestEveryWayOfReadingUnderEveryOptionAnswersTheSame(t *testing.T) {
	if *metaReplay != "" {
		replayMeta(t)
		return
	}
	ops := *metaOps
	if testing.Short() {
		ops /= 2
	}
	_, first := seededRand(t, "meta.seed", *metaSeed)
	total, ways := 0, map[string]bool{}
	for seed := first; seed < first+uint64(*metaSeeds) && !t.Failed(); seed++ {
		list := metamorphic.Generate(seed, ops, seed%2 == 0)
		want, err := metaReferenceWay().lines(t.TempDir(), list)
		if err != nil {
			t.Fatalf("seed %d, %v: %v", seed, metaReferenceWay(), err)
		}
		for i, w := range someWays(metaWays(seed, *metaRandom), seed) {
			if !metaPossible(w.set, list) {
				continue
			}
			// ldb has merge operators of its own, and only a compaction of rows leaves it no operands.
			if i%16 == int(seed%16) && w.set.each.Tuning.Compaction != engine.FIFOCompaction {
				w.foreign = foreignOf(t)
			}
			if err := w.differs(t.TempDir(), list, want); err != nil {
				metaReport(t, list, w, seed, err)
				break
			}
			total++
			ways[w.set.name] = true
		}
		if *metaSeeds > 1 {
			t.Logf("seed %d: %d runs of %d operations so far, %d sets of options", seed, total, ops, len(ways))
		}
	}
	t.Logf("%d runs of %d operations, %d sets of options", total, ops, len(ways))
	if total == 0 && !t.Failed() {
		t.Error("no set of options was run: the test shows nothing")
	}
}

// foreignOf has RocksDB's own programs look at what a run leaves.
func foreignOf(t *testing.T) func(string) error {
	return func(dir string) error { return foreignAgrees(t, dir, true) }
}

// replayMeta runs a list from a file in every way, those at random of the seed in its first line included.
func replayMeta(t *testing.T) {
	f, err := os.Open(*metaReplay)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := metamorphic.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	want, err := metaReferenceWay().lines(t.TempDir(), list)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(0)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fscanf(f, "# seed %d", &seed)
	for _, of := range metaWays(seed, *metaRandom) {
		for _, read := range metaReaders {
			w := metaWay{set: of.set, read: read}
			if !metaPossible(w.set, list) {
				continue
			}
			if of.set.each.Tuning.Compaction != engine.FIFOCompaction && read.name == metaReaders[0].name {
				w.foreign = foreignOf(t)
			}
			if err := w.differs(t.TempDir(), list, want); err != nil {
				t.Errorf("%v: %v", w, err)
			}
		}
	}
}

// TestTheMetamorphicTestFindsPlantedFaultsAndReducesThem plants a bug into a reader. A list must show it, and what is
// left of the list must be few operations that still do.
func TestTheMetamorphicTestFindsPlantedFaultsAndReducesThem(t *testing.T) {
	for plant, reader := range map[metaFault]int{metaIncluded: 0, metaDropped: 2, metaUnmerged: 1, metaStale: 3, metaNewest: 4} {
		t.Run(string(plant), func(t *testing.T) {
			t.Parallel()
			w := metaWay{set: &metaSets[1], read: metaReaders[reader], plant: plant}
			_, seed := seededRand(t, "meta.seed", *metaSeed)
			for n := range uint64(10) {
				list := metamorphic.Generate(seed+n, 200, true)
				want, err := metaReferenceWay().lines(t.TempDir(), list)
				if err != nil {
					t.Fatal(err)
				}
				if err = w.differs(t.TempDir(), list, want); err == nil {
					continue
				}
				if testing.Short() {
					return
				}
				small := metaReduced(t.TempDir(), list, w, 200)
				if len(small) > 5 {
					t.Errorf("seed %d: %d operations are left: %v", seed+n, len(small), small)
				}
				t.Logf("%v\nreduced to %v", err, small)
				return
			}
			t.Error("ten lists did not show it")
		})
	}
}
