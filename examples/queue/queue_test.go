package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func open(t *testing.T, dir string) *Queue {
	t.Helper()
	q, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

func pop(t *testing.T, q *Queue, n int) []string {
	t.Helper()
	items, err := q.Pop(n)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, item := range items {
		texts = append(texts, string(item))
	}
	return texts
}

// TestAQueueBehavesAsASlice pushes, pops and reopens at random.
func TestAQueueBehavesAsASlice(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	q := open(t, dir)
	var model []string
	for step := range 300 {
		switch r.IntN(5) {
		case 0:
			if err := q.Close(); err != nil {
				t.Fatal(err)
			}
			q = open(t, dir)
		case 1, 2:
			n := r.IntN(6)
			want := model[:min(n, len(model))]
			if got := pop(t, q, n); !slices.Equal(got, want) {
				t.Fatalf("step %d: popped %q, want %q", step, got, want)
			}
			model = model[len(want):]
		default:
			var items [][]byte
			for i := range r.IntN(5) {
				item := fmt.Sprintf("%d.%d", step, i)
				items = append(items, []byte(item))
				model = append(model, item)
			}
			if err := q.Push(items...); err != nil {
				t.Fatal(err)
			}
		}
		if q.Len() != len(model) {
			t.Fatalf("step %d: %d items, want %d", step, q.Len(), len(model))
		}
	}
}

func TestItemsStayUntilTheyAreProcessed(t *testing.T) {
	q := open(t, t.TempDir())
	if err := q.Push([]byte("a"), []byte("b")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	for range 2 {
		var seen [][]byte
		err := q.Process(1, func(items [][]byte) error { seen = items; return broken })
		if !errors.Is(err, broken) || len(seen) != 1 || string(seen[0]) != "a" {
			t.Fatalf("handed out %q, %v", seen, err)
		}
	}
	if got := pop(t, q, 5); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("popped %q", got)
	}
	if got := pop(t, q, 5); got != nil {
		t.Errorf("popped %q from an empty queue", got)
	}
}

// TestConsumersShareTheItems lets goroutines push and pop at once: each item
// comes out once, and those of one producer in order.
func TestConsumersShareTheItems(t *testing.T) {
	const producers, each = 4, 50
	q := open(t, t.TempDir())
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				if err := q.Push([]byte{byte(p), byte(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var mu sync.Mutex
	last := [producers]int{-1, -1, -1, -1}
	left := producers * each
	for range 3 {
		wg.Go(func() {
			for {
				mu.Lock()
				if left == 0 {
					mu.Unlock()
					return
				}
				items, err := q.Pop(7)
				if err != nil {
					t.Error(err)
				}
				for _, item := range items {
					if int(item[1]) != last[item[0]]+1 {
						t.Errorf("producer %d: item %d after %d", item[0], item[1], last[item[0]])
					}
					last[item[0]] = int(item[1])
				}
				left -= len(items)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestAnotherDatabaseIsNoQueue(t *testing.T) {
	dir := t.TempDir()
	db, err := engine.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Put([]byte("some key"), nil, nil), db.Put([]byte("x"), nil, nil), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "holds no queue") {
		t.Errorf("Open: %v", err)
	}
}

func TestTheDemonstrationPrints(t *testing.T) {
	var out strings.Builder
	if err := show(&out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"opened again: 4 items\n", `popped ["wake" "wash"]`, `popped ["work"]`} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("no %q in:\n%s", text, out.String())
		}
	}
}

// TestManyItemsComeOutWhole pops more than one fill of the iterator brings.
func TestManyItemsComeOutWhole(t *testing.T) {
	q := open(t, t.TempDir())
	var want [][]byte
	for i := range 5000 {
		want = append(want, fmt.Appendf(nil, "%0100d", i))
	}
	if err := q.Push(want...); err != nil {
		t.Fatal(err)
	}
	got, err := q.Pop(len(want))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Error("other items than were pushed")
	}
}
