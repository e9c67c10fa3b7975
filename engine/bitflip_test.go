package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	flipPlaces = flag.Int("flip.places", 120, "places of the test that changes a bit of a database, a quarter with -short")
	flipSeed   = flag.Uint64("flip.seed", 0, "its seed; 0: a new one")
)

// flipKinds are the kinds of a database's files, with how many of a hundred changes each gets.
var flipKinds = []struct {
	name  string
	glob  string
	share int
}{
	{"table", "*.sst", 40},
	{"blob file", "*.blob", 15},
	{"log", "*.log", 20},
	{"manifest", "MANIFEST-*", 14},
	{"CURRENT", "CURRENT", 4},
	{"options", "OPTIONS-*", 7},
}

// flipRecords are the records of the log of the database whose bits are changed; each has a row in both families.
const flipRecords = 40

// flipRows are the rows of a family.
func flipRows(family string) map[string]string {
	r := rand.New(rand.NewPCG(uint64(len(family)), 0))
	rows := map[string]string{}
	for i := range 300 {
		rows[fmt.Sprintf("k%04d", i)] = strings.Repeat(fmt.Sprintf("%s %d ", family, r.Uint64()), 1+r.IntN(8))
	}
	for i := range 20 {
		rows[fmt.Sprintf("large %04d", i)] = strings.Repeat(fmt.Sprintf("%s %d ", family, r.Uint64()), 60+r.IntN(40))
	}
	for i := range flipRecords {
		rows[string(flipLogged(i))] = strings.Repeat("logged ", 1+r.IntN(60))
	}
	return rows
}

// flipLogged is the key of the row in a record of the log.
func flipLogged(i int) []byte { return fmt.Appendf(nil, "w%04d", i) }

// newFlipDatabase makes a database that has a file of every kind.
func newFlipDatabase(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{
		FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression, BloomBitsPerKey: 10},
		Families:      map[string]engine.FamilyOptions{"other": {Tuning: engine.Tuning{BlobsFrom: 1000}}},
	})
	for _, family := range faultFamilies {
		c, err := db.ColumnFamily(family)
		mustDo(t, err)
		rows := flipRows(family)
		for i, key := range slices.Sorted(maps.Keys(rows)) {
			if key[0] == 'w' {
				continue
			}
			mustDo(t, c.Put([]byte(key), []byte(rows[key]), nil))
			if i == 150 {
				mustDo(t, c.Flush())
			}
		}
		mustDo(t, c.Flush())
	}
	for i := range flipRecords {
		b := db.NewBatch()
		for _, family := range faultFamilies {
			c, err := db.ColumnFamily(family)
			mustDo(t, err, b.In(c).Put(flipLogged(i), []byte(flipRows(family)[string(flipLogged(i))])))
		}
		mustDo(t, db.Write(b, nil))
	}
	mustDo(t, db.Close())
	return dir
}

// Whatever bit of whatever file has changed: a database gives what was written, or ErrCorruption. A scan that is short has
// an error, and nothing ends the process, or goes on for ever. Only the last record of the log may be missing, and
// Recovery tells of it.
func TestAChangedBitIsAnErrorOrChangesNothing(t *testing.T) {
	_, seed := seededRand(t, "flip.seed", *flipSeed)
	places := *flipPlaces
	if testing.Short() {
		places /= 4
	}
	dir := newFlipDatabase(t)
	sums := map[string]int{}
	const together = 250 // in one process
	for from := 0; from < places; {
		to := min(from+together, places)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		c := childCommand(ctx, t, "flips", dir, strconv.FormatUint(seed, 10), strconv.Itoa(from), strconv.Itoa(to))
		out, err := c.CombinedOutput()
		cancel()
		from = to
		for line := range strings.Lines(string(out)) {
			if place, ok := strings.CutPrefix(line, "PLACE "); ok && err != nil {
				from, _ = strconv.Atoi(strings.Fields(place)[0])
				from++
			}
			if strings.HasPrefix(line, "FOUND") {
				t.Error(strings.TrimSpace(line))
			}
			if sum, ok := strings.CutPrefix(line, "SUM "); ok {
				sums[strings.TrimSpace(sum)]++
			}
		}
		if err != nil {
			t.Errorf("the process ended at place %d: %v\n%.3000s", from-1, err, lastPlace(string(out)))
		}
	}
	for _, what := range slices.Sorted(maps.Keys(sums)) {
		t.Logf("%5d %s", sums[what], what)
	}
}

// lastPlace is what a process said from its last place on.
func lastPlace(out string) string { return out[max(0, strings.LastIndex(out, "PLACE ")):] }

// flipPlace changes a bit of a copy of the database.
func flipPlace(dir string, r *rand.Rand) (kind, where string) {
	n, at := r.IntN(100), 0
	for ; n >= flipKinds[at].share; at++ {
		n -= flipKinds[at].share
	}
	files, err := filepath.Glob(filepath.Join(dir, flipKinds[at].glob))
	must(err)
	files = slices.DeleteFunc(files, func(name string) bool {
		info, err := os.Stat(name)
		must(err)
		return info.Size() == 0
	})
	name := files[r.IntN(len(files))]
	b, err := os.ReadFile(name)
	must(err)
	offset, bit := r.IntN(len(b)), r.IntN(8)
	b[offset] ^= 1 << bit
	must(os.WriteFile(name, b, 0o600))
	return flipKinds[at].name, fmt.Sprintf("bit %d of byte %d of %d of %s", bit, offset, len(b), filepath.Base(name))
}

