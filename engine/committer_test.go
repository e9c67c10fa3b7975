package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// fakeLog stands for RocksDB: it keeps the records of what it is given, and fails when it is told to.
type fakeLog struct {
	t     *testing.T
	delay time.Duration
	fail  func() error
	then  func() error // fail of the calls after a blocked one; to be set before that is released

	calls, inside atomic.Int64
	seen          map[string]int
	order         []string
	largest       int
}

func (f *fakeLog) write(_ uint32, rep []byte) error {
	if f.inside.Add(1) != 1 {
		f.t.Error("two calls at once")
	}
	defer f.inside.Add(-1)
	f.calls.Add(1)
	sum, err := batchrepr.Check(rep)
	if err != nil {
		f.t.Errorf("a group is malformed: %v", err)
		return err
	}
	time.Sleep(f.delay)
	if f.fail != nil {
		if err := f.fail(); err != nil {
			return err
		}
	}
	n := 0
	for r := range batchrepr.Records(rep) {
		n++
		f.seen[string(r.Key)]++
		f.order = append(f.order, string(r.Key))
	}
	if n != int(sum.Count) {
		f.t.Errorf("a header says %d records, there are %d", sum.Count, n)
	}
	f.largest = max(f.largest, len(rep))
	return nil
}

// batchOf makes a batch that puts n keys, which begin with name.
func batchOf(name string, n, size int) []byte {
	rep := batchrepr.AppendHeader(nil)
	for i := range n {
		rep = batchrepr.AppendPut(rep, 0, fmt.Appendf(nil, "%s.%d", name, i), make([]byte, size))
	}
	batchrepr.SetCount(rep, uint32(n))
	return rep
}

// put commits such a batch.
func (k *committer) put(ctx context.Context, rep []byte) (gone <-chan struct{}, err error) {
	return k.commit(ctx, pending{
		size: len(rep), count: int(batchrepr.Count(rep)),
		apply: func(flags uint32) error { return k.write(flags, rep) },
		join:  func(to []byte) []byte { return append(to, rep[batchrepr.HeaderLen:]...) },
	}, rep)
}

func newTestCommitter(t *testing.T) (*committer, *fakeLog) {
	f := &fakeLog{t: t, seen: map[string]int{}}
	return &committer{write: f.write, syncer: &syncer{}}, f
}

