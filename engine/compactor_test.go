package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var jobsSeed = flag.Uint64("jobs.seed", 0, "seed of the compactions that are done elsewhere; 0: a new one")

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// jobOptions are of a database with a merge operator in C and, in family g, operators in Go.
func jobOptions() *engine.Options {
	small := "disable_auto_compactions=true;target_file_size_base=20000;max_subcompactions=3"
	return &engine.Options{
		FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add, Extra: small},
		Families: map[string]engine.FamilyOptions{"g": {
			Extra:        small,
			GoComparator: &engine.GoComparator{Name: "test.backwards", Compare: func(a, b []byte) int { return bytes.Compare(b, a) }},
			GoMerge: &engine.GoMergeOperator{Name: "test.sum", Merge: func(dst, _, base []byte, operands [][]byte) ([]byte, error) {
				sum := uint64(0)
				for _, o := range append(operands, base) {
					if len(o) == 8 {
						sum += binary.LittleEndian.Uint64(o)
					}
				}
				return binary.LittleEndian.AppendUint64(dst, sum), nil
			}},
			GoFilter: &engine.GoCompactionFilter{Name: "test.filter", New: func(engine.FilterContext) func(int, []byte, []byte) (engine.FilterVerdict, []byte) {
				return func(_ int, key, _ []byte) (engine.FilterVerdict, []byte) {
					if bytes.HasPrefix(key, []byte("gone")) {
						return engine.FilterRemove, nil
					}
					return engine.FilterKeep, nil
				}
			}},
		}},
		Logger: quiet,
	}
}

// jobWorker is a worker in this process, which fails as it is told.
type jobWorker struct {
	out           string
	asked, worked atomic.Int64

	mu      sync.Mutex
	answers [][]byte // of jobs before
}

func newJobWorker(t *testing.T) *jobWorker {
	needs(t, engine.RemoteCompaction)
	return &jobWorker{out: t.TempDir()}
}

// work does the job.
func (w *jobWorker) work(ctx context.Context, job engine.CompactionJob) ([]byte, error) {
	w.asked.Add(1)
	answer, err := engine.OpenAndCompact(ctx, job.Dir, filepath.Join(w.out, job.ID), job.Input, jobOptions())
	if err == nil {
		w.worked.Add(1)
	}
	return answer, err
}

// fail does the job in one of the ways that are none.
func (w *jobWorker) fail(ctx context.Context, job engine.CompactionJob, way int) ([]byte, error) {
	answer, err := w.work(ctx, job)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(w.out, job.ID)
	defer os.RemoveAll(folder)
	tables, _ := os.ReadDir(folder)
	switch way {
	case 0:
		err = errors.New("the network is down")
	case 1:
		err = engine.ErrCompactHere
	case 2:
		answer = nil
	case 3:
		answer = []byte("not a result")
	case 4:
		answer = answer[:len(answer)/2]
	case 5:
		answer[len(answer)/3] ^= 1
	case 6:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.answers = append(w.answers, answer)
		answer = w.answers[0]
		if len(w.answers) == 1 {
			err = engine.ErrCompactHere
		}
	case 7:
		for _, f := range tables[:min(1, len(tables))] {
			must(os.Remove(filepath.Join(folder, f.Name())))
		}
	case 8:
		for _, f := range tables[:min(1, len(tables))] {
			must(os.Truncate(filepath.Join(folder, f.Name()), 100))
		}
	case 9:
		panic("the worker panics")
	}
	return answer, err
}

