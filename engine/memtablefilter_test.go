package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// RocksDB's memtables with filters keep asking an extractor that SetOptions has replaced and freed: a family has filters or another
// extractor. What is refused changes nothing, and a new opening may have either.
func TestTheExtractorOfAMemtableIsNotFreed(t *testing.T) {
	const filter, none, one, two, off = "memtable_prefix_bloom_size_ratio=0.1", "memtable_prefix_bloom_size_ratio=0",
		"prefix_extractor=fixed:1", "prefix_extractor=fixed:2", "prefix_extractor=nullptr"
	for name, c := range map[string]struct {
		extra string
		steps []string // "!" before those that are refused
	}{
		"an extractor":          {"", []string{one, two, off, none, "!" + filter, one}},
		"a filter":              {"", []string{filter, "!" + one, none, "!" + two, "!" + off, filter}},
		"opened with both":      {filter + ";" + one, []string{"!" + two, "!" + off, none, "!" + one, filter}},
		"opened with extractor": {one, []string{two, "!" + filter, off}},
		"both at once":          {"", []string{"!" + one + ";" + filter, filter}},
		"a filter taken away":   {filter, []string{"!" + one + ";" + none, none}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "db")
			o := &engine.Options{FamilyOptions: engine.FamilyOptions{Extra: c.extra}}
			for range 2 {
				db := openDir(t, dir, o)
				for i, step := range c.steps {
					step, refused := strings.CutPrefix(step, "!")
					setStep(t, db, step, refused)
					for k := range 100 {
						key := fmt.Appendf(nil, "%d/%d", i, k)
						mustDo(t, db.Put(key, key, nil))
						_, err := db.Get(key, nil)
						mustDo(t, err)
					}
				}
				mustDo(t, db.Close())
			}
		})
	}
}

func setStep(t *testing.T, db *engine.DB, step string, refused bool) {
	t.Helper()
	options := map[string]string{}
	for part := range strings.SplitSeq(step, ";") {
		name, value, _ := strings.Cut(part, "=")
		options[name] = value
	}
	f, err := db.ColumnFamily("default")
	mustDo(t, err)
	before := optionsOf(t, f)
	err = f.SetOptions(options)
	if refused != errors.Is(err, engine.ErrInvalidArgument) || (err != nil) != refused {
		t.Errorf("%s: %v, refused: %v", step, err, refused)
	}
	if refused && !maps.Equal(before, optionsOf(t, f)) {
		t.Errorf("%s was refused, and set", step)
	}
}
