package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

var (
	batchSeed      = flag.Uint64("batch.seed", 0, "seed of the random tests of batches; 0 takes a new one")
	batchMutations = flag.Int("batch.mutations", 12_000, "mutated batches that TestMutatedBatches gives to ParseBatch")
)

// judge is a database and what it must hold: batches from outside are given to both.
type judge struct {
	t        testing.TB
	dir      string
	db       *engine.DB
	model    modelDB
	accepted int
	refused  map[string]int // by what refused them
}

// judgeOptions open families that add, and one, with number 1, that does not merge, and holds entities where that can be.
func judgeOptions() *engine.Options {
	return &engine.Options{
		FamilyOptions: adding,
		Families:      map[string]engine.FamilyOptions{"1": {WideColumns: engine.Supports(engine.WideColumns)}, "2": adding},
	}
}

func newJudge(t testing.TB) *judge {
	j := &judge{t: t, dir: filepath.Join(t.TempDir(), "db"), model: modelDB{}, refused: map[string]int{}}
	j.db = openDir(t, j.dir, judgeOptions())
	t.Cleanup(func() { j.db.Close() })
	for _, c := range j.db.ColumnFamilies() {
		if c.Name() != "default" && c.Name() != fmt.Sprint(c.ID()) {
			t.Fatalf("family %s has number %d", c.Name(), c.ID())
		}
	}
	return j
}

// misfit tells whether a batch merges into the family that cannot, or puts entities into one that cannot hold them.
func misfit(b *engine.Batch) bool {
	for r := range b.Records() {
		if r.Family == 1 && r.Kind == engine.KindMerge {
			return true
		}
		if r.Kind == engine.KindPutEntity && (r.Family != 1 || !engine.Supports(engine.WideColumns)) {
			return true
		}
	}
	return false
}

// try gives rep to ParseBatch. What it refuses must leave the database usable; what it accepts must be
// applied whole, or, if it does not fit this database, not at all.
func (j *judge) try(rep []byte) {
	j.t.Helper()
	given := bytes.Clone(rep)
	b, err := engine.ParseBatch(rep)
	if err != nil {
		if !errors.Is(err, engine.ErrCorruption) && !errors.Is(err, engine.ErrTooLarge) {
			j.t.Fatalf("%x: refused with %v", rep, err)
		}
		j.refused["ParseBatch"]++
		j.put(rep)
		return
	}
	if !bytes.Equal(b.Repr()[8:], given[8:]) {
		j.t.Fatalf("%x became %x", given, b.Repr())
	}
	before := j.db.LatestSequence()
	err = j.db.Write(b, nil)
	moved := j.db.LatestSequence() - before
	switch {
	case errors.Is(err, engine.ErrFamilyNotFound), errors.Is(err, engine.ErrInvalidArgument) && misfit(b):
		j.refused["Write"]++
		if moved != 0 {
			j.t.Fatalf("%x: %v, but the sequence moved by %d", rep, err, moved)
		}
	case err != nil:
		j.t.Fatalf("%x: accepted by ParseBatch, then %v", rep, err)
	case moved != uint64(b.Count()):
		j.t.Fatalf("%x: %d records, but the sequence moved by %d", rep, b.Count(), moved)
	default:
		j.accepted++
		for r := range b.Records() {
			j.model.apply(r)
		}
		for r := range b.Records() {
			j.expectKey(rep, r)
		}
	}
	j.put(rep)
}

// expectKey looks up what a record touched.
func (j *judge) expectKey(rep []byte, r engine.Record) {
	j.t.Helper()
	c, err := j.db.ColumnFamily(map[uint32]string{0: "default", 1: "1", 2: "2"}[r.Family])
	if err != nil {
		j.t.Fatal(err)
	}
	row, present := j.model.family(r.Family)[string(r.Key)]
	present = present && row.there()
	if r.Kind == engine.KindLogData || row.lost {
		return
	}
	v, err := c.Get(r.Key, nil)
	if present && (err != nil || string(v) != row.value) || !present && err != engine.ErrNotFound {
		j.t.Fatalf("%x: after %v of %x in family %d: %x, %v; want %x (there: %v)",
			rep, r.Kind, r.Key, r.Family, v, err, row.value, present)
	}
}

// put checks that the database takes a write.
func (j *judge) put(rep []byte) {
	j.t.Helper()
	r := engine.Record{Kind: engine.KindPut, Key: []byte("usable"), Value: uint64le(uint64(j.accepted))}
	if err := j.db.Put(r.Key, r.Value, nil); err != nil {
		j.t.Fatalf("%x: the next Put: %v", rep, err)
	}
	j.model.apply(r)
}

