package engine_test

import (
	"context"
	"flag"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var suggestSeed = flag.Uint64("suggest.seed", 0, "seed of the suggested compactions; 0: a new one")

// seldomAlone compacts so seldom of its own accord that what is compacted was suggested.
const seldomAlone = "level0_file_num_compaction_trigger=1000;level0_slowdown_writes_trigger=2000;level0_stop_writes_trigger=3000"

// Whatever is suggested, and whatever the style of compaction makes of it, no row is lost, and none comes back.
func TestSuggestedCompactionsKeepTheRows(t *testing.T) {
	for style, o := range map[string]engine.FamilyOptions{
		"leveled":   {},
		"static":    {Extra: "level_compaction_dynamic_level_bytes=false;" + seldomAlone},
		"universal": {Extra: "compaction_style=kCompactionStyleUniversal;" + seldomAlone},
		"one level": {Extra: "compaction_style=kCompactionStyleUniversal;num_levels=1"},
		"FIFO":      {Extra: "compaction_style=kCompactionStyleFIFO"},
		"blobs":     {Extra: "enable_blob_files=true;min_blob_size=8;" + seldomAlone},
		"backwards": {Comparator: engine.ReverseBytewise, Extra: seldomAlone},
		"in Go":     {GoComparator: shortFirst(), Extra: seldomAlone},
	} {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			r, _ := seededRand(t, "suggest.seed", *suggestSeed)
			db := openTemp(t, &engine.Options{FamilyOptions: o, InMemory: memoryFiles(t)})
			rows := map[string]string{}
			key := func() []byte { return fmt.Appendf(nil, "%0*d", 1+r.IntN(2), r.IntN(10)) }
			rounds := 60
			if testing.Short() {
				rounds = 15
			}
			for round := range rounds {
				for range 1 + r.IntN(20) {
					k, value := key(), fmt.Sprint(round, " ", r.Uint64())
					if r.IntN(3) == 0 {
						delete(rows, string(k))
						mustDo(t, db.Delete(k, nil))
					} else {
						rows[string(k)] = value
						mustDo(t, db.Put(k, []byte(value), nil))
					}
				}
				mustDo(t, db.Flush())
				if r.IntN(10) == 0 {
					mustDo(t, db.Compact(t.Context(), nil, nil))
				}
				bounds := [][]byte{nil, {}, key(), key()}
				mustDo(t, db.SuggestCompact(t.Context(), bounds[r.IntN(4)], bounds[r.IntN(4)]))
				expectRows(t, fmt.Sprint("round ", round), db, rows)
			}
			mustDo(t, db.Health())
		})
	}
}

// hasDeletions tells whether files of the family hold deletions.
func hasDeletions(t *testing.T, db *engine.DB, family string) bool {
	for _, f := range tablesOf(t, db, family) {
		if f.Deletions > 0 {
			return true
		}
	}
	return false
}

// The call returns while the compaction that it asked for cannot end, and that gives the space of what was deleted back.
func TestASuggestedCompactionIsMadeBehindTheCall(t *testing.T) {
	gate := make(chan struct{})
	var closed atomic.Bool
	filter := &engine.GoCompactionFilter{Name: "test.gate", New: func(c engine.FilterContext) func(int, []byte, []byte) (engine.FilterVerdict, []byte) {
		if !c.Manual && closed.Load() {
			<-gate
		}
		return nil
	}}
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {GoFilter: filter, Extra: seldomAlone}}})
	c, err := db.ColumnFamily("f")
	mustDo(t, err)
	rows := map[string]string{}
	for i := range 100 {
		key, value := fmt.Sprintf("%02d", i), fmt.Sprint("value ", i)
		mustDo(t, c.Put([]byte(key), []byte(value), nil))
		if i < 50 {
			rows[key] = value
		}
	}
	mustDo(t, c.Compact(t.Context(), nil, nil))
	for i := 50; i < 100; i++ {
		mustDo(t, c.Delete(fmt.Appendf(nil, "%02d", i), nil))
	}
	mustDo(t, c.Flush())
	if !hasDeletions(t, db, "f") {
		t.Fatal("the deletions are in no file")
	}
	closed.Store(true)
	mustDo(t, db.SuggestCompact(t.Context(), []byte("6"), []byte("7"))) // of all families
	if !hasDeletions(t, db, "f") {
		t.Error("a compaction that cannot end was waited for")
	}
	close(gate)
	waitFor(t, "the compaction", func() bool { return !hasDeletions(t, db, "f") })
	expectRows(t, "compacted", c, rows)
	if files := tablesOf(t, db, "f"); len(files) != 1 || files[0].Entries != 50 {
		t.Errorf("%+v", files)
	}
	mustDo(t, db.Health())
}

