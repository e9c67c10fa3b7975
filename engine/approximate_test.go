package engine_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var sizesSeed = flag.Uint64("sizes.seed", 0, "seed of the approximate sizes; 0: a new one")

func oneSize(t *testing.T, c *engine.DB, start, end []byte, o *engine.SizeOptions) int64 {
	t.Helper()
	n, err := c.ApproximateSizes(t.Context(), []engine.KeyRange{{Start: start, End: end}}, o)
	mustDo(t, err)
	return n[0]
}

// The sizes that are told differ from those of the rows by what blocks at the ends, and what stands beside rows, explain.
func TestApproximateSizesAreAboutThoseOfTheRows(t *testing.T) {
	const files, block, rows = 3, 512, 900
	r, _ := seededRand(t, "sizes.seed", *sizesSeed)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{
		Compression: engine.NoCompression, BlockSize: block, Extra: byHandOnly,
	}})
	lengths := [rows]int64{} // of the rows by their numbers
	key := func(i int) []byte { return fmt.Appendf(nil, "%04d", i) }
	for f := range files {
		for i := f; i < rows; i += files { // each file has rows of all ranges
			value := make([]byte, r.IntN(200))
			for j := range value {
				value[j] = byte(r.Uint32())
			}
			lengths[i] = int64(len(value) + 4)
			mustDo(t, db.Put(key(i), value, nil))
		}
		mustDo(t, db.Flush())
	}
	model := func(from, to int) (sum int64) {
		for i := from; i < to; i++ {
			sum += lengths[i]
		}
		return sum
	}
	var ranges []engine.KeyRange
	var want []int64
	for range 100 {
		from, to := r.IntN(rows), r.IntN(rows+1)
		ranges = append(ranges, engine.KeyRange{Start: key(from), End: key(to)})
		want = append(want, model(from, to))
	}
	ranges = append(ranges, engine.KeyRange{}, engine.KeyRange{End: key(rows / 2)}, engine.KeyRange{Start: key(rows / 2)}, engine.KeyRange{Start: []byte("x")})
	want = append(want, model(0, rows), model(0, rows/2), model(rows/2, rows), 0)
	options := map[string]*engine.SizeOptions{"nil": nil}
	if engine.Supports(engine.SizeMargin) {
		options["margin"] = &engine.SizeOptions{Margin: 0.05}
	}
	if engine.Supports(engine.SizeFlags) {
		options["memtables"] = &engine.SizeOptions{Memtables: true}
	}
	for what, o := range options {
		got, err := db.ApproximateSizes(t.Context(), ranges, o)
		mustDo(t, err)
		for i, n := range got {
			most := float64(files*2*(block+300)) + 0.3*float64(want[i]) // headers of rows, restarts and checksums of blocks
			if o != nil {
				most += o.Margin * float64(model(0, rows))
			}
			if math.Abs(float64(n-want[i])) > most || bytes.Compare(ranges[i].Start, ranges[i].End) >= 0 && ranges[i].End != nil && n != 0 {
				t.Errorf("%s: %q to %q: %d bytes, rows have %d", what, ranges[i].Start, ranges[i].End, n, want[i])
			}
		}
	}
}

func TestMemtablesCountIfTheyAreAskedFor(t *testing.T) {
	needs(t, engine.SizeFlags)
	db := openTemp(t, nil)
	for i := range 500 {
		mustDo(t, db.Put(fmt.Appendf(nil, "%04d", i), make([]byte, 100), nil))
	}
	with, only := &engine.SizeOptions{Memtables: true}, &engine.SizeOptions{Memtables: true, NoFiles: true}
	for what, x := range map[string]struct {
		o   *engine.SizeOptions
		any bool
	}{"files": {nil, false}, "both": {with, true}, "memtables": {only, true}} {
		if n := oneSize(t, db, nil, nil, x.o); n > 0 != x.any || n > 200_000 {
			t.Errorf("%s, not flushed: %d", what, n)
		}
	}
	if n := oneSize(t, db, []byte("x"), nil, only); n != 0 {
		t.Errorf("behind all rows: %d", n)
	}
	mustDo(t, db.Flush())
	if files, both, memtables := oneSize(t, db, nil, nil, nil), oneSize(t, db, nil, nil, with), oneSize(t, db, nil, nil, only); files == 0 || files != both || memtables != 0 {
		t.Errorf("flushed: %d, %d, %d", files, both, memtables)
	}
}

func TestBlobFilesCountIfTheyAreAskedFor(t *testing.T) {
	needs(t, engine.SizeBlobs)
	db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: "enable_blob_files=true"}})
	for i := range 100 {
		mustDo(t, db.Put(fmt.Appendf(nil, "%04d", i), bytes.Repeat([]byte{byte(i)}, 1000), nil))
	}
	mustDo(t, db.Flush())
	without, with := oneSize(t, db, nil, nil, nil), oneSize(t, db, nil, nil, &engine.SizeOptions{Blobs: true})
	if without > 50_000 || with < 90_000 {
		t.Errorf("%d without blobs, %d with them", without, with)
	}
}

func TestApproximateSizesRefusesWhatMakesNoSense(t *testing.T) {
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"backward": {Comparator: engine.ReverseBytewise}}})
	backward, err := db.ColumnFamily("backward")
	mustDo(t, err)
	one := []engine.KeyRange{{}}
	sizes := func(c *engine.ColumnFamily, ranges []engine.KeyRange, o engine.SizeOptions) error {
		n, err := c.ApproximateSizes(context.Background(), ranges, &o)
		if err != nil && n != nil {
			t.Errorf("%v with %v", n, err)
		}
		return err
	}
	c, err := db.ColumnFamily("default")
	mustDo(t, err)
	for what, o := range map[string]engine.SizeOptions{
		"nothing":           {NoFiles: true},
		"a negative margin": {Margin: -1},
		"too wide a margin": {Margin: 1.5},
		"no number":         {Margin: math.NaN()},
	} {
		expectError(t, what, sizes(c, one, o), engine.ErrInvalidArgument)
	}
	for f, o := range map[engine.Feature]engine.SizeOptions{
		engine.SizeFlags: {Memtables: true}, engine.SizeMargin: {Margin: 0.1}, engine.SizeBlobs: {Blobs: true},
	} {
		if !engine.Supports(f) {
			expectError(t, f.String(), sizes(c, one, o), engine.ErrUnsupported)
		}
	}
	expectError(t, "another order", sizes(backward, one, engine.SizeOptions{}), engine.ErrUnsupported)
	long := make([]byte, engine.MaxKeySize+1)
	expectError(t, "a long start", sizes(c, []engine.KeyRange{{Start: long}}, engine.SizeOptions{}), engine.ErrTooLarge)
	expectError(t, "a long end", sizes(c, []engine.KeyRange{{End: long}}, engine.SizeOptions{}), engine.ErrTooLarge)
	expectError(t, "too many", sizes(c, make([]engine.KeyRange, 1<<20+1), engine.SizeOptions{}), engine.ErrTooLarge)
	if n, err := db.ApproximateSizes(nil, nil, nil); len(n) != 0 || err != nil {
		t.Errorf("of no ranges: %v, %v", n, err)
	}
}