// flipsChild changes one bit after the other, each in a copy. Its arguments are the folder of the database, the
// seed, and the first and the last place.
func flipsChild(args []string) {
	seed, err := strconv.ParseUint(args[1], 10, 64)
	must(err)
	from, err := strconv.Atoi(args[2])
	must(err)
	to, err := strconv.Atoi(args[3])
	must(err)
	parent := filepath.Dir(args[0])
	if dir, err := os.MkdirTemp("/dev/shm", "flip"); err == nil {
		parent = dir
	}
	defer os.RemoveAll(parent)
	for n := from; n < to; n++ {
		dir := filepath.Join(parent, "flipped")
		must(os.RemoveAll(dir))
		must(os.CopyFS(dir, os.DirFS(args[0])))
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		kind, where := flipPlace(dir, r)
		fmt.Printf("PLACE %d %s\n", n, where)
		late := time.AfterFunc(time.Minute, func() {
			fmt.Println("FOUND no end at", n, where)
			os.Exit(1)
		})
		what, wrong := readFlipped(dir, kind, r.IntN(3) == 0)
		late.Stop()
		if wrong != nil {
			fmt.Printf("FOUND place %d, %s: %q\n", n, where, wrong)
		}
		fmt.Printf("SUM %s: %s\n", kind, what)
	}
}

// readFlipped opens a database of which a bit of a file of this kind has changed, and reads it in all ways.
func readFlipped(dir, kind string, readOnly bool) (what string, wrong error) {
	db, err := engine.Open(dir, &engine.Options{ReadOnly: readOnly, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		var e *engine.Error
		switch {
		case errors.Is(err, engine.ErrCorruption):
			return "refused", nil
		case (kind == "CURRENT" || kind == "options") && errors.As(err, &e) && e.Code != engine.CodeUnknown:
			return "refused: " + e.Code.String(), nil
		}
		return "refused", fmt.Errorf("Open: %w", err)
	}
	defer db.Close()
	what = "all is there"
	short, errs := 0, 0
	for _, name := range faultFamilies {
		c, err := db.ColumnFamily(name)
		if err != nil {
			return what, err
		}
		lost, failed, err := compareFlipped(c, flipRows(name), false)
		if err != nil {
			return what, err
		}
		short += lost
		errs += failed
	}
	switch {
	case errs > 0:
		return "reads fail", nil
	case short == 0:
		return what, nil
	case kind != "log" || short != len(faultFamilies) || db.Recovery().Break == "":
		return what, fmt.Errorf("the last record is lost in %d families; %+v", short, db.Recovery())
	}
	return "the last record is lost", nil
}

// compareFlipped reads a family in all ways: lost is 1 if the row of the last record in the log is not there, failed how many
// ways had an error.
func compareFlipped(c *engine.ColumnFamily, want map[string]string, unverified bool) (lost, failed int, wrong error) {
	var keys [][]byte
	for key := range want {
		keys = append(keys, []byte(key))
	}
	slices.SortFunc(keys, bytes.Compare)
	got := readEveryWayOf(c, keys, unverified)
	if got.wrong != nil {
		return 0, 0, got.wrong
	}
	for _, err := range got.errs {
		if !errors.Is(err, engine.ErrCorruption) {
			return 0, 0, err
		}
	}
	for _, rows := range append(got.cut, got.rows) {
		for key, v := range rows {
			if want[key] != v {
				return 0, 0, fmt.Errorf("%s: a wrong value of %d bytes at %q", c.Name(), len(v), key)
			}
		}
	}
	if got.rows == nil || len(got.rows) == len(want) {
		return 0, len(got.errs), nil
	}
	if _, there := got.rows[string(flipLogged(flipRecords-1))]; !there && len(got.rows) == len(want)-1 {
		return 1, len(got.errs), nil
	}
	return 0, 0, fmt.Errorf("%s: %d rows of %d, without an error", c.Name(), len(got.rows), len(want))
}

// Where checksums are not looked at, a changed value is read, and the test notices each.
func TestTheChangedBitTestNoticesWrongValues(t *testing.T) {
	r, _ := seededRand(t, "flip.seed", *flipSeed)
	base := newFlipDatabase(t)
	for range 10 {
		dir := filepath.Join(t.TempDir(), "db")
		mustDo(t, os.CopyFS(dir, os.DirFS(base)))
		files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
		mustDo(t, err)
		changed := false
		for _, name := range files {
			b, err := os.ReadFile(name)
			mustDo(t, err)
			if at := bytes.Index(b, []byte(flipRows("default")["k0010"])); at >= 0 {
				b[at+r.IntN(10)] ^= 1 << r.IntN(8)
				mustDo(t, os.WriteFile(name, b, 0o600))
				changed = true
			}
		}
		if !changed {
			t.Fatal("the value is in no table")
		}
		db := openDir(t, dir, nil)
		if _, _, wrong := compareFlipped(defaultOf(t, db), flipRows("default"), true); wrong == nil {
			t.Error("a wrong value was not noticed")
		}
		mustDo(t, db.Close())
	}
}
