package enginetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// operationKind is what an operation does.
type operationKind int

const (
	opPut operationKind = iota
	opDelete
	opGet
	opMerge
	opDeleteRange
	opBatch
	opSnapshot
	opCloseSnapshot // compares the oldest one with what it must show, and closes it
	opSettle
	opCheck
	opReopen
	opCrash
	operationKinds
)

// weights say how often each kind comes.
var weights = [operationKinds]int{60, 25, 30, 20, 4, 12, 4, 4, 2, 6, 1, 1}

var operationNames = [operationKinds]string{
	"Put", "Delete", "Get", "Merge", "DeleteRange", "batch", "NewSnapshot", "check and close the oldest snapshot", "Settle", "check",
	"Reopen", "Crash",
}

// operation is one step of a random test, with all it needs, so that a list of them can be repeated and cut.
type operation struct {
	kind       operationKind
	key, value []byte // start and end of DeleteRange; value is the operand of Merge
	batch      []operation
}

func (o operation) String() string {
	name := operationNames[o.kind]
	switch o.kind {
	case opPut, opMerge, opDeleteRange:
		return fmt.Sprintf("%s(%s, %s)", name, show(o.key), show(o.value))
	case opDelete, opGet:
		return fmt.Sprintf("%s(%s)", name, show(o.key))
	case opBatch:
		var parts []string
		for _, b := range o.batch {
			parts = append(parts, b.String())
		}
		return name + "{" + strings.Join(parts, "; ") + "}"
	}
	return name
}

// allowed tells for each kind whether a subject can do it.
func allowed(s Subject, c *Config) (ok [operationKinds]bool) {
	for k := range ok {
		ok[k] = true
	}
	ok[opMerge] = c.Merge != nil
	ok[opDeleteRange] = s.DeleteRange != nil
	ok[opBatch] = s.NewBatch != nil
	ok[opSnapshot], ok[opCloseSnapshot] = s.NewSnapshot != nil, s.NewSnapshot != nil
	ok[opSettle] = s.Settle != nil
	ok[opReopen], ok[opCrash] = s.Restart != nil, s.Restart != nil
	return ok
}

// generate makes a list of operations from a seed.
func generate(seed uint64, c *Config, ok [operationKinds]bool) []operation {
	r := rand.New(rand.NewPCG(seed, 0))
	total := 0
	for k, w := range weights {
		if ok[k] {
			total += w
		}
	}
	list := make([]operation, 0, c.Operations)
	for range c.Operations {
		n := r.IntN(total)
		kind := operationKind(0)
		for ; !ok[kind] || n >= weights[kind]; kind++ {
			if ok[kind] {
				n -= weights[kind]
			}
		}
		list = append(list, c.operation(r, kind, ok))
	}
	return list
}

func (c *Config) operation(r *rand.Rand, kind operationKind, ok [operationKinds]bool) operation {
	o := operation{kind: kind}
	switch kind {
	case opPut:
		o.key, o.value = randomKey(r), c.Value(r)
	case opMerge:
		o.key, o.value = randomKey(r), c.Operand(r)
	case opDelete, opGet:
		o.key = randomKey(r)
	case opDeleteRange:
		o.key, o.value = randomKey(r), randomKey(r)
		if r.IntN(4) > 0 { // mostly a small range: what is deleted cannot differ
			o.value = append(o.key[:len(o.key):len(o.key)], 'b')
		}
		if string(o.key) > string(o.value) {
			o.key, o.value = o.value, o.key
		}
	case opBatch:
		for range 1 + r.IntN(5) {
			inner := []operationKind{opPut, opDelete, opPut, opMerge, opDeleteRange}[r.IntN(5)]
			if ok[inner] {
				o.batch = append(o.batch, c.operation(r, inner, ok))
			}
		}
	}
	return o
}

// randomKey is short and of few letters, so that operations meet. It may be empty.
func randomKey(r *rand.Rand) []byte {
	letters := []byte{0, 'a', 'b', 'c', 0xff}
	key := make([]byte, r.IntN(4))
	for i := range key {
		key[i] = letters[r.IntN(len(letters))]
	}
	return key
}

// randomValue is mostly small, at times some kilobytes.
func randomValue(r *rand.Rand) []byte {
	n := r.IntN(12)
	if r.IntN(20) == 0 {
		n = r.IntN(8 << 10)
	}
	value := make([]byte, n)
	for i := range value {
		value[i] = byte('a' + r.IntN(26))
	}
	return value
}

// state is a subject and what it must hold.
type state struct {
	s         Subject
	model     *Model
	snapshots []openSnapshot
}

type openSnapshot struct {
	r       engine.Reader
	closeIt func() error
	model   *Model
}

// do makes one operation on the subject and on the model. An error is a difference between them.
func (st *state) do(t testing.TB, o operation) error {
	switch o.kind {
	case opGet:
		return st.get(o.key)
	case opBatch:
		return st.batch(o.batch)
	case opSnapshot:
		r, closeIt, err := st.s.NewSnapshot()
		if err == nil {
			st.snapshots = append(st.snapshots, openSnapshot{r, closeIt, st.model.Clone()})
		}
		return err
	case opCloseSnapshot:
		return st.closeSnapshot()
	case opSettle:
		return st.s.Settle()
	case opCheck:
		return st.model.Diff(st.s.Reader)
	case opReopen, opCrash:
		if err := st.closeSnapshots(); err != nil {
			return err
		}
		st.s = st.s.Restart(t, o.kind == opCrash)
		return st.model.Diff(st.s.Reader)
	}
	if err := st.write(o, st.s.Writer, st.s.DeleteRange); err != nil {
		return err
	}
	return st.write(o, st.model, st.model.DeleteRange)
}

func (st *state) write(o operation, w engine.Writer, deleteRange func(start, end []byte) error) error {
	switch o.kind {
	case opPut:
		return w.Put(o.key, o.value)
	case opDelete:
		return w.Delete(o.key)
	case opMerge:
		return w.Merge(o.key, o.value)
	case opDeleteRange:
		return deleteRange(o.key, o.value)
	}
	return fmt.Errorf("no write: %v", o)
}

func (st *state) batch(records []operation) error {
	b, commit := st.s.NewBatch()
	for _, o := range records {
		if err := st.write(o, b, b.DeleteRange); err != nil {
			return err
		}
	}
	if err := commit(); err != nil {
		return err
	}
	for _, o := range records {
		if err := st.write(o, st.model, st.model.DeleteRange); err != nil {
			return err
		}
	}
	return nil
}

func (st *state) get(key []byte) error {
	if value, ok := st.model.rows[string(key)]; ok {
		return present(st.s.Reader, pair{string(key), value})
	}
	return absent(st.s.Reader, key)
}

func (st *state) closeSnapshot() error {
	if len(st.snapshots) == 0 {
		return nil
	}
	s := st.snapshots[0]
	st.snapshots = st.snapshots[1:]
	err := s.model.Diff(s.r)
	if err != nil {
		err = fmt.Errorf("a snapshot: %w", err)
	}
	if closeErr := s.closeIt(); err == nil {
		err = closeErr
	}
	return err
}

func (st *state) closeSnapshots() error {
	var first error
	for len(st.snapshots) > 0 {
		if err := st.closeSnapshot(); first == nil {
			first = err
		}
	}
	return first
}