// A database whose compactions are done elsewhere has the rows that a map has, whatever a worker does.
func TestCompactionsDoneElsewhereChangeNoRows(t *testing.T) {
	w := newJobWorker(t)
	seed := *jobsSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-jobs.seed=%d", seed)
	ways := rand.New(rand.NewPCG(seed, 1)).Perm(14) // those from 10 on are none
	o := jobOptions()
	o.Compactor = func(ctx context.Context, job engine.CompactionJob) ([]byte, error) {
		if way := ways[int(w.asked.Load())%len(ways)]; way < 10 {
			return w.fail(ctx, job, way)
		}
		return w.work(ctx, job)
	}
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, o)
	r := rand.New(rand.NewPCG(seed, 2))
	models := map[string]map[string]string{"default": {}, "g": {}}
	var snapshot *engine.Snapshot
	var then map[string]string
	var err error
	for round := range 7 {
		for range 2 {
			for name, model := range models {
				c, err := db.ColumnFamily(name)
				mustDo(t, err)
				for range 60 {
					jobWrite(t, c, r, model)
				}
			}
			mustDo(t, db.Flush())
		}
		if round == 3 {
			snapshot, err = db.NewSnapshot()
			mustDo(t, err)
			then = maps.Clone(models["default"])
		}
		mustDo(t, db.Compact(t.Context(), nil, nil))
		for name, model := range models {
			c, err := db.ColumnFamily(name)
			mustDo(t, err)
			expectRows(t, fmt.Sprintf("round %d, family %s", round, name), c, model)
		}
	}
	expectRows(t, "the snapshot", snapshot, then)
	snapshot.Close()
	var op *engine.OperatorError
	if err := db.Health(); !errors.As(err, &op) || op.Operator != "Options.Compactor" || op.Cause != "the worker panics" {
		t.Errorf("health: %v", err)
	}
	mustDo(t, db.Close())
	plain := jobOptions()
	db = openDir(t, dir, plain)
	for name, model := range models {
		c, err := db.ColumnFamily(name)
		mustDo(t, err, c.Compact(t.Context(), nil, nil))
		expectRows(t, "afterwards, family "+name, c, model)
	}
	mustDo(t, db.Health(), db.Close())
	t.Logf("%d jobs, %d of them done", w.asked.Load(), w.worked.Load())
	if n := int(w.asked.Load()); n < len(ways) {
		t.Errorf("%d jobs, fewer than ways to fail", n)
	}
	nothingIn(t, w.out)
	if strays, _ := filepath.Glob(filepath.Join(dir, "rockbridge.*")); len(strays) > 0 {
		t.Errorf("left in the database: %v", strays)
	}
}

// jobWrite makes one write at random in both.
func jobWrite(t *testing.T, c *engine.ColumnFamily, r *rand.Rand, model map[string]string) {
	t.Helper()
	key := fmt.Sprintf("key %03d", r.IntN(200))
	value := binary.LittleEndian.AppendUint64(nil, r.Uint64N(1000))
	switch r.IntN(10) {
	case 0, 1, 2, 3, 4:
		mustDo(t, c.Put([]byte(key), value, nil))
		model[key] = string(value)
	case 5, 6:
		mustDo(t, c.Delete([]byte(key), nil))
		delete(model, key)
	case 7:
		end := fmt.Sprintf("key %03d", r.IntN(200))
		from, to := min(key, end), max(key, end)
		lo, hi := from, to
		if c.Name() == "g" {
			lo, hi = to, from // keys are ordered the other way round, and so the range has its end
		}
		mustDo(t, c.DeleteRange([]byte(lo), []byte(hi), nil))
		maps.DeleteFunc(model, func(k, _ string) bool {
			if c.Name() == "g" {
				return k > from && k <= to
			}
			return k >= from && k < to
		})
	default:
		mustDo(t, c.Merge([]byte(key), value, nil))
		sum := binary.LittleEndian.Uint64(value)
		if v, ok := model[key]; ok {
			sum += binary.LittleEndian.Uint64([]byte(v))
		}
		model[key] = string(binary.LittleEndian.AppendUint64(nil, sum))
	}
}

func nothingIn(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	mustDo(t, err)
	for _, e := range entries {
		t.Errorf("left behind: %s", e.Name())
	}
}

// twoTables has files that a compaction of all must rewrite.
func twoTables(t *testing.T, c *engine.ColumnFamily) map[string]string {
	t.Helper()
	for _, v := range []string{"1", "2"} {
		mustDo(t, c.Put([]byte("a"), []byte("12345678"), nil), c.Put([]byte("b"), []byte(v), nil), c.Flush())
	}
	return map[string]string{"a": "12345678", "b": "2"}
}

