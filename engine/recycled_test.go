package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A recycled log has longer heads, blocks that end otherwise, and an older log's rows behind its end: a database whose
// process died opens with every row of it, and Updates gave them all while it was written.
func TestARecycledLogLosesNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	o := &engine.Options{Extra: "recycle_log_file_num=2;wal_recovery_mode=kSkipAnyCorruptedRecords"}
	db, err := engine.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const rows = 2000
	value := make([]byte, 400)
	write := func(round int) {
		for i := range rows {
			v := value[:100+r.IntN(300)]
			v[0] = byte(round)
			if err := db.Put(fmt.Appendf(nil, "%08d", i), v, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for round := range 3 { // each into a file of one before
		write(round)
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	u := updatesSince(t, db, db.LatestSequence()+1, nil)
	write(3)
	if n := nextUpdates(t, u, nil); n != rows {
		t.Errorf("%d updates of %d", n, rows)
	}
	crashed := filepath.Join(t.TempDir(), "crashed")
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	again, err := engine.Open(crashed, o)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	scan, done := engine.Scan(again, nil)
	n := 0
	for _, v := range scan {
		if n++; v[0] != 3 {
			t.Fatalf("a row of round %d", v[0])
		}
	}
	if err := done(); err != nil || n != rows {
		t.Errorf("%d rows of %d, %v", n, rows, err)
	}
}
