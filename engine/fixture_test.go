package engine_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// openTemp opens a database in a directory of its own. At the test's end it is closed, and whatever
// Close then answers, a LeakError above all, fails the test. A test may close it itself before.
func openTemp(t testing.TB, o *engine.Options) *engine.DB {
	t.Helper()
	db := openDir(t, filepath.Join(t.TempDir(), "db"), o)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close at the end of the test: %v", err)
		}
	})
	return db
}

// openDir opens the database in dir, which the test closes itself.
func openDir(t testing.TB, dir string, o *engine.Options) *engine.DB {
	t.Helper()
	db, err := engine.Open(dir, o)
	if err != nil {
		t.Fatalf("open %s: %v", filepath.Base(dir), err)
	}
	return db
}

// seededRand is the source of a random test's decisions. Flag name replays them; want 0 asks for new
// ones. The seed is printed at once if the test runs verbosely, and in any case if it fails.
func seededRand(t testing.TB, name string, want uint64) (r *rand.Rand, seed uint64) {
	t.Helper()
	seed = want
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -run '^%s$' -%s=%d", t.Name(), name, seed)
	return rand.New(rand.NewPCG(seed, 0)), seed
}