// The tables of a worker become the database's, and its folder goes.
func TestAJobSaysWhatItIsAbout(t *testing.T) {
	w := newJobWorker(t)
	var jobs []engine.CompactionJob
	o := jobOptions()
	o.Compactor = func(ctx context.Context, job engine.CompactionJob) ([]byte, error) {
		jobs = append(jobs, job)
		return w.work(ctx, job)
	}
	o.Statistics = engine.UsualStatistics
	db := openTemp(t, o)
	g, err := db.ColumnFamily("g")
	mustDo(t, err)
	rows := twoTables(t, g)
	mustDo(t, g.Put([]byte("gone"), nil, nil), g.Flush(), g.Compact(t.Context(), nil, nil))
	expectRows(t, "afterwards", g, rows)
	if len(jobs) != 1 {
		t.Fatalf("%d jobs", len(jobs))
	}
	j := jobs[0]
	if j.Dir != db.Path() || j.Family != "g" || j.Reason != "by hand" || j.Level != 0 || j.OutputLevel < 1 || !j.Full || !j.Manual || !j.Bottommost || len(j.ID) < 10 {
		t.Errorf("%+v", j)
	}
	nothingIn(t, w.out)
	s, err := db.Statistics()
	mustDo(t, err)
	if n := s.Tickers["rocksdb.remote.compact.write.bytes"]; n == 0 {
		t.Error("RocksDB counts no bytes written elsewhere")
	}
}

// workerChild does a job for its parent, or, told so, hangs within it until it is killed.
func workerChild(args []string) {
	input, err := os.ReadFile(args[2])
	must(err)
	o := jobOptions()
	if args[3] == "hang" {
		g := o.Families["g"]
		g.GoFilter.New = func(engine.FilterContext) func(int, []byte, []byte) (engine.FilterVerdict, []byte) {
			must(os.WriteFile(args[2]+".hangs", nil, 0o600))
			select {}
		}
	}
	answer, err := engine.OpenAndCompact(context.Background(), args[0], args[1], input, o)
	must(err)
	_, err = os.Stdout.Write(answer)
	must(err)
}

// A worker in another process does the job, while this one writes; one that is killed leaves it to RocksDB.
func TestAWorkerOfAnotherProcess(t *testing.T) {
	w := newJobWorker(t)
	how := "work"
	o := jobOptions()
	o.Compactor = func(ctx context.Context, job engine.CompactionJob) ([]byte, error) {
		w.asked.Add(1)
		input := filepath.Join(w.out, "input")
		must(os.WriteFile(input, job.Input, 0o600))
		c := childCommand(ctx, t, "worker", job.Dir, filepath.Join(w.out, job.ID), input, how)
		var answer, words bytes.Buffer
		c.Stdout, c.Stderr = &answer, &words
		must(c.Start())
		if how == "hang" {
			waitFor(t, "the worker to be in the middle of it", func() bool { _, err := os.Stat(input + ".hangs"); return err == nil })
			must(c.Process.Kill())
		}
		if err := c.Wait(); err != nil {
			return nil, fmt.Errorf("%w: %s", err, words.String())
		}
		w.worked.Add(1)
		return answer.Bytes(), nil
	}
	db := openTemp(t, o)
	g, err := db.ColumnFamily("g")
	mustDo(t, err)
	for _, how = range []string{"work", "hang"} {
		rows := twoTables(t, g)
		mustDo(t, g.CompactWith(t.Context(), nil, nil, &engine.CompactOptions{Bottommost: engine.BottommostForce}))
		expectRows(t, how, g, rows)
	}
	if w.asked.Load() < 2 || w.worked.Load() < 1 {
		t.Errorf("%d jobs, %d done", w.asked.Load(), w.worked.Load())
	}
	mustDo(t, db.Health())
}

// waitFor waits until something is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("waited too long for %s", what)
			return
		}
	}
}

