package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var updatesSeed = flag.Uint64("updates.seed", 0, "seed of the random tests of updates; 0: a new one")

// keepLogs has RocksDB keep every log.
const keepLogs = "WAL_ttl_seconds=36000"

// nextUpdates applies all that is there to replica, which may be nil, and looks at the numbers. It returns how many rows.
func nextUpdates(t testing.TB, u *engine.Updates, replica *engine.DB) (rows int) {
	t.Helper()
	for before := u.Position(); u.Next(context.Background()); before = u.Position() {
		got, now := u.Update(), u.Position()
		follows := got.Sequence == before.Sequence || now.Log != before.Log && got.Sequence <= before.Sequence
		if end := got.Sequence + uint64(got.Batch.Count()); !follows || end != now.Sequence || now.Log < before.Log {
			t.Fatalf("update %d up to %d, before it %v, position %v", got.Sequence, end, before, now)
		}
		rows += got.Batch.Count()
		if replica != nil {
			if err := replica.Write(got.Batch, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := u.Error(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func updatesFrom(t testing.TB, db *engine.DB, at engine.UpdatePosition) *engine.Updates {
	t.Helper()
	u, err := db.UpdatesFrom(context.Background(), at, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return u
}

func updatesSince(t testing.TB, db *engine.DB, seq uint64, o *engine.UpdatesOptions) *engine.Updates {
	t.Helper()
	u, err := db.UpdatesSince(context.Background(), seq, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return u
}

// randomBatch has records of every kind over three families.
func randomBatch(r *rand.Rand, db *engine.DB) *engine.Batch {
	b := db.NewBatch()
	all := db.ColumnFamilies()
	for range 1 + r.IntN(8) {
		in := b.In(all[r.IntN(len(all))])
		key := func() []byte { return fmt.Appendf(nil, "%02d", r.IntN(60)) }
		switch r.IntN(10) {
		case 0:
			must(in.Delete(key()))
		case 1:
			k := key()
			must(errors.Join(in.Delete(k), in.Put(append(k, "once"...), uint64le(1)), in.SingleDelete(append(k, "once"...))))
		case 2:
			a, z := key(), key()
			if bytes.Compare(a, z) > 0 {
				a, z = z, a
			}
			must(in.DeleteRange(a, z))
		case 3, 4:
			must(in.Merge(key(), uint64le(r.Uint64N(9))))
		case 5:
			must(in.LogData(key()))
		default:
			must(in.Put(key(), uint64le(r.Uint64())))
		}
	}
	if r.IntN(20) == 0 {
		must(b.Put([]byte("large"), valueOf(8*r.IntN(20_000))))
	}
	return b
}

// A replica is fed by updates, which are asked for now and then, while the database is written by several goroutines,
// flushed, compacted and opened anew. It must hold the same rows in the end, and every row must have come once.
func TestUpdatesMakeAReplica(t *testing.T) {
	r, _ := seededRand(t, "updates.seed", *updatesSeed)
	adds := engine.FamilyOptions{MergeOperator: engine.Uint64Add, WriteBufferSize: 64 << 10}
	o := &engine.Options{FamilyOptions: adds, Extra: keepLogs, PipelinedWrite: r.IntN(2) == 0}
	dir := filepath.Join(t.TempDir(), "db")
	db, replica := openDir(t, dir, o), openTemp(t, &engine.Options{FamilyOptions: adds})
	defer func() { db.Close() }()
	for _, name := range []string{"one", "two"} {
		for _, d := range []*engine.DB{db, replica} {
			if _, err := d.CreateColumnFamily(name, &adds); err != nil {
				t.Fatal(err)
			}
		}
	}
	u := updatesSince(t, db, 0, &engine.UpdatesOptions{ChunkSize: 1 + r.IntN(5000)})
	steps := 200
	if testing.Short() {
		steps = 60
	}
	for range steps {
		switch r.IntN(12) {
		case 0:
			must(db.Flush())
		case 1:
			must(db.ColumnFamilies()[r.IntN(3)].Flush())
		case 2:
			must(db.Compact(context.Background(), nil, nil))
		case 3:
			position := u.Position()
			must(db.Close())
			db = openDir(t, dir, o)
			u = updatesFrom(t, db, position)
		case 4:
			must(db.SyncWAL())
		case 5:
			var writers sync.WaitGroup
			for range 4 {
				seed := r.Uint64()
				writers.Go(func() {
					r := rand.New(rand.NewPCG(seed, 0))
					for range 10 {
						must(db.Write(randomBatch(r, db), nil))
					}
				})
			}
			nextUpdates(t, u, replica)
			writers.Wait()
		case 6, 7:
			nextUpdates(t, u, replica)
		default:
			must(db.Write(randomBatch(r, db), nil))
		}
	}
	nextUpdates(t, u, replica)
	if latest := db.LatestSequence(); u.Position().Sequence < latest+1 {
		t.Errorf("position %v, newest row %d", u.Position(), latest)
	}
	for i, c := range db.ColumnFamilies() {
		expectRows(t, "replica, family "+c.Name(), replica.ColumnFamilies()[i], rowsOf(t, c))
	}
	startAnywhere(t, db, r)
}

// startAnywhere begins at random numbers: the first update holds that row, and all the others follow.
func startAnywhere(t *testing.T, db *engine.DB, r *rand.Rand) {
	t.Helper()
	latest := db.LatestSequence()
	for range 20 {
		seq := 1 + r.Uint64N(latest+1)
		u := updatesSince(t, db, seq, nil)
		first := uint64(0)
		for u.Next(context.Background()) {
			if got := u.Update(); first == 0 && got.Batch.Count() > 0 {
				first = got.Sequence
				if end := first + uint64(got.Batch.Count()); first > seq || end <= seq {
					t.Errorf("from %d: the first update has %d up to %d", seq, first, end-1)
				}
			}
		}
		if u.Error() != nil || u.Position().Sequence < latest+1 || first == 0 && seq <= latest {
			t.Errorf("from %d of %d to %v: %v", seq, latest, u.Position(), u.Error())
		}
		u.Close()
	}
}

// Transactions in two phases are given with their commit, those that are rolled back never, whatever is written,
// flushed and opened anew between, and wherever one begins.
func TestUpdatesGivePreparedTransactionsWhenTheyCommit(t *testing.T) {
	r, _ := seededRand(t, "updates.seed", *updatesSeed)
	o := txOptions(engine.Pessimistic)
	o.Extra = keepLogs
	dir := filepath.Join(t.TempDir(), "db")
	db, replica := openDir(t, dir, o), openTemp(t, txOptions(engine.NoTx))
	defer func() { db.Close() }()
	u := updatesSince(t, db, 0, nil)
	prepared := map[string]*engine.Tx{}
	steps := 150
	if testing.Short() {
		steps = 60
	}
	var marks []engine.UpdatePosition
	for i := range steps {
		switch r.IntN(8) {
		case 0, 1, 2:
			if len(prepared) > 5 {
				continue
			}
			name := fmt.Sprintf("tx%d", i)
			tx, err := db.Begin(context.Background(), nil)
			must(err)
			for j := range 1 + r.IntN(5) {
				must(tx.Put(fmt.Appendf(nil, "%d-%d", i, j), uint64le(r.Uint64())))
			}
			must(tx.Prepare(name))
			prepared[name] = tx
		case 3, 4:
			for name, tx := range prepared {
				if r.IntN(3) == 0 {
					must(tx.Rollback())
				} else {
					must(tx.Commit())
				}
				delete(prepared, name)
				break
			}
		case 5:
			tx, err := db.Begin(context.Background(), nil)
			must(err)
			must(errors.Join(tx.Put([]byte("plain"), uint64le(uint64(i))), tx.Delete([]byte("gone")), tx.Commit()))
			must(db.Put([]byte("outside"), uint64le(uint64(i)), nil))
		case 6:
			nextUpdates(t, u, replica)
			marks = append(marks, u.Position())
			must(db.Flush())
		case 7:
			position := u.Position()
			must(db.Close())
			db = openDir(t, dir, o)
			u = updatesFrom(t, db, position)
			prepared = preparedTxs(t, db)
		}
	}
	for _, tx := range prepared {
		must(tx.Commit())
	}
	nextUpdates(t, u, replica)
	if u.Position().Sequence < db.LatestSequence()+1 {
		t.Errorf("position %v, newest row %d", u.Position(), db.LatestSequence())
	}
	for i, c := range db.ColumnFamilies() {
		expectRows(t, "replica, family "+c.Name(), replica.ColumnFamilies()[i], rowsOf(t, c))
	}
	for _, mark := range marks {
		later := updatesFrom(t, db, mark)
		if rows := nextUpdates(t, later, nil); later.Position() != u.Position() || uint64(rows) < db.LatestSequence()+1-mark.Sequence {
			t.Errorf("from %v: %d rows up to %v", mark, rows, later.Position())
		}
	}
}

// RocksDB gives a number to the deletion of an empty range, and takes it back when it recovers the log. What comes
// afterwards has the same numbers, and must not be missed.
func TestNumbersThatComeAgainHideNothing(t *testing.T) {
	for _, again := range []bool{true, false} {
		dir := filepath.Join(t.TempDir(), "db")
		o := &engine.Options{Extra: keepLogs}
		db := openDir(t, dir, o)
		b := db.NewBatch()
		must(errors.Join(b.Put([]byte("a"), nil), b.DeleteRange([]byte("x"), []byte("x")), b.DeleteRange([]byte("y"), []byte("y"))))
		must(db.Write(b, nil))
		u := updatesSince(t, db, 0, nil)
		nextUpdates(t, u, nil)
		position := u.Position()
		if again {
			must(db.Close())
			db = openDir(t, dir, o)
			if latest := db.LatestSequence(); latest+1 >= position.Sequence {
				t.Errorf("position %v, newest row %d: RocksDB numbers otherwise here", position, latest)
			}
			u = updatesFrom(t, db, position)
		}
		for i := range 5 {
			must(db.Put([]byte{byte('0' + i)}, nil, nil))
			if at := updatesFrom(t, db, position); i == 0 && nextUpdates(t, at, nil) != 1 {
				t.Errorf("opened anew %v: the first row behind %v does not come", again, position)
			}
		}
		for what, u := range map[string]*engine.Updates{"went on": u, "began later": updatesFrom(t, db, position), "from the start": updatesSince(t, db, 0, nil)} {
			keys := ""
			for u.Next(context.Background()) {
				keys += string(firstKey(u.Update().Batch))
			}
			if strings.TrimPrefix(keys, "a") != "01234" || u.Error() != nil {
				t.Errorf("%s, opened anew %v: %q, %v", what, again, keys, u.Error())
			}
		}
		must(db.Close())
	}
}

func TestADeletedLogIsAGap(t *testing.T) {
	db := openTemp(t, nil)
	put := func(n int) {
		for range n {
			must(db.Put([]byte("k"), []byte("v"), nil))
		}
	}
	put(3)
	behind := updatesSince(t, db, 0, &engine.UpdatesOptions{ChunkSize: 1})
	if !behind.Next(context.Background()) {
		t.Fatal(behind.Error())
	}
	for range 3 { // RocksDB deletes a log when a later one is begun
		must(db.Flush())
		put(3)
	}
	for _, seq := range []uint64{0, 1, 3} {
		_, err := db.UpdatesSince(context.Background(), seq, nil)
		expectError(t, fmt.Sprint(seq), err, engine.ErrGap)
		if !strings.Contains(err.Error(), fmt.Sprintf("row %d ", max(1, seq))) {
			t.Error(err)
		}
	}
	// Who has the deleted log open reads it to its end, and then misses what follows.
	for behind.Next(context.Background()) {
	}
	if behind.Position().Sequence > 4 {
		t.Errorf("position %v", behind.Position())
	}
	for range 3 {
		expectError(t, "behind", behind.Error(), engine.ErrGap)
		if behind.Next(context.Background()) {
			t.Error("something came after a gap")
		}
	}
	if rows := nextUpdates(t, updatesSince(t, db, db.LatestSequence(), nil), nil); rows != 1 {
		t.Errorf("%d rows", rows)
	}
}

func TestRowsWithoutALogAreAGap(t *testing.T) {
	db := openTemp(t, &engine.Options{Extra: keepLogs})
	must(db.Put([]byte("a"), nil, nil))
	must(db.Put([]byte("b"), nil, &engine.WriteOptions{DisableWAL: true}))
	u := updatesSince(t, db, 0, nil)
	if rows := nextUpdates(t, u, nil); rows != 1 {
		t.Errorf("%d rows", rows)
	}
	must(db.Put([]byte("c"), nil, nil))
	for range 2 {
		if u.Next(context.Background()) {
			t.Errorf("%d came", u.Update().Sequence)
		}
		expectError(t, "gap", u.Error(), engine.ErrGap)
	}
	if u.Position().Sequence != 2 {
		t.Errorf("position %v", u.Position())
	}
	if rows := nextUpdates(t, updatesSince(t, db, 3, nil), nil); rows != 1 {
		t.Errorf("%d rows behind the gap", rows)
	}
}

func TestUpdatesWaitAndEnd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	u := updatesSince(t, db, 1, nil)
	if u.Next(context.Background()) || u.Error() != nil {
		t.Fatal(u.Error())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	expectError(t, "wait", u.Wait(ctx), context.DeadlineExceeded)
	if u.Next(ctx) {
		t.Error("something came")
	}
	expectError(t, "next", u.Error(), context.DeadlineExceeded)
	done := make(chan error, 1)
	go func() { done <- u.Wait(context.Background()) }()
	must(db.Put([]byte("a"), nil, nil))
	if err := <-done; err != nil || !u.Next(nil) || u.Update().Sequence != 1 {
		t.Errorf("%v, %v", err, u.Error())
	}
	for _, c := range []struct {
		seq uint64
		o   *engine.UpdatesOptions
	}{{3, nil}, {1<<64 - 1, nil}, {1, &engine.UpdatesOptions{ChunkSize: -1}}, {1, &engine.UpdatesOptions{ChunkSize: 1 << 30}}} {
		_, err := db.UpdatesSince(context.Background(), c.seq, c.o)
		expectError(t, fmt.Sprint(c), err, engine.ErrInvalidArgument)
	}
	go func() { done <- u.Wait(context.Background()) }()
	must(db.Close())
	if err := <-done; err != engine.ErrClosed {
		t.Error(err)
	}
	read := openDir(t, dir, &engine.Options{ReadOnly: true})
	defer read.Close()
	if rows := nextUpdates(t, updatesSince(t, read, 1, nil), nil); rows != 1 {
		t.Errorf("%d rows of a database that is open for reading", rows)
	}
}

// Each byte of a log is changed in turn: what comes is a beginning of what was written, and then an error.
func TestADamagedLogGivesWhatIsBeforeTheDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Extra: keepLogs + ";wal_dir=" + filepath.Join(filepath.Dir(dir), "logs")})
	defer db.Close()
	for i := range 10 {
		must(db.Put([]byte{byte(i)}, bytes.Repeat([]byte("x"), 10*i), nil))
	}
	must(db.Flush())
	must(db.Put([]byte("last"), nil, nil))
	logs, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "logs", "archive", "*.log"))
	if len(logs) != 1 {
		t.Fatal(logs)
	}
	whole, err := os.ReadFile(logs[0])
	must(err)
	for at := 0; at < len(whole); at += 1 + at%3 {
		b := slices.Clone(whole)
		b[at] ^= 1 << (at % 8)
		must(os.WriteFile(logs[0], b, 0o600))
		u, err := db.UpdatesSince(context.Background(), 1, nil)
		n := 0
		if err == nil {
			for u.Next(context.Background()) {
				if key := firstKey(u.Update().Batch); !bytes.Equal(key, []byte{byte(n)}) {
					t.Fatalf("bit at %d: row %d is of %q", at, n, key)
				}
				n++
			}
			err = u.Error()
			u.Close()
		}
		if !errors.Is(err, engine.ErrCorruption) && !errors.Is(err, engine.ErrGap) || n > 9 {
			t.Errorf("bit at %d: %d rows, %v", at, n, err)
		}
	}
}

func firstKey(b *engine.Batch) []byte {
	for r := range b.Records() {
		return r.Key
	}
	return nil
}

func TestACompressedLogIsUnsupported(t *testing.T) {
	db := openTemp(t, &engine.Options{Extra: "wal_compression=kZSTD"})
	must(db.Put([]byte("a"), nil, nil))
	_, err := db.UpdatesSince(context.Background(), 1, nil)
	expectError(t, "compressed", err, engine.ErrUnsupported)
}

// The way to a position in the middle of a log is longer than a chunk: Next's false must still mean the end.
func TestUpdatesFromTheMiddleOfALogAreThereAtOnce(t *testing.T) {
	db := openTemp(t, nil)
	for i := range 200 {
		if err := db.Put(fmt.Appendf(nil, "%03d", i), make([]byte, 100), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, from := range []uint64{1, 2, 100, 199, 200} {
		u := updatesSince(t, db, from, &engine.UpdatesOptions{ChunkSize: 1000})
		if n := nextUpdates(t, u, nil); n != int(201-from) {
			t.Errorf("from %d: %d updates", from, n)
		}
	}
}
