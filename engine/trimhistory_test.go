package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	trimSteps = flag.Int("trim.steps", 60, "steps between the trims of the model test of TrimHistory; a half with -short")
	trimSeed  = flag.Uint64("trim.seed", 0, "its seed; 0: a new one each time")
)

// trim drops the versions of the model that are newer.
func (r stampedRows) trim(timestamp uint64) {
	for key, all := range r {
		n := len(all)
		for n > 0 && all[n-1].at > timestamp {
			n--
		}
		if r[key] = all[:n:n]; n == 0 {
			delete(r, key)
		}
	}
}

// Whatever has been done to a database, once it is cut back to a timestamp it reads as it did as of that and before, and
// goes on from there.
func TestADatabaseThatIsCutBackDoesAsAModel(t *testing.T) {
	for style, extra := range map[string]string{
		"leveled":   "level0_file_num_compaction_trigger=2",
		"static":    "level_compaction_dynamic_level_bytes=false;max_bytes_for_level_base=1000;max_bytes_for_level_multiplier=2;target_file_size_base=400",
		"universal": "compaction_style=kCompactionStyleUniversal",
		"one level": "compaction_style=kCompactionStyleUniversal;num_levels=1",
		"by hand":   byHandOnly,
	} {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			r, seed := seededRand(t, "trim.seed", *trimSeed)
			m := newTrimModel(t, r, extra)
			for n := range 2 {
				if err := m.stepsAndTrim(n == 1); err != nil {
					t.Fatalf("seed %d, round %d: %v", seed, n, err)
				}
			}
			mustDo(t, m.dropSnapshot(), m.db.Health(), m.db.Close())
		})
	}
}

func newTrimModel(t *testing.T, r *rand.Rand, extra string) *stampedModel {
	m := &stampedModel{r: r, dir: filepath.Join(t.TempDir(), "db"), clock: 1, rows: stampedRows{}, flat: map[string]string{}}
	m.o = &engine.Options{
		Extra: "avoid_flush_during_recovery=true",
		Families: map[string]engine.FamilyOptions{
			"t": {Timestamps: true, BlockSize: 256, Extra: extra}, "plain": {}, "empty": {Timestamps: true},
		},
	}
	mustDo(t, m.open("t"))
	return m
}

// stepsAndTrim works on the database, which is left with rows in logs, and cuts it back to a timestamp that it has had.
func (m *stampedModel) stepsAndTrim(all bool) error {
	steps := *trimSteps
	if testing.Short() {
		steps /= 2
	}
	for range steps {
		if err := m.step("t"); err != nil {
			return err
		}
	}
	if err := errors.Join(m.dropSnapshot(), m.db.Close()); err != nil {
		return err
	}
	at := m.low + m.r.Uint64N(m.clock-m.low+1)
	if all {
		at = m.low
	}
	for range 2 { // the second time there is nothing to do
		if err := engine.TrimHistory(m.dir, at, m.o); err != nil {
			return err
		}
	}
	m.rows.trim(at)
	if err := m.open("t"); err != nil {
		return err
	}
	for range 4 {
		if err := m.check(); err != nil {
			return fmt.Errorf("cut back to %d of %d: %w", at, m.clock, err)
		}
	}
	return nil
}

// RocksDB looks which levels there are before it waits for the compactions that Open has begun: what these move on must
// be cut back too. They are on again afterwards, in options that the database keeps, but where they were off.
func TestATrimIsNotPassedByCompactionsThatOpenBegins(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	off, on := engine.FamilyOptions{Timestamps: true, Extra: byHandOnly}, engine.FamilyOptions{Timestamps: true}
	before := &engine.Options{FamilyOptions: off, Families: map[string]engine.FamilyOptions{"off": off}}
	o := &engine.Options{FamilyOptions: on, Families: map[string]engine.FamilyOptions{"off": off}}
	for i := range 5 { // one alone is passed seldom
		before.Families[fmt.Sprint(i)], o.Families[fmt.Sprint(i)] = off, on
	}
	db := openDir(t, dir, before)
	for at := range uint64(4) {
		var b engine.Batch
		for _, cf := range db.ColumnFamilies() {
			for i := range 20 {
				mustDo(t, b.In(cf).PutAt(fmt.Appendf(nil, "%06d", i), at, fmt.Appendf(nil, "%0200d", at)))
			}
		}
		mustDo(t, db.Write(&b, nil), db.Flush())
	}
	mustDo(t, db.Close(), engine.TrimHistory(dir, 1, o))
	db = openDir(t, dir, &engine.Options{FamilyOptions: on})
	defer db.Close()
	for _, cf := range db.ColumnFamilies() {
		versions, done := cf.At(engine.Newest).Versions(0, nil)
		n := 0
		for v := range versions {
			if n++; v.Timestamp > 1 {
				t.Fatalf("%s: %s is there as of %d", cf.Name(), v.Key, v.Timestamp)
			}
		}
		now, err := cf.Options()
		if mustDo(t, done(), err); n != 40 || (now["disable_auto_compactions"] == "true") != (cf.Name() == "off") {
			t.Errorf("%s: %d versions, compactions off: %s", cf.Name(), n, now["disable_auto_compactions"])
		}
	}
}