// A job that is away keeps nobody: not who stops a compaction by hand, not Close. Its result, when it comes, is not used, and
// goes.
func TestNobodyWaitsForAJobThatIsNotWanted(t *testing.T) {
	w := newJobWorker(t)
	away, back := make(chan struct{}, 10), make(chan struct{})
	var ended sync.WaitGroup
	o := jobOptions()
	o.Compactor = func(ctx context.Context, job engine.CompactionJob) ([]byte, error) {
		ended.Add(1)
		defer ended.Done()
		answer, err := w.work(ctx, job)
		if len(job.Input) > 0 {
			away <- struct{}{}
			<-back // whatever becomes of ctx
			if ctx.Err() == nil {
				return nil, errors.New("its context goes on")
			}
		}
		return answer, err
	}
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, o)
	rows := twoTables(t, db.ColumnFamilies()[0])
	stop := map[string]func(context.Context) error{
		"Compact": func(ctx context.Context) error { return db.Compact(ctx, nil, nil) },
		"CompactFiles": func(ctx context.Context) error {
			var names []string
			for _, f := range tablesOf(t, db, "default") {
				if f.Level == 0 { // what Compact has left may have been done here, and lie below
					names = append(names, f.Name)
				}
			}
			return db.CompactFiles(ctx, names, 3, nil)
		},
	}
	for name, call := range stop {
		ctx, cancel := context.WithCancel(t.Context())
		outcome := make(chan error, 1)
		go func() { outcome <- call(ctx) }()
		select {
		case <-away:
		case err := <-outcome:
			t.Fatalf("%s, without a job: %v", name, err)
		}
		cancel()
		expectError(t, name, <-outcome, context.Canceled)
		twoTables(t, db.ColumnFamilies()[0])
	}
	go db.Compact(nil, nil, nil)
	<-away
	mustDo(t, db.Close())
	close(back)
	ended.Wait()
	waitFor(t, "the tables to go", func() bool { entries, _ := os.ReadDir(w.out); return len(entries) == 0 })
	db = openDir(t, dir, jobOptions())
	expectRows(t, "afterwards", db, rows)
	mustDo(t, db.Compact(t.Context(), nil, nil), db.Close())
}

// Close calls back what RocksDB compacts by itself, too.
func TestCloseWaitsForNoJobOfTheBackground(t *testing.T) {
	needs(t, engine.RemoteCompaction)
	away := make(chan struct{}, 1)
	o := &engine.Options{
		FamilyOptions: engine.FamilyOptions{Extra: "level0_file_num_compaction_trigger=2"},
		Logger:        quiet,
		Compactor: func(ctx context.Context, _ engine.CompactionJob) ([]byte, error) {
			away <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		},
	}
	db := openTemp(t, o)
	rows := twoTables(t, db.ColumnFamilies()[0])
	<-away
	expectRows(t, "meanwhile", db, rows)
	mustDo(t, db.Close())
}

// A job that RocksDB would do damage with is not handed out.
func TestJobsThatWorkersWouldDamageStayHere(t *testing.T) {
	w := newJobWorker(t)
	o := &engine.Options{
		Families: map[string]engine.FamilyOptions{
			"blobs":  {Tuning: engine.Tuning{BlobsFrom: 1}, Extra: byHandOnly},
			"stamps": {Timestamps: true, Extra: byHandOnly},
			"plain":  {Extra: byHandOnly},
		},
		Logger: quiet,
		Compactor: func(ctx context.Context, job engine.CompactionJob) ([]byte, error) {
			w.asked.Add(1)
			_, err := engine.OpenAndCompact(ctx, job.Dir, filepath.Join(w.out, job.ID), job.Input, nil)
			return nil, err
		},
	}
	db := openTemp(t, o)
	compact := func(name string) int64 {
		before := w.asked.Load()
		c, err := db.ColumnFamily(name)
		mustDo(t, err)
		for ts := range uint64(2) {
			for _, key := range []string{"a", "b"} { // files with one row each would be moved
				if name == "stamps" {
					mustDo(t, c.PutAt([]byte(key), ts+1, []byte("1"), nil))
				} else {
					mustDo(t, c.Put([]byte(key), []byte("1"), nil))
				}
			}
			mustDo(t, c.Flush())
		}
		mustDo(t, c.Compact(t.Context(), nil, nil))
		return w.asked.Load() - before
	}
	for _, c := range []struct {
		family string
		jobs   int64
	}{{"plain", 1}, {"stamps", 0}, {"blobs", 0}, {"plain", 0}} {
		if n := compact(c.family); n != c.jobs {
			t.Errorf("family %s: %d jobs, want %d", c.family, n, c.jobs)
		}
	}
	mustDo(t, db.Health())
}

