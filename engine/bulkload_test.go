package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	loadSeed   = flag.Uint64("load.seed", 0, "seed of the random bulk loads; 0: a new one each time")
	loadRounds = flag.Int("load.rounds", 15, "rounds of the random bulk loads; a fifth with -short")
)

// loadRow is a row of an input.
type loadRow struct{ key, value []byte }

// loadInput yields rows as a bulk load takes them, in memory that it overwrites.
func loadInput(rows []loadRow) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		var k, v []byte
		for _, r := range rows {
			k, v = append(k[:0], r.key...), append(v[:0], r.value...)
			if !yield(k, v) {
				return
			}
			for i := range k {
				k[i] = 0xdb
			}
			for i := range v {
				v[i] = 0xdb
			}
		}
	}
}

// randomRows are rows of all lengths. Keys come again now and then, and share beginnings.
func randomRows(r *rand.Rand, n int) []loadRow {
	rows := make([]loadRow, n)
	space := 1 + r.IntN(2*n+1)
	long := r.IntN(4) == 0
	for i := range rows {
		key := fmt.Appendf(nil, "%0*d", r.IntN(12), r.IntN(space))
		if r.IntN(20) == 0 {
			key = key[:r.IntN(len(key)+1)]
		}
		if r.IntN(30) == 0 {
			key = append(key, make([]byte, r.IntN(9))...)
		}
		if long && r.IntN(100) == 0 {
			key = append(key, bytes.Repeat([]byte{'l'}, r.IntN(100_000))...)
		}
		value := binary.BigEndian.AppendUint32(nil, uint32(i))
		value = append(value, make([]byte, r.IntN(60))...)
		if long && r.IntN(100) == 0 {
			value = append(value, make([]byte, r.IntN(300_000))...)
		}
		rows[i] = loadRow{key, value}
	}
	return rows
}

// shuffled gives rows an order: none, ascending, ascending in parts, or descending.
func shuffled(r *rand.Rand, rows []loadRow) string {
	ascending := func(a, b loadRow) int { return bytes.Compare(a.key, b.key) }
	switch r.IntN(4) {
	case 0:
		slices.SortStableFunc(rows, ascending)
		return "sorted"
	case 1:
		at := r.IntN(len(rows) + 1)
		slices.SortStableFunc(rows[:at], ascending)
		slices.SortStableFunc(rows[at:], ascending)
		return "in two parts"
	case 2:
		slices.SortStableFunc(rows, func(a, b loadRow) int { return ascending(b, a) })
		return "descending"
	}
	return "unsorted"
}

func joined(_, earlier, later []byte) ([]byte, error) { return append(earlier, later...), nil }

// loadModel is what a load makes of the rows that were there.
func loadModel(there map[string]string, rows []loadRow, combine bool) map[string]string {
	made := map[string]string{}
	for _, r := range rows {
		k, v := string(r.key), string(r.value)
		if old, again := made[k]; again && combine {
			v = old + v
		}
		made[k] = v
	}
	m := maps.Clone(there)
	maps.Copy(m, made)
	return m
}

// sameRows compares a reader with a model.
func sameRows(r engine.Reader, want map[string]string) error {
	n := 0
	rows, done := engine.Scan(r, nil)
	for k, v := range rows {
		w, ok := want[string(k)]
		if !ok || w != string(v) {
			return fmt.Errorf("a key of %d bytes, %.20q: value of %d bytes, want %d (%v)", len(k), k, len(v), len(w), ok)
		}
		n++
	}
	if err := done(); err != nil {
		return err
	}
	if n != len(want) {
		return fmt.Errorf("%d rows, want %d", n, len(want))
	}
	return nil
}

// noFolders fails if a load has left something beside the database.
func noFolders(t testing.TB, parent string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(parent, "rockbridge-load-*"))
	if err != nil || len(left) > 0 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
}