// Of a family of any order the files that reach into the range are compacted, and no others are.
func TestASuggestionIsAboutItsRangeOnly(t *testing.T) {
	for order, o := range map[string]engine.FamilyOptions{
		"bytewise": {}, "backwards": {Comparator: engine.ReverseBytewise}, "timestamps": {Timestamps: true},
	} {
		for what, x := range map[string]struct {
			start, end []byte
			marked     [2]bool // the file from b to d, and that from m to o
		}{
			"all":            {nil, nil, [2]bool{true, true}},
			"the first":      {[]byte("c"), []byte("e"), [2]bool{true, false}},
			"the second":     {[]byte("n"), []byte("z"), [2]bool{false, true}},
			"up to its end":  {[]byte("o"), []byte("oo"), [2]bool{false, true}},
			"in between":     {[]byte("e"), []byte("g"), [2]bool{false, false}},
			"over both":      {[]byte("d"), []byte("m"), [2]bool{true, true}},
			"nothing within": {[]byte("c"), []byte("c"), [2]bool{false, false}},
			"ends before":    {[]byte("n"), []byte("c"), [2]bool{false, false}},
		} {
			t.Run(order+"/"+what, func(t *testing.T) {
				t.Parallel()
				if order == "backwards" {
					x.start, x.end = x.end, x.start
				}
				db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": o}, InMemory: memoryFiles(t)})
				c, err := db.ColumnFamily("f")
				mustDo(t, err, c.SetOptions(map[string]string{"disable_auto_compactions": "true"}))
				put := func(keys ...string) {
					for _, key := range keys {
						if o.Timestamps {
							mustDo(t, c.PutAt([]byte(key), 1, []byte("v"), nil))
						} else {
							mustDo(t, c.Put([]byte(key), []byte("v"), nil))
						}
					}
					mustDo(t, c.Flush())
				}
				for _, ends := range [][]string{{"a", "e"}, {"l", "z"}} { // what a file meets below would bring the other one
					put(ends...)
					mustDo(t, c.Compact(t.Context(), nil, nil))
				}
				put("b", "d")
				put("m", "o")
				mustDo(t, c.SuggestCompact(t.Context(), x.start, x.end))
				is := func(property string) bool { // it tells 0 or 1
					v, err := c.Property("rocksdb." + property)
					mustDo(t, err)
					return v != "0"
				}
				if pending := is("compaction-pending"); pending != (x.marked != [2]bool{}) {
					t.Errorf("a compaction is pending: %v", pending)
				}
				mustDo(t, c.SetOptions(map[string]string{"disable_auto_compactions": "false"})) // now what is marked goes
				waitFor(t, "the compactions", func() bool { return !is("compaction-pending") && !is("num-running-compactions") })
				left := [2]bool{}
				for _, f := range tablesOf(t, db, "f") {
					if f.Level == 0 {
						left[(f.Smallest[0]-'a')/10] = true
					}
				}
				if want := [2]bool{!x.marked[0], !x.marked[1]}; left != want {
					t.Errorf("in level 0: %v, want %v", left, want)
				}
			})
		}
	}
}

func TestASuggestionRefusesWhatMakesNoSense(t *testing.T) {
	var sick atomic.Bool
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"fussy": {GoComparator: fussy(&sick), Extra: byHandOnly}}})
	mustDo(t, db.Put([]byte("k"), nil, nil), db.Flush())
	long := make([]byte, engine.MaxKeySize+1)
	expectError(t, "a long start", db.SuggestCompact(t.Context(), long, nil), engine.ErrTooLarge)
	expectError(t, "a long end", db.SuggestCompact(t.Context(), nil, long), engine.ErrTooLarge)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	expectError(t, "a context that has ended", db.SuggestCompact(over, nil, nil), context.Canceled)
	mustDo(t, db.SuggestCompact(nil, nil, nil))
	c, err := db.ColumnFamily("fussy")
	mustDo(t, err)
	for _, key := range []string{"?", "k"} { // two levels
		mustDo(t, c.Put([]byte(key), nil, nil), c.Flush())
		if key == "?" {
			mustDo(t, c.Compact(t.Context(), nil, nil))
			mustDo(t, c.Put([]byte(key), nil, nil))
		}
	}
	expectError(t, "no key for the comparator", c.SuggestCompact(t.Context(), []byte("!"), nil), engine.ErrInvalidArgument)
	expectError(t, "no start for a compaction", c.Compact(t.Context(), []byte("!"), nil), engine.ErrInvalidArgument)
	expectError(t, "no end for a compaction", c.Compact(t.Context(), nil, []byte("!")), engine.ErrInvalidArgument)
	sick.Store(true)
	expectError(t, "while the comparator fails", c.SuggestCompact(t.Context(), []byte("a"), nil), engine.ErrAborted)
	sick.Store(false)
	mustDo(t, c.SuggestCompact(t.Context(), []byte("a"), nil), c.Put([]byte("l"), nil, nil)) // the order is as sound as before
	mustDo(t, db.DropColumnFamily(c))
	expectError(t, "dropped", c.SuggestCompact(t.Context(), nil, nil), engine.ErrFamilyDropped)
	read := openDir(t, db.Path(), &engine.Options{ReadOnly: true})
	defer read.Close()
	expectError(t, "read only", read.SuggestCompact(t.Context(), nil, nil), engine.ErrReadOnly)
}