// reopen closes and opens the database, from its log or from its files, and compares all of it.
func (j *judge) reopen(flush bool) {
	j.t.Helper()
	if flush {
		if err := j.db.Flush(); err != nil {
			j.t.Fatal(err)
		}
	}
	if err := j.db.Close(); err != nil {
		j.t.Fatal(err)
	}
	j.db = openDir(j.t, j.dir, judgeOptions())
	for _, c := range j.db.ColumnFamilies() {
		got, want := map[string]string{}, j.model.family(c.ID())
		rows, done := engine.Scan(c, nil)
		for k, v := range rows {
			got[string(k)] = string(v)
			if row, ok := want[string(k)]; !ok || row.gone || row.value != string(v) && !row.lost {
				j.t.Fatalf("reopened: %x is %x in family %s, want %x (there: %v)", k, v, c.Name(), row.value, ok)
			}
		}
		if err := done(); err != nil {
			j.t.Fatal(err)
		}
		for k, row := range want {
			if _, ok := got[k]; !ok && row.there() {
				j.t.Fatalf("reopened: %x is not in family %s", k, c.Name())
			}
		}
	}
}

// outsideBatch builds a batch, most often one that fits the judge's database.
func outsideBatch(r *rand.Rand) []byte {
	var rep []byte
	families := []uint32{0, 0, 1, 2, 2, 0, 2, 0, 1, 2}
	if r.IntN(20) == 0 {
		families = append(families, 3, 300)
	}
	rep = batchrepr.AppendHeader(rep)
	count := uint32(0)
	for range 1 + r.IntN(6) {
		rec := randomRecord(r, families)
		if rec.Kind == engine.KindMerge && rec.Family == 1 && r.IntN(8) != 0 {
			rec.Family = 2
		}
		if rec.Kind == engine.KindPut && r.IntN(5) == 0 {
			rec.Kind, rec.Family, rec.Value = engine.KindPutEntity, uint32(min(1, r.IntN(8))), entityOf(randomColumns(r))
		}
		rep = batchrepr.AppendRecord(rep, rec)
		if rec.Kind.Counted() {
			count++
		}
	}
	batchrepr.SetCount(rep, count)
	return rep
}

// mutate changes a batch at random places: one in four it leaves as it is.
func mutate(r *rand.Rand, rep []byte) []byte {
	for range r.IntN(4) {
		at := r.IntN(len(rep) + 1)
		switch n := r.IntN(10); {
		case at == len(rep) || n == 0:
			rep = append(rep, byte(r.IntN(32)))
		case n < 3:
			rep[at] ^= 1 << r.IntN(8)
		case n < 5:
			rep[at] = byte(r.IntN(256))
		case n == 5:
			rep[8+r.IntN(4)%len(rep)] = byte(r.IntN(8)) // the count
		case n == 6:
			rep = append(rep[:at:at], rep[min(len(rep), at+1+r.IntN(8)):]...)
		case n == 7:
			rep = append(rep[:at:at], append(valueOf(1+r.IntN(8)), rep[at:]...)...)
		case n == 8:
			rep = rep[:at]
		default: // a field grows together with its length, or a tag changes for another
			rep[at] = byte([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16, 22, 23}[r.IntN(14)])
		}
		if len(rep) < 12 && r.IntN(2) == 0 {
			return rep
		}
		if len(rep) < 12 {
			rep = append(rep, make([]byte, 12-len(rep))...)
		}
	}
	return rep
}

func TestMutatedBatchesAreRefusedOrAppliedWhole(t *testing.T) {
	r, _ := seededRand(t, "batch.seed", *batchSeed)
	j := newJudge(t)
	for round := 1; round <= *batchMutations; round++ {
		j.try(mutate(r, outsideBatch(r)))
		if round%1000 == 0 {
			j.reopen(round%2000 == 0)
		}
	}
	j.reopen(false)
	t.Logf("%d batches: %d applied, refused by %v", *batchMutations, j.accepted, j.refused)
	n := *batchMutations
	if n >= 1000 && (j.accepted < n/20 || j.refused["ParseBatch"] < n/20 || j.refused["Write"] == 0) {
		t.Error("the mutations test one side only")
	}
}

func FuzzParseBatch(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		f.Add(outsideBatch(r))
	}
	f.Add(make([]byte, 12))
	j := newJudge(f)
	tries := 0
	f.Fuzz(func(t *testing.T, rep []byte) {
		j.t = t
		for id, rows := range j.model { // an input must fail by itself
			for k := range rows {
				c := j.db.ColumnFamilies()[id]
				if err := c.Delete([]byte(k), nil); err != nil {
					t.Fatal(err)
				}
			}
			clear(rows)
		}
		j.try(rep)
		if tries++; tries%1000 == 0 {
			j.reopen(tries%2000 == 0)
		}
	})
}