// Loads of random rows into a family that has some, in any order, with little memory and small files.
func TestBulkLoadsAgainstAModel(t *testing.T) {
	r, seed := seededRand(t, "load.seed", *loadSeed)
	db := openTemp(t, nil)
	rounds := *loadRounds
	if testing.Short() {
		rounds /= 5
	}
	var all engine.LoadStats
	for round := range rounds {
		cf, err := db.CreateColumnFamily(fmt.Sprint("f", round), nil)
		if err != nil {
			t.Fatal(err)
		}
		there := map[string]string{}
		for _, row := range randomRows(r, r.IntN(100)) {
			there[string(row.key)] = string(row.value)
			if err := cf.Put(row.key, row.value, nil); err != nil {
				t.Fatal(err)
			}
		}
		if r.IntN(2) == 0 {
			if err := cf.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		before, err := db.NewSnapshot()
		if err != nil {
			t.Fatal(err)
		}
		rows := randomRows(r, 1+r.IntN(8_000))
		order := shuffled(r, rows)
		o := &engine.BulkLoadOptions{Memory: 64 << 10 << r.IntN(5), TargetFileSize: 32 << 10 << r.IntN(6)}
		if round == 0 { // at least one load that has to sort in several runs
			rows, order, o.Memory = reversed(numbered(8_000)), "descending", 64<<10
		}
		if r.IntN(3) == 0 {
			o.Combine = joined
		}
		stats, err := engine.BulkLoad(t.Context(), cf, loadInput(rows), o)
		want := loadModel(there, rows, o.Combine != nil)
		if err == nil {
			err = sameRows(cf, want)
		}
		if err == nil {
			err = sameRows(before.In(cf), there)
		}
		made := loadModel(map[string]string{}, rows, o.Combine != nil)
		if err == nil && (stats.Rows != uint64(len(rows)) || stats.Stored != uint64(len(made)) || stats.Sorted != (order == "sorted" || isSorted(rows))) {
			err = fmt.Errorf("want %d rows, %d stored", len(rows), len(made))
		}
		if err != nil {
			t.Fatalf("seed %d, round %d, %s, memory %d, files of %d, %+v: %v", seed, round, order, o.Memory, o.TargetFileSize, stats, err)
		}
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.DropColumnFamily(cf); err != nil {
			t.Fatal(err)
		}
		all.Runs, all.Merges, all.Files, all.Rows = all.Runs+stats.Runs, all.Merges+stats.Merges, all.Files+stats.Files, all.Rows+stats.Rows
	}
	noFolders(t, filepath.Dir(db.Path()))
	t.Logf("%d rows, %d files, %d runs, %d merges", all.Rows, all.Files, all.Runs, all.Merges)
	if all.Runs == 0 || all.Files < rounds {
		t.Error("no runs: the test shows nothing")
	}
}

func isSorted(rows []loadRow) bool {
	return slices.IsSortedFunc(rows, func(a, b loadRow) int { return bytes.Compare(a.key, b.key) })
}

// numbered are n rows in ascending order.
func numbered(n int) []loadRow {
	rows := make([]loadRow, n)
	for i := range rows {
		rows[i] = loadRow{fmt.Appendf(nil, "key %08d", i), fmt.Appendf(nil, "value %d of some length, so that files fill", i)}
	}
	return rows
}

func reversed(rows []loadRow) []loadRow {
	slices.Reverse(rows)
	return rows
}

func TestSortedRowsGoStraightIntoTables(t *testing.T) {
	db := openTemp(t, nil)
	rows := numbered(50_000)
	stats, err := engine.BulkLoad(nil, defaultOf(t, db), loadInput(rows), &engine.BulkLoadOptions{Sorted: true, TargetFileSize: 100 << 10, Memory: 1 << 20})
	if err != nil || !stats.Sorted || stats.Runs != 0 || stats.Files < 3 {
		t.Fatal(stats, err)
	}
	if err := sameRows(db, loadModel(map[string]string{}, rows, false)); err != nil {
		t.Error(err)
	}
	files, err := db.LiveFiles()
	if err != nil || len(files) != stats.Files {
		t.Fatal(len(files), err)
	}
	for _, f := range files {
		if f.Level == 0 {
			t.Errorf("%s is in level 0: the files overlap", f.Name)
		}
	}
}

func defaultOf(t testing.TB, db *engine.DB) *engine.ColumnFamily {
	t.Helper()
	cf, err := db.ColumnFamily("default")
	if err != nil {
		t.Fatal(err)
	}
	return cf
}

// One row out of order, after many: the tables written before it are read again.
func TestOneRowOutOfOrder(t *testing.T) {
	for _, at := range []int{1, 100, 40_000, 49_999} {
		db := openTemp(t, nil)
		rows := numbered(50_000)
		rows[at], rows[at-1] = rows[at-1], rows[at]
		o := &engine.BulkLoadOptions{TargetFileSize: 100 << 10, Memory: 1 << 20}
		stats, err := engine.BulkLoad(nil, defaultOf(t, db), loadInput(rows), o)
		if err != nil || stats.Sorted {
			t.Fatal(stats, err)
		}
		if err := sameRows(db, loadModel(map[string]string{}, rows, false)); err != nil {
			t.Errorf("at %d: %v", at, err)
		}
		o.Sorted = true
		_, err = engine.BulkLoad(nil, defaultOf(t, db), loadInput(rows), o)
		var e *engine.Error
		if !errors.Is(err, engine.ErrInvalidArgument) || !errors.As(err, &e) || !bytes.Equal(e.Key, rows[at].key) {
			t.Errorf("Sorted, at %d: %v", at, err)
		}
		noFolders(t, filepath.Dir(db.Path()))
	}
}

func TestUniqueFindsKeysThatComeTwice(t *testing.T) {
	for name, distance := range map[string]int{"neighbours": 1, "in one memory": 50, "in other runs": 30_000} {
		db := openTemp(t, nil)
		rows := numbered(50_000)
		rows[45_000].key = rows[45_000-distance].key
		_, err := engine.BulkLoad(nil, defaultOf(t, db), loadInput(rows), &engine.BulkLoadOptions{Unique: true, TargetFileSize: 100 << 10, Memory: 1 << 20})
		var e *engine.Error
		if !errors.Is(err, engine.ErrInvalidArgument) || !errors.As(err, &e) || !bytes.Equal(e.Key, rows[45_000].key) {
			t.Errorf("%s: %v", name, err)
		}
		if err := sameRows(db, map[string]string{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever ends a load before its end, the database is as it was.
func TestALoadThatFailsLoadsNothing(t *testing.T) {
	rows := reversed(numbered(30_000))
	bad := errors.New("bad rows")
	for name, c := range map[string]struct {
		fail func(l *engine.Loader, cancel func(), folder string) error
		want error
	}{
		"closed":        {func(l *engine.Loader, _ func(), _ string) error { return nil }, nil},
		"a large key":   {func(l *engine.Loader, _ func(), _ string) error { return l.Add(make([]byte, engine.MaxKeySize+1), nil) }, engine.ErrTooLarge},
		"its context":   {func(l *engine.Loader, cancel func(), _ string) error { cancel(); return l.Finish() }, context.Canceled},
		"a damaged run": {func(l *engine.Loader, _ func(), folder string) error { harmRun(folder); return l.Finish() }, engine.ErrCorruption},
		"a lost run": {func(l *engine.Loader, _ func(), folder string) error {
			os.Remove(filepath.Join(folder, "000001.run"))
			return l.Finish()
		}, engine.ErrIO},
		"combining": {func(l *engine.Loader, _ func(), _ string) error {
			return errors.Join(l.Add(rows[0].key, nil), l.Finish())
		}, bad},
	} {
		db := openTemp(t, nil)
		if err := db.Put([]byte("there"), []byte("before"), nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		l, err := db.NewLoader(ctx, &engine.BulkLoadOptions{
			Memory: 1 << 20, Combine: func(_, _, _ []byte) ([]byte, error) { return nil, bad },
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := l.Add(r.key, r.value); err != nil {
				t.Fatal(err)
			}
		}
		folders, err := filepath.Glob(filepath.Join(filepath.Dir(db.Path()), "rockbridge-load-*"))
		if err != nil || len(folders) != 1 {
			t.Fatal(folders, err)
		}
		if err := c.fail(l, cancel, folders[0]); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		cancel()
		if err := l.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := shownRows(t, db); got != "there=before" {
			t.Errorf("%s: %.100s", name, got)
		}
		if err := l.Add([]byte("k"), nil); err != engine.ErrClosed {
			t.Errorf("%s: then Add says %v", name, err)
		}
		noFolders(t, filepath.Dir(db.Path()))
	}
}

func harmRun(folder string) {
	path := filepath.Join(folder, "000001.run")
	b, err := os.ReadFile(path)
	must(err)
	b[len(b)/2] ^= 1
	must(os.WriteFile(path, b, 0o600))
}

func TestBulkLoadRefusesOptions(t *testing.T) {
	db := openTemp(t, nil)
	for name, o := range map[string]*engine.BulkLoadOptions{
		"little memory": {Memory: 1}, "negative memory": {Memory: -1}, "small files": {TargetFileSize: 1},
		"unique and combine": {Unique: true, Combine: joined}, "a zero byte": {TempDir: "a\x00b"},
	} {
		if _, err := db.NewLoader(nil, o); !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := db.NewLoader(nil, &engine.BulkLoadOptions{TempDir: filepath.Join(db.Path(), "no such")}); !errors.Is(err, engine.ErrIO) {
		t.Error(err)
	}
}

func TestALoadOfNothing(t *testing.T) {
	db := openTemp(t, nil)
	stats, err := engine.BulkLoad(nil, defaultOf(t, db), loadInput(nil), nil)
	if err != nil || stats.Rows != 0 || stats.Files != 0 {
		t.Error(stats, err)
	}
	noFolders(t, filepath.Dir(db.Path()))
}

// What a process that died has left is swept by the next load, but for what belongs to others.
func TestTheNextLoadSweepsWhatIsLeft(t *testing.T) {
	db, other := openTemp(t, nil), openTemp(t, nil)
	temp := t.TempDir()
	o := &engine.BulkLoadOptions{TempDir: temp}
	left, err := db.NewLoader(nil, o)
	if err != nil {
		t.Fatal(err)
	}
	others, err := other.NewLoader(nil, o)
	if err != nil {
		t.Fatal(err)
	}
	defer others.Close()
	folders := func() int {
		all, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	second, err := db.NewLoader(nil, o) // beside the first one
	if err != nil || folders() != 3 {
		t.Fatal(folders(), err)
	}
	if err := second.Close(); err != nil || folders() != 2 {
		t.Fatal(folders(), err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := openDir(t, db.Path(), nil) // as another process would
	defer again.Close()
	third, err := again.NewLoader(nil, o)
	if err != nil || folders() != 2 {
		t.Fatal(folders(), err)
	}
	if err := errors.Join(third.Close(), left.Close()); err != nil || folders() != 1 {
		t.Fatal(folders(), err)
	}
}

// A load that was closed with Keep is gone on with, from where its files end.
func TestALoadIsResumed(t *testing.T) {
	r, seed := seededRand(t, "load.seed", *loadSeed)
	for round := range 6 {
		db := openTemp(t, nil)
		rows := randomRows(r, 1+r.IntN(10_000))
		order := shuffled(r, rows)
		o := &engine.BulkLoadOptions{Memory: 64 << 10 << r.IntN(4), TargetFileSize: 64 << 10 << r.IntN(3), Resume: true, Keep: true, Combine: joined}
		resumed := 0
		for attempt := 0; ; attempt++ {
			l, err := db.NewLoader(nil, o)
			if err != nil {
				t.Fatal(err)
			}
			at := int(l.Resumed())
			if at > 0 {
				resumed++
			}
			stop := min(len(rows), at+r.IntN(len(rows)/4*(1+attempt)+100))
			for _, row := range rows[at:stop] {
				if err := l.Add(row.key, row.value); err != nil {
					t.Fatal(err)
				}
			}
			if stop == len(rows) {
				if err := l.Finish(); err != nil {
					t.Fatal(err)
				}
				if s := l.Stats(); s.Rows != uint64(len(rows)) || s.Skipped != uint64(at) {
					t.Errorf("%+v", s)
				}
				break
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := sameRows(db, loadModel(map[string]string{}, rows, true)); err != nil {
			t.Fatalf("seed %d, round %d, %s, resumed %d times: %v", seed, round, order, resumed, err)
		}
		noFolders(t, filepath.Dir(db.Path()))
		if testing.Verbose() {
			t.Logf("%s: resumed %d times", order, resumed)
		}
	}
}

// Damaged notes are as none: the load begins anew.
func TestWhatCannotBeResumedIsBegunAnew(t *testing.T) {
	rows := numbered(20_000)
	for name, harm := range map[string]func(notes string, folder string){
		"no notes":     func(notes, _ string) { os.Remove(notes) },
		"no line":      func(notes, _ string) { must(os.WriteFile(notes, []byte("text"), 0o600)) },
		"a lost file":  func(_, folder string) { must(os.Remove(filepath.Join(folder, "000000.sst"))) },
		"a short file": func(_, folder string) { must(os.Truncate(filepath.Join(folder, "000000.sst"), 10)) },
	} {
		db := openTemp(t, nil)
		o := &engine.BulkLoadOptions{TargetFileSize: 100 << 10, Memory: 1 << 20, Keep: true, Resume: true}
		l, err := db.NewLoader(nil, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := l.Add(r.key, r.value); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		folders, _ := filepath.Glob(filepath.Join(filepath.Dir(db.Path()), "rockbridge-load-*"))
		if len(folders) != 1 {
			t.Fatal(folders)
		}
		harm(filepath.Join(folders[0], "NOTES"), folders[0])
		l, err = db.NewLoader(nil, o)
		if err != nil || l.Resumed() != 0 {
			t.Fatal(name, l.Resumed(), err)
		}
		o.Keep = false
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoadingWhileReadersRead(t *testing.T) {
	db := openTemp(t, nil)
	rows := numbered(20_000)
	for _, r := range rows {
		if err := db.Put(r.key, []byte("old"), nil); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		for {
			select {
			case <-stop:
				return
			default:
			}
			old, now := 0, 0
			shown, done := engine.Scan(db, nil)
			for _, v := range shown {
				if string(v) == "old" {
					old++
				} else {
					now++
				}
			}
			if err := done(); err != nil || old != 0 && now != 0 || old+now != len(rows) {
				failed <- fmt.Errorf("a scan shows %d old and %d new rows, %v", old, now, err)
				return
			}
		}
	}()
	for range 3 {
		if _, err := engine.BulkLoad(nil, defaultOf(t, db), loadInput(rows), &engine.BulkLoadOptions{TargetFileSize: 100 << 10}); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if err := <-failed; err != nil {
		t.Error(err)
	}
	if v, err := db.Get(rows[7].key, nil); err != nil || !strings.HasPrefix(string(v), "value 7") {
		t.Errorf("%q, %v", v, err)
	}
}
