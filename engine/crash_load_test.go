package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// loadCrashRows are the rows of load n: 20,000 rows, of which the same keys come in every load, in an
// order that depends on n.
func loadCrashRows(n int) []loadRow {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	rows := numbered(20_000)
	for i := range rows {
		rows[i].value = fmt.Appendf(rows[i].value, ", load %d", n)
	}
	switch n % 3 {
	case 1:
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	case 2:
		for range 20 {
			i, j := r.IntN(len(rows)), len(rows)/2+r.IntN(len(rows)/2)
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	return rows
}

func loadCrashOptions() *engine.BulkLoadOptions {
	return &engine.BulkLoadOptions{Memory: 512 << 10, TargetFileSize: 64 << 10, Resume: true, Keep: true}
}

// loadChild makes load after load until it is killed. Its arguments are the directory of the database,
// and the number of the first load, which may have been begun by another child.
func loadChild(args []string) {
	n, err := strconv.Atoi(args[1])
	must(err)
	db, err := engine.Open(args[0], nil)
	must(err)
	cf, err := db.ColumnFamily("default")
	must(err)
	for ; ; n++ {
		fmt.Println("begin", n)
		stats, err := engine.BulkLoad(context.Background(), cf, loadInput(loadCrashRows(n)), loadCrashOptions())
		must(err)
		fmt.Println("end", n, stats.Skipped)
	}
}

// A process that loads is killed at a random moment, again and again. Each load is there as a whole or
// not at all, also one that another process has gone on with.
func TestAKilledLoadIsWholeOrNothing(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	r, seed := seededRand(t, "load.seed", *loadSeed)
	dir := filepath.Join(t.TempDir(), "db")
	loaded, resumed, cut := -1, 0, 0
	for round := range rounds {
		begun, ended, skipped := killedLoad(t, dir, loaded+1, time.Duration(20+r.IntN(700))*time.Millisecond)
		resumed += skipped
		if begun > ended {
			cut++
		}
		db := openDir(t, dir, nil)
		loaded = max(loaded, ended)
		want := func(n int) map[string]string {
			if n < 0 {
				return map[string]string{}
			}
			return loadModel(map[string]string{}, loadCrashRows(n), false)
		}
		if err := sameRows(db, want(loaded)); err != nil {
			// Killed after it had ingested, before it could say so.
			if begun <= loaded || sameRows(db, want(begun)) != nil {
				t.Fatalf("seed %d, round %d: load %d was begun, %d ended, and there are %v", seed, round, begun, loaded, err)
			}
			loaded = begun
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	db := openDir(t, dir, nil)
	defer db.Close()
	if _, err := engine.BulkLoad(nil, defaultOf(t, db), loadInput(nil), nil); err != nil {
		t.Fatal(err)
	}
	noFolders(t, filepath.Dir(dir))
	t.Logf("%d loads, %d of them cut short, %d gone on with", loaded+1, cut, resumed)
	if !testing.Short() && (loaded < 0 || cut == 0) {
		t.Error("the test shows nothing")
	}
}

// killedLoad runs a child for so long after its first load has begun, and tells the last load that it began and ended, and how
// often it went on with another's.
func killedLoad(t *testing.T, dir string, first int, after time.Duration) (begun, ended, resumed int) {
	t.Helper()
	c := childCommand(t.Context(), t, "load", dir, strconv.Itoa(first))
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
		if info, err := out.Stat(); err == nil && info.Size() > 0 {
			break
		}
	}
	time.Sleep(after)
	c.Process.Kill()
	if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
		text, _ := os.ReadFile(out.Name())
		t.Fatalf("the child ended by itself: %v\n%.2000s", err, text)
	}
	text, err := os.Open(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	begun, ended = -1, -1
	for {
		var word string
		var n, skipped int
		if _, err := fmt.Fscan(text, &word, &n); err != nil {
			return begun, ended, resumed
		}
		if word == "begin" {
			begun = n
			continue
		}
		ended = n
		if fmt.Fscan(text, &skipped); skipped > 0 {
			resumed++
		}
	}
}
