package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
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

// childRole names the part that this binary plays when a test starts it again: what a signal may end
// must not be the test itself.
const childRole = "ROCKBRIDGE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch role := os.Getenv(childRole); role {
	case "":
		os.Exit(m.Run())
	default:
		fmt.Fprintf(os.Stderr, "no role %q\n", role)
		os.Exit(2)
	}
}
