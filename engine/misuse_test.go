//go:build rbdebug && !race && !asan

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// planted is how often each misuse is planted; it must be caught as often.
func planted() int {
	if testing.Short() {
		return 100
	}
	return 1000
}

// wantMisuse wants that f is caught with all words in the text.
func wantMisuse(t *testing.T, what string, f func(), words ...string) {
	t.Helper()
	text := rbdebug.Caught(f)
	for _, w := range append(words, "rockbridge: ") {
		if !strings.Contains(text, w) {
			t.Fatalf("%s: caught with %q, want %q in it", what, text, w)
		}
	}
}

func TestAValueThatIsKeptPastGetPinnedIsCaught(t *testing.T) {
	db := openWithSizes(t, true)
	sum := byte(0)
	for name, r := range pointReaders(t, db) {
		for _, size := range valueSizes[1:] {
			want, err := r.Get(sizeKey(size), nil)
			if err != nil {
				t.Fatal(err)
			}
			for range planted() / 4 {
				var kept []byte
				if err := r.GetPinned(sizeKey(size), nil, func(value []byte) error {
					if string(value) != string(want) || cap(value) != size {
						t.Errorf("%s: %d bytes of %d, cap %d", name, len(value), size, cap(value))
					}
					kept = value
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				const lent = "the value that GetPinned lent"
				wantMisuse(t, name, func() { sum += kept[0] }, lent, "TestAValueThatIsKeptPastGetPinnedIsCaught")
				wantMisuse(t, name, func() { sum += kept[size-1] }, lent)
				wantMisuse(t, name, func() { kept[size/2] = 1 }, lent)
			}
		}
	}
}

func TestWritesToALentValueAreCaught(t *testing.T) {
	db := openWithSizes(t, true)
	for name, r := range pointReaders(t, db) {
		for range planted() {
			err := r.GetPinned(sizeKey(16<<10), nil, func(value []byte) error {
				wantMisuse(t, name, func() { value[len(value)-1] = 1 }, "the value that GetPinned lent")
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The value expires too when the function fails or panics, and an empty one has nothing to expire.
func TestALentValueExpiresHoweverTheFunctionEnds(t *testing.T) {
	db := openWithSizes(t, true)
	var kept []byte
	failed := errors.New("failed")
	if err := db.GetPinned(sizeKey(16<<10), nil, func(v []byte) error { kept = v; return failed }); err != failed {
		t.Error(err)
	}
	wantMisuse(t, "an error", func() { kept[0]++ }, "GetPinned")
	func() {
		defer func() { recover() }()
		db.GetPinned(sizeKey(16<<10), nil, func(v []byte) error { kept = v; panic(failed) })
	}()
	wantMisuse(t, "a panic", func() { kept[0]++ }, "GetPinned")
	if err := db.GetPinned(sizeKey(0), nil, func(v []byte) error { kept = v; return nil }); err != nil || kept == nil || len(kept) != 0 {
		t.Errorf("%v, %v", kept, err)
	}
}

// leakers leave a handle open each; what they are called stands in its stack.
var leakers = map[string]func(db *engine.DB) error{
	"leakIterator":      leakIterator,
	"leakIterators":     leakIterators,
	"leakSnapshot":      leakSnapshot,
	"leakBatch":         leakBatch,
	"leakBatchIterator": leakBatchIterator,
}

func leakIterator(db *engine.DB) error {
	_, err := db.NewIter(nil)
	return err
}

func leakIterators(db *engine.DB) error {
	_, err := engine.NewIters(db.ColumnFamilies()...)
	return err
}

func leakSnapshot(db *engine.DB) error {
	_, err := db.NewSnapshot()
	return err
}

func leakBatch(db *engine.DB) error {
	_, err := db.NewIndexedBatch()
	return err
}

func leakBatchIterator(db *engine.DB) error {
	b, err := db.NewIndexedBatch()
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = b.NewIter(nil)
	return err
}

// wantStacks wants so many stacks that name each function, and all of them in the text.
func wantStacks(t *testing.T, err error, each int, names ...string) {
	t.Helper()
	var leak *engine.LeakError
	want := each * len(names)
	if !errors.As(err, &leak) || len(leak.Stacks) != want || leak.Iterators+leak.Snapshots+leak.Batches != want {
		t.Fatalf("want %d stacks: %v", want, err)
	}
	text := err.Error()
	for _, name := range names {
		found := 0
		for _, s := range leak.Stacks {
			if strings.Contains(s, "engine_test."+name+"\n") && strings.Contains(text, s) {
				found++
			}
		}
		if found != each {
			t.Fatalf("%d of %d stacks name %s", found, each, name)
		}
	}
}

func TestLeakedHandlesTellWhereTheyWereMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	for name, leak := range leakers {
		db := openDir(t, dir, nil)
		if err := leak(db); err != nil {
			t.Fatal(err)
		}
		wantStacks(t, db.Close(), 1, name)
	}
	db := openDir(t, dir, nil)
	var names []string
	for name, leak := range leakers {
		names = append(names, name)
		for range planted() {
			if err := leak(db); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantStacks(t, db.Close(), planted(), names...)
}

func TestASecondaryTellsWhereLeakedHandlesWereMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	if err := openDir(t, dir, nil).Close(); err != nil {
		t.Fatal(err)
	}
	s, err := engine.OpenSecondary(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []func(*engine.DB) error{leakIterator, leakSnapshot} {
		if err := s.View(t.Context(), leak); err != nil {
			t.Fatal(err)
		}
	}
	wantStacks(t, s.Close(), 1, "leakIterator", "leakSnapshot")
}

// parking is a context that keeps who looks at it, once, until it is let go.
type parking struct {
	context.Context
	armed   atomic.Bool
	in, out chan struct{}
}

func newParking() *parking {
	p := &parking{Context: context.Background(), in: make(chan struct{}), out: make(chan struct{})}
	p.armed.Store(true)
	return p
}

func (p *parking) Err() error {
	if p.armed.Swap(false) {
		p.in <- struct{}{}
		<-p.out
	}
	return nil
}

func TestTwoGoroutinesInsideABatchAreCaught(t *testing.T) {
	db := openTemp(t, nil)
	b, other := db.NewBatch(), db.NewBatch()
	view, k := b.In(db.ColumnFamilies()[0]), []byte("k")
	other.Put(k, k)
	calls := map[string]func(){
		"Batch.In": func() { b.In(nil) }, "Batch.Put": func() { b.Put(k, k) }, "Batch.Delete": func() { b.Delete(k) },
		"Batch.SingleDelete": func() { b.SingleDelete(k) }, "Batch.Merge": func() { b.Merge(k, k) },
		"Batch.DeleteRange": func() { b.DeleteRange(k, k) }, "Batch.LogData": func() { b.LogData(k) },
		"Batch.Size": func() { b.Size() }, "Batch.Count": func() { b.Count() }, "Batch.Repr": func() { b.Repr() },
		"Batch.Reset": func() { b.Reset() }, "Batch.SetSavepoint": func() { b.SetSavepoint() },
		"Batch.RollbackToSavepoint": func() { b.RollbackToSavepoint() }, "Batch.Append": func() { b.Append(other) },
		"Batch.Append of it": func() { other.Append(b) }, "DB.Write": func() { db.Write(b, nil) },
	}
	for range planted() {
		p := newParking()
		done := make(chan error)
		go func() { done <- db.Write(b, &engine.WriteOptions{Context: p}) }()
		<-p.in
		for name, call := range calls {
			wantMisuse(t, name, call, name+" while another goroutine is inside DB.Write: one goroutine at a time may use a batch",
				"TestTwoGoroutinesInsideABatchAreCaught")
		}
		wantMisuse(t, "a view", func() { view.Put(k, k) }, "Batch.Put while another goroutine is inside DB.Write")
		wantMisuse(t, "Records", func() {
			for range b.Records() {
			}
		}, "Batch.Repr while")
		close(p.out)
		if err := errors.Join(<-done, b.Put(k, k), other.Append(b)); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		other.Reset()
		other.Put(k, k)
	}
}

// Nobody is held up: two goroutines that add records as they like meet soon.
func TestGoroutinesThatRaceThroughABatchMeet(t *testing.T) {
	for range planted() {
		var b engine.Batch
		var caught atomic.Bool
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				for !caught.Load() {
					if rbdebug.Caught(func() { b.Put([]byte("k"), nil) }) != "" {
						caught.Store(true)
					}
				}
			})
		}
		both.Wait()
	}
}

func TestABatchMayGoFromGoroutineToGoroutine(t *testing.T) {
	db := openTemp(t, nil)
	turn := make(chan *engine.Batch, 1)
	turn <- db.NewBatch()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range planted() {
				b := <-turn
				if err := errors.Join(b.Put([]byte("k"), nil), db.Write(b, nil)); err != nil || b.Count() == 0 {
					t.Error(err)
				}
				turn <- b
			}
		})
	}
	all.Wait()
}

// An indexed batch may be used by several goroutines: they wait for each other.
func TestGoroutinesMayShareAnIndexedBatch(t *testing.T) {
	db := openTemp(t, nil)
	b, err := db.NewIndexedBatch()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range planted() {
				k := fmt.Append(nil, i, n)
				if err := b.Put(k, k); err != nil {
					t.Error(err)
				}
				if v, err := b.Get(k, nil); err != nil || string(v) != string(k) {
					t.Errorf("%q, %v", v, err)
				}
			}
		})
	}
	all.Wait()
	if err := b.Commit(nil); err != nil || b.Count() != 4*planted() {
		t.Errorf("%d records, %v", b.Count(), err)
	}
}

func TestADamagedBatchIsCaughtBeforeItIsWritten(t *testing.T) {
	db := openTemp(t, nil)
	for n := range planted() {
		b := db.NewBatch()
		b.Put([]byte("key one"), []byte("value"))
		b.Delete([]byte("key two"))
		sound := string(b.Repr())
		damage := map[string]func(repr []byte){
			"a tag":         func(repr []byte) { repr[12] = 0x7f },
			"a merge":       func(repr []byte) { repr[12] = 2 },
			"a key length":  func(repr []byte) { repr[13]++ },
			"a long length": func(repr []byte) { repr[13] |= 0x80 },
			"a family":      func(repr []byte) { repr[27] = 4 },
		}
		for name, f := range damage {
			repr := b.Repr()
			f(repr)
			wantMisuse(t, name, func() { db.Write(b, nil) }, fmt.Sprintf("a batch of %d bytes and 2 records is damaged", len(sound)))
			copy(repr, sound)
		}
		if err := db.Write(b, nil); err != nil {
			t.Fatal(n, err)
		}
	}
}