// The answer to another job is not taken, though its tables are there, and they stay for whoever waits for them.
func TestAnAnswerToAnotherJobIsNotTaken(t *testing.T) {
	w := newJobWorker(t)
	o := jobOptions()
	o.Compactor = func(ctx context.Context, job engine.CompactionJob) ([]byte, error) {
		if len(w.answers) > 0 {
			w.asked.Add(1)
			return w.answers[0], nil
		}
		answer, err := w.work(ctx, job)
		w.answers = append(w.answers, answer)
		return nil, errors.Join(err, engine.ErrCompactHere)
	}
	db := openTemp(t, o)
	again := &engine.CompactOptions{Bottommost: engine.BottommostForce}
	twoTables(t, db.ColumnFamilies()[0])
	mustDo(t, db.CompactWith(t.Context(), nil, nil, again), db.Put([]byte("c"), []byte("3"), nil), db.Flush())
	kept, err := filepath.Glob(filepath.Join(w.out, "*", "*.sst"))
	mustDo(t, err, db.CompactWith(t.Context(), nil, nil, again), db.Health())
	expectRows(t, "afterwards", db, map[string]string{"a": "12345678", "b": "2", "c": "3"})
	still, err := filepath.Glob(filepath.Join(w.out, "*", "*.sst"))
	mustDo(t, err)
	if w.asked.Load() < 2 || len(kept) == 0 || !slices.Equal(kept, still) {
		t.Errorf("%d jobs; tables of the first: %v, then %v", w.asked.Load(), kept, still)
	}
}

// Tables in another file system cannot be moved, which RocksDB would notice too late.
func TestTablesInAnotherFileSystemAreNotTaken(t *testing.T) {
	w := newJobWorker(t)
	there, err := os.MkdirTemp("/dev/shm", "worker")
	if err != nil {
		t.Skip(err)
	}
	defer os.RemoveAll(there)
	if err := os.WriteFile(filepath.Join(there, "x"), nil, 0o600); err != nil || os.Rename(filepath.Join(there, "x"), filepath.Join(w.out, "x")) == nil {
		t.Skip("there is no other file system")
	}
	mustDo(t, os.Remove(filepath.Join(there, "x")))
	w.out = there
	o := jobOptions()
	o.Compactor = w.work
	db := openTemp(t, o)
	rows := twoTables(t, db.ColumnFamilies()[0])
	mustDo(t, db.Compact(t.Context(), nil, nil), db.Health(), db.Put([]byte("c"), []byte("3"), nil))
	rows["c"] = "3"
	expectRows(t, "afterwards", db, rows)
	if w.worked.Load() != 1 {
		t.Errorf("%d jobs were done", w.worked.Load())
	}
	nothingIn(t, there)
}

