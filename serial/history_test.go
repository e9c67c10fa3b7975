package serial

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// The database is one object, and a transaction one operation on it: that a history of such operations is linearisable is what is
// called strictly serialisable. There is one order of all transactions, in which each read what those before it left, and which puts
// none before one that had ended when it began.

// keys 0 to 2 are of the default family, the others of the family "other".
const keys, inDefault = 5, 3

// state is a value for each key. Every write has a value of its own; 0 is an absent key.
type state [keys]uint64

// access is a read or a write within a transaction.
type access struct {
	write bool
	key   int
	value uint64
}

func (a access) String() string {
	return fmt.Sprintf("%s k%d=%d", map[bool]string{false: "read", true: "write"}[a.write], a.key, a.value)
}

// step tells whether the accesses of a transaction, in their order, can have begun in s, and what they leave.
func step(s, _, accesses any) (bool, any) {
	now := s.(state)
	for _, a := range accesses.([]access) {
		if a.write {
			now[a.key] = a.value
		} else if now[a.key] != a.value {
			return false, s
		}
	}
	return true, now
}

// history is the transactions that were committed from one state on.
type history struct {
	first state
	mu    sync.Mutex
	all   []porcupine.Operation
}

var began = time.Now()

// clock is monotonic.
func clock() int64 { return int64(time.Since(began)) }

// add notes a transaction that was called at a time and has just returned.
func (h *history) add(client int, call int64, accesses []access) {
	end := clock()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, porcupine.Operation{ClientId: client, Call: call, Output: accesses, Return: end})
}

// serialisable asks the checker. One that is not done in a minute fails the test.
func (h *history) serialisable(t *testing.T) bool {
	t.Helper()
	model := porcupine.Model{Init: func() any { return h.first }, Step: step}
	switch porcupine.CheckOperationsTimeout(model, h.all, time.Minute) {
	case porcupine.Unknown:
		t.Fatalf("a minute did not do for %d transactions", len(h.all))
	case porcupine.Ok:
		return true
	}
	return false
}

func (h *history) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "from %v:\n", h.first)
	slices.SortFunc(h.all, func(x, y porcupine.Operation) int { return cmp.Compare(x.Call, y.Call) })
	for _, o := range h.all {
		fmt.Fprintf(&b, "client %d, %d to %d ns: %v\n", o.ClientId, o.Call, o.Return, o.Output)
	}
	return b.String()
}

// planted is a history by hand: each transaction with the times of its call and return.
func planted(all ...porcupine.Operation) *history { return &history{all: all} }

func during(call, end int64, accesses ...access) porcupine.Operation {
	return porcupine.Operation{Call: call, Return: end, Output: accesses}
}

func read(key int, value uint64) access  { return access{false, key, value} }
func write(key int, value uint64) access { return access{true, key, value} }

func TestTheCheckerRefusesPlantedAnomalies(t *testing.T) {
	for name, c := range map[string]struct {
		h    *history
		fine bool
	}{
		"one after the other":              {planted(during(1, 2, read(0, 0), write(0, 1)), during(3, 4, read(0, 1), write(0, 2), read(0, 2))), true},
		"beside each other":                {planted(during(1, 4, read(0, 1), write(0, 2)), during(2, 3, read(0, 0), write(0, 1))), true},
		"lost update":                      {planted(during(1, 4, read(0, 0), write(0, 1)), during(2, 3, read(0, 0), write(0, 2))), false},
		"write skew":                       {planted(during(1, 4, read(0, 0), read(1, 0), write(0, 1)), during(2, 3, read(0, 0), read(1, 0), write(1, 2))), false},
		"reader of a half":                 {planted(during(1, 9, write(0, 1), write(3, 2)), during(2, 3, read(0, 1), read(3, 0))), false},
		"reader of what was not committed": {planted(during(1, 2, read(0, 7))), false},
		"readers that differ on the order": {planted(during(1, 9, write(0, 1)), during(1, 9, write(3, 2)),
			during(2, 8, read(0, 1), read(3, 0)), during(2, 8, read(0, 0), read(3, 2))), false},
		// Serialisable, but not in the order of time.
		"reader of the past": {planted(during(1, 2, write(0, 1)), during(3, 4, read(0, 0))), false},
	} {
		if got := c.h.serialisable(t); got != c.fine {
			t.Errorf("%s: serialisable is %v", name, got)
		}
	}
}