func TestATrimRefusesWhatItCannotDo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	stamped := engine.FamilyOptions{Timestamps: true}
	o := &engine.Options{Families: map[string]engine.FamilyOptions{"t": stamped, "fifo": {Timestamps: true, Extra: "compaction_style=kCompactionStyleFIFO"}}}
	db := openDir(t, dir, o)
	c, err := db.ColumnFamily("t")
	mustDo(t, err, c.PutAt([]byte("k"), 5, []byte("v"), nil), c.RaiseHistory(4))
	expectError(t, "a database that is open", engine.TrimHistory(dir, 4, &engine.Options{Families: map[string]engine.FamilyOptions{"t": stamped, "fifo": stamped}}), engine.ErrLocked)
	mustDo(t, db.Close())
	expectError(t, "less than the history", engine.TrimHistory(dir, 3, o), engine.ErrNoHistory)
	expectError(t, "FIFO", engine.TrimHistory(dir, 4, o), engine.ErrUnsupported)
	expectError(t, "the newest", engine.TrimHistory(dir, engine.Newest, o), engine.ErrInvalidArgument)
	expectError(t, "a family that is not named", engine.TrimHistory(dir, 4, nil), engine.ErrInvalidArgument)
	more := maps.Clone(o.Families)
	more["new"] = stamped
	expectError(t, "a family that is not there", engine.TrimHistory(dir, 4, &engine.Options{Families: more}), engine.ErrFamilyNotFound)
	memory, err := engine.NewMemoryFiles()
	mustDo(t, err)
	defer memory.Close()
	for _, bad := range []*engine.Options{
		{ReadOnly: true},
		{ErrorIfExists: true},
		{Transactions: engine.Optimistic},
		{TimedRows: true},
		{Extra: "no_such_option=1"},
		{InMemory: memory},
	} {
		bad.Families = o.Families
		if bad.Extra != "" {
			bad.Families = map[string]engine.FamilyOptions{"t": stamped, "fifo": stamped}
		}
		expectError(t, fmt.Sprintf("%+v", bad), engine.TrimHistory(dir, 4, bad), engine.ErrInvalidArgument)
	}
	expectError(t, "no database", engine.TrimHistory(t.TempDir(), 4, o), engine.ErrInvalidArgument)
	expectError(t, "no directory", engine.TrimHistory("", 4, o), engine.ErrInvalidArgument)
	plain := filepath.Join(t.TempDir(), "plain")
	mustDo(t, openDir(t, plain, nil).Close())
	expectError(t, "a database without timestamps", engine.TrimHistory(plain, 4, nil), engine.ErrInvalidArgument)

	db = openDir(t, dir, o)
	defer db.Close()
	if c, err = db.ColumnFamily("t"); err == nil {
		_, err = c.At(5).Get([]byte("k"), nil)
	}
	mustDo(t, err)
}

func TestATrimTellsOfADamagedManifest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	mustDo(t, openDir(t, dir, &engine.Options{FamilyOptions: engine.FamilyOptions{Timestamps: true}}).Close())
	mustDo(t, os.WriteFile(filepath.Join(dir, "CURRENT"), []byte("nonsense\n"), 0o600))
	expectError(t, "no manifest", engine.TrimHistory(dir, 1, nil), engine.ErrCorruption)
	mustDo(t, os.WriteFile(filepath.Join(dir, "CURRENT"), []byte("MANIFEST-999999\n"), 0o600))
	expectError(t, "a manifest that is not there", engine.TrimHistory(dir, 1, nil), engine.ErrIO)
}

// slowTrim has a trim take a while.
func slowTrim() *engine.Options {
	return &engine.Options{RateLimit: 2 << 20, FamilyOptions: engine.FamilyOptions{
		Timestamps: true, Compression: engine.NoCompression, Extra: "target_file_size_base=50000;" + byHandOnly,
	}}
}

func trimChild(args []string) {
	at, err := strconv.ParseUint(args[1], 10, 64)
	must(err)
	must(engine.TrimHistory(args[0], at, slowTrim()))
}

// A process that dies while it cuts a database back leaves what is not newer, and who does it again gets what there
// should be.
func TestATrimThatWasKilledIsDoneAgain(t *testing.T) {
	r, seed := seededRand(t, "trim.seed", *trimSeed)
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, slowTrim())
	rows, clock := stampedRows{}, uint64(0)
	for n := range 3 {
		var b engine.Batch
		for range 1000 {
			key := fmt.Sprintf("%03d", r.IntN(300))
			clock++
			row := stampedRow{at: clock, value: fmt.Sprintf("%0200d", clock), deleted: r.IntN(5) == 0}
			if row.deleted {
				row.value = ""
				mustDo(t, b.DeleteAt([]byte(key), clock))
			} else {
				mustDo(t, b.PutAt([]byte(key), clock, []byte(row.value)))
			}
			rows.add(key, row)
		}
		if mustDo(t, db.Write(&b, nil)); n < 2 {
			mustDo(t, db.Flush())
		}
	}
	mustDo(t, db.Close())
	at := clock/2 + r.Uint64N(clock/4)
	check := func(what string, low, high uint64) {
		t.Helper()
		db := openDir(t, dir, slowTrim())
		defer db.Close()
		m := &stampedModel{r: r, db: db, cf: db.ColumnFamilies()[0], clock: clock}
		for _, at := range []uint64{low, low + (high-low)/2, high} {
			if err := m.checkWhole(m.cf.At(at), rows); err != nil {
				t.Errorf("seed %d: %s, as of %d: %v", seed, what, at, err)
			}
			if err := m.checkVersions(m.cf.At(at), rows); err != nil {
				t.Errorf("seed %d: %s, versions as of %d: %v", seed, what, at, err)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := childCommand(ctx, t, "trim", dir, fmt.Sprint(at))
	mustDo(t, c.Start())
	time.Sleep(time.Duration(100+r.IntN(200)) * time.Millisecond)
	cancel()
	if c.Wait() == nil {
		t.Log("it was not killed")
	}
	check("killed", 1, at)
	fast := slowTrim()
	fast.RateLimit = 0
	mustDo(t, engine.TrimHistory(dir, at, fast))
	rows.trim(at)
	check("done again", 1, clock)
}