// What a worker is given wrongly it refuses, and leaves nothing behind.
func TestAWorkerRefusesWhatIsNoJobOfItsDatabase(t *testing.T) {
	w := newJobWorker(t)
	refused := map[string]error{}
	other := filepath.Join(t.TempDir(), "other")
	mustDo(t, openDir(t, other, nil).Close())
	unnamed := filepath.Join(t.TempDir(), "db")
	mustDo(t, openDir(t, unnamed, &engine.Options{Extra: "write_identity_file=false"}).Close())
	os.Remove(filepath.Join(unnamed, "IDENTITY")) // of a version that writes it all the same
	full := t.TempDir()
	mustDo(t, os.WriteFile(filepath.Join(full, "x"), nil, 0o600))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	o := jobOptions()
	o.Compactor = func(ctx context.Context, j engine.CompactionJob) ([]byte, error) {
		try := func(what string, ctx context.Context, dir, out string, input []byte, o *engine.Options) {
			answer, err := engine.OpenAndCompact(ctx, dir, out, input, o)
			if answer != nil || err == nil {
				t.Errorf("%s: %d bytes, %v", what, len(answer), err)
			}
			refused[what] = err
		}
		out := filepath.Join(w.out, "x")
		try("another database", ctx, other, out, j.Input, jobOptions())
		try("another one without a name", ctx, unnamed, out, j.Input, jobOptions())
		try("no database", ctx, t.TempDir(), out, j.Input, jobOptions())
		try("a full folder", ctx, j.Dir, full, j.Input, jobOptions())
		try("the database's folder", ctx, j.Dir, j.Dir, j.Input, jobOptions())
		try("a folder in none", ctx, j.Dir, filepath.Join(w.out, "y", "z"), j.Input, jobOptions())
		try("no operators", ctx, j.Dir, out, j.Input, nil)
		try("an end", canceled, j.Dir, out, j.Input, jobOptions())
		for i := range j.Input {
			if i%7 == 0 {
				bad := bytes.Clone(j.Input)
				bad[i] ^= 1 << (i % 8)
				try("damage", ctx, j.Dir, out, bad, jobOptions())
				try("half", ctx, j.Dir, out, j.Input[:i], jobOptions())
			}
		}
		failing := jobOptions()
		failing.Families["g"].GoFilter.New = func(engine.FilterContext) func(int, []byte, []byte) (engine.FilterVerdict, []byte) {
			return func(int, []byte, []byte) (engine.FilterVerdict, []byte) { panic("the filter panics") }
		}
		try("a filter that panics", ctx, j.Dir, out, j.Input, failing)
		failing = jobOptions()
		failing.Families["g"].GoComparator.Compare = func(a, b []byte) int { panic("the comparator panics") }
		try("a comparator that panics", ctx, j.Dir, out, j.Input, failing)
		return nil, engine.ErrCompactHere
	}
	db := openTemp(t, o)
	g, err := db.ColumnFamily("g")
	mustDo(t, err)
	rows := twoTables(t, g)
	mustDo(t, g.Compact(t.Context(), nil, nil), db.Health())
	expectRows(t, "afterwards", g, rows)
	for what, want := range map[string]error{
		"another one without a name": engine.ErrInvalidArgument,
		"another database":           engine.ErrInvalidArgument, "no database": engine.ErrInvalidArgument, "a full folder": engine.ErrInvalidArgument,
		"the database's folder": engine.ErrInvalidArgument, "a folder in none": os.ErrNotExist, "no operators": engine.ErrUnsupported,
		"an end": context.Canceled, "damage": engine.ErrInvalidArgument, "half": engine.ErrInvalidArgument,
		"a filter that panics": engine.ErrAborted, "a comparator that panics": engine.ErrAborted,
	} {
		expectError(t, what, refused[what], want)
	}
	nothingIn(t, w.out)
	if entries, _ := os.ReadDir(full); len(entries) != 1 {
		t.Errorf("in a folder of somebody else's: %v", entries)
	}
}

// Options that a Compactor cannot go with are refused, and versions that know none.
func TestACompactorIsRefusedWhereItWouldNotBeAsked(t *testing.T) {
	with := func(o engine.Options) error {
		o.Compactor = func(context.Context, engine.CompactionJob) ([]byte, error) { return nil, engine.ErrCompactHere }
		db, err := engine.Open(filepath.Join(t.TempDir(), "db"), &o)
		if err == nil {
			mustDo(t, db.Close())
		}
		return err
	}
	if !engine.Supports(engine.RemoteCompaction) {
		expectErrors(t, map[string]error{"Open": with(engine.Options{}), "OpenAndCompact": func() error {
			_, err := engine.OpenAndCompact(nil, t.TempDir(), t.TempDir(), nil, nil)
			return err
		}()}, engine.ErrUnsupported, "10.11")
		return
	}
	files, err := engine.NewMemoryFiles()
	mustDo(t, err, with(engine.Options{}))
	defer files.Close()
	expectErrors(t, map[string]error{
		"InMemory":  with(engine.Options{InMemory: files}),
		"TimedRows": with(engine.Options{TimedRows: true}),
		"identity":  with(engine.Options{Extra: "write_identity_file=false"}),
		"db_paths":  with(engine.Options{Extra: "db_paths={{path=/tmp/x;target_size=1}}"}),
		"cf_paths":  with(engine.Options{Families: map[string]engine.FamilyOptions{"f": {Extra: "cf_paths={{path=/tmp/x;target_size=1}}"}}}),
	}, engine.ErrInvalidArgument, "Compactor")
}
