package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var commitSeed = flag.Uint64("commit.seed", 0, "seed of the random tests of commits; 0: a new one each time")

const atomicWriters = 16

// atomicTest is a database in which each commit writes the same rows into families a and b: the commit's own
// row, and the number of its writer's newest.
type atomicTest struct {
	t       *testing.T
	db      *engine.DB
	a, b    *engine.ColumnFamily
	plain   *engine.ColumnFamily                // without a merge operator
	passing atomic.Pointer[engine.ColumnFamily] // a family that is dropped sooner or later
	newest  [atomicWriters]atomic.Pointer[atomicWriter]
	end     time.Time

	committed, left, unknown, refused atomic.Int64
}

// atomicWriter commits one batch after the other, under a name of its own.
type atomicWriter struct {
	x     *atomicTest
	name  string
	rnd   *rand.Rand
	acked atomic.Int64 // number of the newest commit
	n     int64

	there, gone []int64 // commits that must be there, and must not
	doubtful    int64   // the last one, if its outcome is unknown
}

func (w *atomicWriter) key(n int64) []byte { return fmt.Appendf(nil, "%s/%06d", w.name, n) }

func (w *atomicWriter) lastKey() []byte { return []byte(w.name + "/last") }

// Commits are atomic, seen by whoever reads afterwards, and in their writer's order, whoever commits beside them;
// a bad one fails alone; and one that was left in time is never seen.
func TestCommitsAreAtomicOrderedAndSeen(t *testing.T) {
	r, _ := seededRand(t, "commit.seed", *commitSeed)
	last := 2 * time.Second
	if testing.Short() {
		last = 300 * time.Millisecond
	}
	inEveryCommitMode(t, func(t *testing.T, mode engine.CommitMode) {
		for _, pipelined := range []bool{false, true} {
			if pipelined && testing.Short() {
				continue
			}
			playAtomic(t, rand.New(rand.NewPCG(r.Uint64(), 0)), last, &engine.Options{
				Commit: mode, PipelinedWrite: pipelined, FastLane: 2, Gate: 8,
				Families: map[string]engine.FamilyOptions{"a": {WriteBufferSize: 256 << 10}, "b": {}, "plain": {}},
			})
		}
	})
}

func playAtomic(t *testing.T, r *rand.Rand, last time.Duration, o *engine.Options) {
	t.Helper()
	x := &atomicTest{t: t, db: openTemp(t, o), end: time.Now().Add(last)}
	for name, c := range map[string]**engine.ColumnFamily{"a": &x.a, "b": &x.b, "plain": &x.plain} {
		var err error
		*c, err = x.db.ColumnFamily(name)
		mustDo(t, err)
	}
	x.passing.Store(newFamily(t, x.db, "passing"))
	var writers [atomicWriters][]*atomicWriter
	var wg sync.WaitGroup
	for i := range writers {
		rnd := rand.New(rand.NewPCG(r.Uint64(), 0))
		x.newest[i].Store(&atomicWriter{x: x, name: fmt.Sprintf("%d.0", i), rnd: rnd})
		wg.Go(func() {
			for life := 1; ; life++ {
				w := x.newest[i].Load()
				writers[i] = append(writers[i], w)
				if !w.run() {
					return
				}
				x.newest[i].Store(&atomicWriter{x: x, name: fmt.Sprintf("%d.%d", i, life), rnd: rnd})
			}
		})
	}
	wg.Go(func() { x.observe(rand.New(rand.NewPCG(r.Uint64(), 0))) })
	wg.Go(x.churn)
	waitOrDie(t, &wg)
	for _, lives := range writers {
		for _, w := range lives {
			w.verify()
		}
	}
	t.Logf("%d commits, %d left in time, %d of unknown outcome, %d bad ones", x.committed.Load(), x.left.Load(), x.unknown.Load(), x.refused.Load())
	if x.committed.Load() == 0 || x.refused.Load() == 0 {
		t.Error("too little happened")
	}
}

// churn drops the family that batches name, and makes another one.
func (x *atomicTest) churn() {
	for time.Now().Before(x.end) {
		time.Sleep(2 * time.Millisecond)
		if err := x.db.DropColumnFamily(x.passing.Load()); err != nil {
			x.t.Errorf("drop: %v", err)
			return
		}
		c, err := x.db.CreateColumnFamily("passing", nil)
		if err != nil {
			x.t.Errorf("create: %v", err)
			return
		}
		x.passing.Store(c)
	}
}

// observe takes snapshots: in each the families agree, and each writer is at least as far as it knew to be.
func (x *atomicTest) observe(r *rand.Rand) {
	seen := map[string]int64{}
	for time.Now().Before(x.end) && !x.t.Failed() {
		var at [atomicWriters]int64
		var who [atomicWriters]*atomicWriter
		for i := range who {
			who[i] = x.newest[i].Load()
			at[i] = who[i].acked.Load()
		}
		err := x.db.View(nil, func(s *engine.Snapshot) error {
			for i, w := range who {
				n, err := w.lastIn(s)
				if err != nil {
					return err
				}
				if n < at[i] || n < seen[w.name] {
					return fmt.Errorf("writer %s is at %d in a snapshot, %d was acknowledged before, %d was seen", w.name, n, at[i], seen[w.name])
				}
				seen[w.name] = n
			}
			return nil
		})
		if err != nil {
			x.t.Error(err)
		}
		time.Sleep(time.Duration(r.IntN(500)) * time.Microsecond)
	}
}