// Every commit is answered once. What was acknowledged is there once, whole and after what its goroutine
// wrote before; what was refused is not there; of what a caller left while it was written either holds.
func TestCommitsAreAcknowledgedExactlyOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rounds := 40
	if testing.Short() {
		rounds = 6
	}
	for round := range rounds {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		k, f := newTestCommitter(t)
		f.delay = time.Duration(r.IntN(200)) * time.Microsecond
		failing := rand.New(rand.NewPCG(r.Uint64(), 0))
		planted := dberr.New("", dberr.IO, "planted")
		f.fail = func() error {
			if failing.IntN(10) == 0 {
				return planted
			}
			return nil
		}
		const writers, commits = 20, 30
		var mu sync.Mutex
		outcome := map[string]error{}
		var later sync.WaitGroup
		var wg sync.WaitGroup
		for w := range writers {
			own := rand.New(rand.NewPCG(r.Uint64(), 0))
			wg.Go(func() {
				for i := range commits {
					name := fmt.Sprintf("%d/%d", w, i)
					size := own.IntN(100)
					if own.IntN(20) == 0 {
						size = joinBytes
					}
					ctx, cancel := context.Background(), context.CancelFunc(func() {})
					if own.IntN(3) == 0 {
						ctx, cancel = context.WithTimeout(ctx, time.Duration(own.IntN(400))*time.Microsecond)
					}
					gone, err := k.put(ctx, batchOf(name, 1+own.IntN(3), size))
					cancel()
					if gone != nil {
						later.Go(func() { <-gone })
					}
					mu.Lock()
					outcome[name] = err
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		later.Wait()
		k.mu.Lock()
		for k.busy {
			k.mu.Unlock()
			time.Sleep(time.Millisecond)
			k.mu.Lock()
		}
		k.mu.Unlock()
		checkOutcomes(t, f, outcome)
	}
}

// checkOutcomes compares what callers were told with what the log has.
func checkOutcomes(t *testing.T, f *fakeLog, outcome map[string]error) {
	t.Helper()
	if len(outcome) == 0 || f.calls.Load() >= int64(len(outcome)) {
		t.Errorf("%d calls for %d commits: nothing was written together", f.calls.Load(), len(outcome))
	}
	for name, err := range outcome {
		n := f.seen[name+".0"]
		unknown := err != nil && strings.Contains(err.Error(), "unknown")
		switch {
		case n > 1:
			t.Errorf("%s was written %d times", name, n)
		case err == nil && n != 1:
			t.Errorf("%s was acknowledged and is not there", name)
		case err != nil && !unknown && n != 0:
			t.Errorf("%s answered %v and is there", name, err)
		}
	}
	last := map[string]int{}
	for _, key := range f.order {
		var w, i, n int
		fmt.Sscanf(key, "%d/%d.%d", &w, &i, &n)
		at, own := i*10+n, key[:strings.IndexByte(key, '/')]
		if at < last[own] {
			t.Errorf("%s came after %d of the same goroutine", key, last[own])
		}
		last[own] = at
	}
}

// block lets the first call into the log wait for release.
func (f *fakeLog) block() (release func()) {
	c := make(chan struct{})
	first := true
	f.fail = func() error {
		if first {
			first = false
			<-c
			return nil
		}
		if f.then != nil {
			return f.then()
		}
		return nil
	}
	return sync.OnceFunc(func() { close(c) })
}

// queued waits until n commits stand behind the one in C.
func (k *committer) queued(t *testing.T, n int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Microsecond) {
		k.mu.Lock()
		have := 0
		for g := k.first; g != nil; g = g.behind {
			have += g.left
		}
		k.mu.Unlock()
		if have == n {
			return
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("%d are queued, want %d", have, n)
		}
	}
}

// start makes a commit in a goroutine, and n are queued then.
func (k *committer) start(t *testing.T, ctx context.Context, rep []byte, n int) <-chan error {
	result := make(chan error, 1)
	go func() {
		_, err := k.put(ctx, rep)
		result <- err
	}()
	if n > 0 {
		k.queued(t, n)
	}
	return result
}

// occupy puts a commit into C and keeps it there until release.
func (k *committer) occupy(t *testing.T, f *fakeLog) (release func(), result <-chan error) {
	release = f.block()
	result = k.start(t, nil, batchOf("first", 1, 1), 0)
	for f.inside.Load() == 0 {
		time.Sleep(10 * time.Microsecond)
	}
	return release, result
}

func TestGroupsKeepTheirLimits(t *testing.T) {
	k, f := newTestCommitter(t)
	release, first := k.occupy(t, f)
	var results []<-chan error
	for i := range 40 {
		results = append(results, k.start(t, nil, batchOf(fmt.Sprint(i), 1, 100<<10), i+1))
	}
	release()
	for _, r := range append(results, first) {
		if err := <-r; err != nil {
			t.Error(err)
		}
	}
	if f.largest > groupBytes || f.largest < groupBytes/2 {
		t.Errorf("the largest group has %d bytes", f.largest)
	}
	if n := f.calls.Load(); n != 5 { // the first, and 40 of 100 KiB by tens
		t.Errorf("%d calls", n)
	}
	small, g := batchOf("s", 1, 0), &commitGroup{rep: batchrepr.AppendHeader(nil), parts: make([]commitPart, groupCommits)}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.first, k.last = g, g
	if k.room(len(small)) == g {
		t.Error("a group takes more commits than it may")
	}
}

// A caller who leaves takes its records along, and those of the others stay whole.
func TestWhoLeavesAGroupTakesItsRecordsAlong(t *testing.T) {
	for leaver := range 4 {
		k, f := newTestCommitter(t)
		release, first := k.occupy(t, f)
		var results []<-chan error
		ctx, cancel := context.WithCancel(context.Background())
		for i := range 4 {
			c := context.Background()
			if i == leaver {
				c = ctx
			}
			results = append(results, k.start(t, c, batchOf(fmt.Sprint(i), i+1, i), i+1))
		}
		cancel()
		if err := <-results[leaver]; !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "unknown") {
			t.Errorf("who left: %v", err)
		}
		release()
		for i, r := range results {
			if i == leaver {
				continue
			}
			if err := <-r; err != nil {
				t.Error(err)
			}
		}
		<-first
		for i := range 4 {
			for j := range i + 1 {
				if n := f.seen[fmt.Sprintf("%d.%d", i, j)]; (n == 1) != (i != leaver) {
					t.Errorf("%d left, and record %d of %d is there %d times", leaver, j, i, n)
				}
			}
		}
	}
}

// All leave, and nothing is written for them.
func TestAGroupThatEverybodyLeftIsNotWritten(t *testing.T) {
	k, f := newTestCommitter(t)
	release, first := k.occupy(t, f)
	ctx, cancel := context.WithCancel(context.Background())
	var results []<-chan error
	for i, size := range []int{1, 1, joinBytes} {
		results = append(results, k.start(t, ctx, batchOf(fmt.Sprint(i), 1, size), i+1))
	}
	cancel()
	for _, r := range results {
		if err := <-r; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	release()
	<-first
	if n := f.calls.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// The error of a group is each one's own: they fill in different fields.
func TestAnErrorIsNotSharedBetweenCommits(t *testing.T) {
	k, f := newTestCommitter(t)
	release, first := k.occupy(t, f)
	f.then = func() error { return dberr.New("", dberr.IO, "planted") }
	a := k.start(t, nil, batchOf("a", 1, 1), 1)
	b := k.start(t, nil, batchOf("b", 1, 1), 2)
	release()
	<-first
	x, y := <-a, <-b
	if x == nil || y == nil || x == y {
		t.Errorf("%p and %p", x, y)
	}
}

// Close refuses those who wait; what is in C ends as it ends.
func TestAClosedCommitterRefusesWhoWaits(t *testing.T) {
	k, f := newTestCommitter(t)
	release, first := k.occupy(t, f)
	a := k.start(t, nil, batchOf("a", 1, 1), 1)
	b := k.start(t, nil, batchOf("b", 1, joinBytes), 2)
	k.close()
	for _, r := range []<-chan error{a, b} {
		if err := <-r; err != ErrClosed {
			t.Error(err)
		}
	}
	if _, err := k.put(nil, batchOf("c", 1, 1)); err != ErrClosed {
		t.Error(err)
	}
	release()
	if err := <-first; err != nil {
		t.Error(err)
	}
	if len(f.order) != 1 {
		t.Errorf("written: %v", f.order)
	}
}

// A batch that is not copied into a group is not given up while RocksDB reads it.
func TestALargeBatchIsNotLeftWhileItIsWritten(t *testing.T) {
	k, f := newTestCommitter(t)
	release, first := k.occupy(t, f)
	rep := batchOf("large", 1, joinBytes)
	whole := bytes.Clone(rep)
	ctx, cancel := context.WithCancel(context.Background())
	result := k.start(t, ctx, rep, 1)
	inC, goOn := make(chan struct{}), make(chan struct{})
	f.then = func() error {
		close(inC)
		<-goOn
		return nil
	}
	release()
	<-inC
	cancel()
	select {
	case err := <-result:
		t.Errorf("the caller left: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(goOn)
	if err := <-result; err != nil {
		t.Error(err)
	}
	<-first
	if !bytes.Equal(rep, whole) {
		t.Error("the caller's batch has changed")
	}
}

// One sync serves all who came before it began, no commit returns before the sync that covers it, and
// after a failure there is never another one.
func TestASyncServesWhoCameBeforeIt(t *testing.T) {
	var written, durable atomic.Int64
	var syncs atomic.Int64
	s := &syncer{call: func() error {
		syncs.Add(1)
		n := written.Load()
		time.Sleep(200 * time.Microsecond)
		durable.Store(n)
		return nil
	}}
	const callers, times = 50, 40
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range times {
				mine := written.Add(1)
				if err := s.sync(); err != nil {
					t.Error(err)
				}
				if n := durable.Load(); n < mine {
					t.Errorf("%d returned when %d were durable", mine, n)
				}
			}
		})
	}
	wg.Wait()
	if n := syncs.Load(); n > callers*times/4 {
		t.Errorf("%d syncs for %d callers", n, callers*times)
	}
	s.call = func() error { syncs.Add(1); return dberr.New("", dberr.NoSpace, "planted") }
	for range 2 { // that is no failed sync: the log could not be appended to
		if err := s.sync(); !errors.Is(err, ErrNoSpace) {
			t.Errorf("%v", err)
		}
	}
	s.call = func() error { syncs.Add(1); return dberr.New("", dberr.SyncFailed, "planted") }
	before := syncs.Load()
	for range 3 {
		err := s.sync()
		var e *Error
		if !errors.Is(err, ErrSyncFailed) || !errors.As(err, &e) || e.Msg != "planted" {
			t.Errorf("%v", err)
		}
	}
	if n := syncs.Load() - before; n != 1 {
		t.Errorf("%d syncs after the first failure", n-1)
	}
}

// Groups that were written unsynced return with the sync behind them, and with its error.
func TestAPipelinedGroupReturnsWithItsSync(t *testing.T) {
	k, f := newTestCommitter(t)
	var syncs atomic.Int64
	goOn := make(chan struct{})
	k.behind = true
	k.syncer = &syncer{call: func() error {
		<-goOn
		if syncs.Add(1) > 1 {
			return dberr.New("", dberr.SyncFailed, "planted")
		}
		return nil
	}}
	release, first := k.occupy(t, f)
	a := k.start(t, nil, batchOf("a", 1, 1), 1)
	b := k.start(t, nil, batchOf("b", 1, 1), 2)
	release()
	select {
	case <-a:
		t.Error("it returned before the sync")
	case <-first:
		t.Error("it returned before the sync")
	case <-time.After(20 * time.Millisecond):
	}
	close(goOn)
	failed := 0
	for _, r := range []<-chan error{first, a, b} {
		if err := <-r; errors.Is(err, ErrSyncFailed) {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	if failed != 1 && failed != 2 { // whose sync was the second
		t.Errorf("%d failed", failed)
	}
}

// Behind a group whose sync failed no other is written.
func TestNothingIsWrittenBehindAFailedSync(t *testing.T) {
	k, f := newTestCommitter(t)
	release, first := k.occupy(t, f)
	f.then = func() error { return dberr.New("", dberr.SyncFailed, "planted") }
	a := k.start(t, nil, batchOf("a", 1, 1), 1)
	b := k.start(t, nil, batchOf("b", 1, joinBytes), 2)
	c := k.start(t, nil, batchOf("c", 1, 1), 3)
	release()
	if err := <-first; err != nil {
		t.Error(err)
	}
	for _, r := range []<-chan error{a, b, c} {
		if err := <-r; !errors.Is(err, ErrSyncFailed) {
			t.Error(err)
		}
	}
	if n := f.calls.Load(); n != 2 {
		t.Errorf("%d calls, want the first and the one that failed", n)
	}
	if _, err := k.put(nil, batchOf("d", 1, 1)); !errors.Is(err, ErrSyncFailed) {
		t.Error(err)
	}
}
