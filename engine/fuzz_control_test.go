package engine_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
)

// openBelow opens the database in dir without package engine and its checks.
func openBelow(dir string) (*cbridge.DB, error) {
	plan, err := cbridge.NewPlan(dir, cbridge.DBOptions{})
	if err != nil {
		return nil, err
	}
	defer plan.Free()
	if err := plan.Family("default", cbridge.FamilyOptions{Compression: -1}, ""); err != nil {
		return nil, err
	}
	return plan.Open()
}

// What ParseBatch is for: RocksDB logs a batch before it reads it. Each of these fails the database
// they are written to, for good if it then cannot be opened. They are what engine refuses.
func TestWithoutTheChecksABadBatchRuinsTheDatabase(t *testing.T) {
	head := func(count byte, records ...byte) []byte {
		return append([]byte{0, 0, 0, 0, 0, 0, 0, 0, count, 0, 0, 0}, records...)
	}
	ruined := 0
	for what, rep := range map[string][]byte{
		"a length beyond the end": head(1, 1, 1, 'k', 100, 'v'),
		"a wrong count":           head(5, 1, 1, 'k', 1, 'v'),
		"an unknown tag":          head(1, 0x77, 1, 'k', 1, 'v'),
		"a family not there":      head(1, 5, 9, 1, 'k', 1, 'v'),
		"an inverted range":       head(1, 0x0F, 1, 'b', 1, 'a'),
		"a merge, no operator":    head(1, 2, 1, 'k', 1, 'v'),
	} {
		db := openTemp(t, nil)
		b, err := engine.ParseBatch(rep)
		if err == nil {
			err = db.Write(b, nil)
		}
		expectError(t, what, err)
		later, reopened := writeBelow(t, filepath.Join(t.TempDir(), "db"), rep)
		t.Logf("%s: later write: %v; reopened: %v", what, later, reopened)
		if later == nil && reopened == nil {
			t.Errorf("%s: RocksDB took it without harm: the check has lost its reason", what)
		}
		if reopened != nil {
			ruined++
		}
	}
	if ruined == 0 && !engine.Supports(engine.AdaptiveReadAhead) { // 11.8 opens all of them again
		t.Error("every database could be opened again")
	}
}

// writeBelow writes a batch past all checks to a new database and tells what the next write and the
// next Open say.
func writeBelow(t *testing.T, dir string, rep []byte) (later, reopened error) {
	t.Helper()
	db, err := openBelow(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := db.Family("default")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Apply(cbridge.Put, 0, []byte("before"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	first := db.Write(0, rep)
	later = f.Apply(cbridge.Put, 0, []byte("after"), []byte("v"))
	if first != nil && later == nil {
		later = fmt.Errorf("only the write itself: %w", first)
	}
	db.Close()
	if db, reopened = openBelow(dir); reopened == nil {
		db.Close()
	}
	return later, reopened
}