// lastIn is the number of the writer's newest commit in a snapshot, in both families.
func (w *atomicWriter) lastIn(s *engine.Snapshot) (int64, error) {
	var at [2]int64
	for i, c := range []*engine.ColumnFamily{w.x.a, w.x.b} {
		v, err := s.In(c).Get(w.lastKey(), nil)
		if err == nil {
			at[i], err = strconv.ParseInt(string(v), 10, 64)
		} else if err == engine.ErrNotFound {
			err = nil
		}
		if err != nil {
			return 0, err
		}
		if at[i] == 0 {
			continue
		}
		if ok, err := s.In(c).Has(w.key(at[i]), nil); !ok || err != nil {
			return 0, fmt.Errorf("writer %s: commit %d is there without its row: %w", w.name, at[i], err)
		}
	}
	if at[0] != at[1] {
		return 0, fmt.Errorf("writer %s: commit %d in one family, %d in the other", w.name, at[0], at[1])
	}
	return at[0], nil
}

// run commits until the end, which it answers false at, or until it does not know what came of a commit.
func (w *atomicWriter) run() bool {
	for time.Now().Before(w.x.end) && !w.x.t.Failed() {
		if w.rnd.IntN(10) == 0 {
			w.commitBad()
		}
		w.n++
		if !w.commit() {
			return true
		}
	}
	return false
}

// commit makes one commit, and reports whether its outcome is known.
func (w *atomicWriter) commit() bool {
	o := &engine.WriteOptions{
		Sync: w.rnd.IntN(4) == 0, Gather: w.rnd.IntN(2) == 0, LowPriority: w.rnd.IntN(20) == 0, NoSlowdown: w.rnd.IntN(10) == 0,
	}
	o.DisableWAL = !o.Sync && w.rnd.IntN(10) == 0
	if w.rnd.IntN(2) == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(w.rnd.IntN(400))*time.Microsecond)
		defer cancel()
		o.Context = ctx
	}
	b := w.x.db.NewBatch()
	w.fill(b)
	passing := w.x.passing.Load()
	if w.rnd.IntN(4) == 0 {
		b.In(passing).Put(w.lastKey(), nil)
	}
	switch err := w.x.db.Write(b, o); {
	case err == nil:
		w.x.committed.Add(1)
		w.there = append(w.there, w.n)
		w.acked.Store(w.n)
		w.expectLast(w.n)
	case errors.Is(err, context.DeadlineExceeded) && outcomeUnknown(err):
		w.x.unknown.Add(1)
		w.doubtful = w.n
		return false
	case errors.Is(err, context.DeadlineExceeded):
		w.x.left.Add(1)
		w.gone = append(w.gone, w.n)
	case errors.Is(err, engine.ErrFamilyDropped), o.NoSlowdown && errors.Is(err, engine.ErrWouldBlock):
		w.x.refused.Add(1)
		w.gone = append(w.gone, w.n)
	default:
		w.x.t.Errorf("writer %s: %v", w.name, err)
	}
	return true
}

func (w *atomicWriter) fill(b *engine.Batch) {
	padding := strings.Repeat("-", w.rnd.IntN(300))
	for _, c := range []*engine.ColumnFamily{w.x.a, w.x.b} {
		b.In(c).Put(w.key(w.n), []byte(padding))
		b.In(c).Put(w.lastKey(), strconv.AppendInt(nil, w.n, 10))
	}
}

// expectLast reads what this writer has just been told to be there.
func (w *atomicWriter) expectLast(n int64) {
	for _, c := range []*engine.ColumnFamily{w.x.a, w.x.b} {
		v, err := c.Get(w.lastKey(), nil)
		if err != nil || string(v) != strconv.FormatInt(n, 10) {
			w.x.t.Errorf("writer %s reads %q after it has committed %d; %v", w.name, v, n, err)
		}
	}
}

// commitBad makes a commit that must be refused, and none beside it.
func (w *atomicWriter) commitBad() {
	b := w.x.db.NewBatch()
	w.fill(b)
	var want error
	switch w.rnd.IntN(3) {
	case 0:
		want = engine.ErrTooLarge
		b.Put(make([]byte, engine.MaxKeySize+1), nil)
	case 1:
		want = engine.ErrInvalidArgument
		b.In(w.x.plain).Merge([]byte("k"), []byte("v"))
	default:
		want = engine.ErrInvalidArgument
		if err := w.x.a.Merge(w.lastKey(), []byte("v"), nil); !errors.Is(err, want) {
			w.x.t.Errorf("a bad merge: %v", err)
		}
		return
	}
	w.x.refused.Add(1)
	if err := w.x.db.Write(b, &engine.WriteOptions{Sync: w.rnd.IntN(4) == 0}); !errors.Is(err, want) {
		w.x.t.Errorf("a bad batch: %v, want %v", err, want)
	}
	w.expectUntouched()
}

// expectUntouched checks that a refused batch has left no trace.
func (w *atomicWriter) expectUntouched() {
	if n := w.acked.Load(); n != 0 {
		w.expectLast(n)
	}
}

// verify compares the families with what the writer knows in the end.
func (w *atomicWriter) verify() {
	has := func(c *engine.ColumnFamily, n int64) bool {
		ok, err := c.Has(w.key(n), nil)
		mustDo(w.x.t, err)
		return ok
	}
	for _, n := range w.there {
		if !has(w.x.a, n) || !has(w.x.b, n) {
			w.x.t.Errorf("writer %s: commit %d was acknowledged and is not there", w.name, n)
		}
	}
	for _, n := range w.gone {
		if has(w.x.a, n) || has(w.x.b, n) {
			w.x.t.Errorf("writer %s: commit %d failed for sure and is there", w.name, n)
		}
	}
	if n := w.doubtful; n != 0 && has(w.x.a, n) != has(w.x.b, n) {
		w.x.t.Errorf("writer %s: commit %d is there in part", w.name, n)
	}
}
