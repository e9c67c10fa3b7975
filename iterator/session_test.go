package iterator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sort"
	"strings"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// subject is what is tested: an Iterator, or one with a fault planted into a method.
type subject interface {
	First() bool
	Last() bool
	SeekGE(key []byte) bool
	SeekLE(key []byte) bool
	SeekLT(key []byte) bool
	Next() bool
	Prev() bool
	NextChunk(c *iterator.Chunk) bool
	PrevChunk(c *iterator.Chunk) bool
	All() iter.Seq2[[]byte, []byte]
	Backward() iter.Seq2[[]byte, []byte]
	From(key []byte) iter.Seq2[[]byte, []byte]
	SetBounds(lower, upper []byte)
	Refresh() error
	Count(ctx context.Context) (rows, keyBytes, valueBytes int64, err error)
	Valid() bool
	Key() []byte
	Value() []byte
	KeyLen() int
	ValueLen() int
	AppendKey(dst []byte) []byte
	AppendValue(dst []byte) []byte
	HasPrefix(p []byte) bool
	EqualKey(k []byte) bool
	CompareKey(k []byte) int
	Error() error
	Close() error
}

// session is one list of operations on one iterator, beside the walkers that say what is right.
type session struct {
	*data
	it     subject
	shape  shape
	state  []row // what the iterator's state holds, in all its range
	model  *model
	others func() []walker // those besides the model, over the iterator's state, the newest now
	refs   []walker
	done   func()

	chunks [2]keptChunk
	taken  []keptChunk
	yields []keptRow
	depth  int // of loops
	writes bool
	mu     *sync.Mutex // held where the newest state is looked at; nil: nobody else writes
	log    []string
}

// keptChunk is a chunk and what is in it; keptRow a yielded row and what it was when it was yielded.
type keptChunk struct {
	c    iterator.Chunk
	want []row
}

type keptRow struct{ got, want row }

// newSession makes an iterator with random options.
func newSession(d *data, writes bool) (*session, error) {
	o, sh := d.options()
	it, others, done, err := d.open(o)
	if err != nil {
		return nil, err
	}
	s := &session{
		data: d, shape: sh, state: sortedRows(d.truth), model: &model{limit: o.Limit},
		others: others, done: done, writes: writes, it: it,
	}
	s.refs = append(others(), s.model)
	s.show()
	s.note("new lower=%s upper=%s prefix=%s limit=%d keysOnly=%v upTo=%d frozen=%v rows=%d", quote(o.LowerBound),
		quote(o.UpperBound), quote(o.Prefix), o.Limit, o.KeysOnly, o.ValuesUpTo, d.frozen, len(s.model.rows))
	return s, nil
}

func (s *session) show() {
	for _, w := range s.refs {
		w.show(s.shape, s.state)
	}
}

func (s *session) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
	trace("%s", s.log[len(s.log)-1])
}

func trace(format string, args ...any) {
	if *traceFlag {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
}

func quote(b []byte) string {
	if b == nil {
		return "nil"
	}
	if len(b) > 60 {
		return fmt.Sprintf("%q...(%d bytes)", b[:40], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// run does n random operations and then closes the iterator.
func (s *session) run(n int) (err error) {
	defer s.done()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil {
			s.it.Close()
			err = fmt.Errorf("%w\nafter:\n\t%s", err, strings.Join(s.log[max(0, len(s.log)-40):], "\n\t"))
		}
	}()
	for range n {
		if err := s.operation(); err != nil {
			return err
		}
		if err := s.look(); err != nil {
			return err
		}
	}
	if err := s.keptIsUnchanged(); err != nil {
		return err
	}
	return s.close()
}

// agreed asks every walker and wants one answer.
func (s *session) agreed(what string, f func(walker) bool) (bool, error) {
	want := f(s.refs[0])
	for _, w := range s.refs[1:] {
		if got := f(w); got != want {
			return false, fmt.Errorf("the references differ on %s: %v, %v", what, want, got)
		}
	}
	return want, nil
}

// moved compares the answer of a move, and whether there was an error.
func (s *session) moved(what string, got bool, f func(walker) bool) error {
	s.note("%s = %v", what, got)
	want, err := s.agreed(what, f)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s is %v, want %v", what, got, want)
	}
	return s.noError()
}

func (s *session) noError() error {
	if err := s.it.Error(); err != nil {
		return fmt.Errorf("Error is %w", err)
	}
	return nil
}

// current is the row that the references stand on; the state of the model is shared, not copied.
func (s *session) current() (r row, on bool, err error) {
	r, on = s.model.row()
	for _, w := range s.refs {
		got, ok := w.row()
		if ok != on || on && !sameRow(got, r) {
			return r, on, fmt.Errorf("the references stand on %s (%v) and %s (%v)", quote(r.key), on, quote(got.key), ok)
		}
	}
	return r, on, nil
}

// look compares what the iterator shows of the place where it stands.
func (s *session) look() error {
	want, on, err := s.current()
	if err != nil {
		return err
	}
	it := s.it
	if got := it.Valid(); got != on {
		return fmt.Errorf("Valid is %v, want %v", got, on)
	}
	if got := (row{it.Key(), it.Value()}); !sameRow(got, want) || on != (got.key != nil) {
		return fmt.Errorf("stands on %s (value of %d bytes), want %s (%d)", quote(got.key), len(got.value), quote(want.key), len(want.value))
	}
	if k, v := it.KeyLen(), it.ValueLen(); k != len(want.key) || v != s.whole(want.key, on) {
		return fmt.Errorf("lengths are %d and %d, want %d and %d", k, v, len(want.key), s.whole(want.key, on))
	}
	head := []byte("head")
	if k, v := it.AppendKey(head), it.AppendValue(head); string(k) != "head"+string(want.key) || string(v) != "head"+string(want.value) {
		return fmt.Errorf("AppendKey gives %s, AppendValue %d bytes", quote(k), len(v))
	}
	return s.compare(want.key, on)
}

// whole is the length of a row's value before a cut.
func (s *session) whole(key []byte, on bool) int {
	if !on || s.shape.keysOnly {
		return 0
	}
	i := sort.Search(len(s.state), func(i int) bool { return bytes.Compare(s.state[i].key, key) >= 0 })
	return len(s.state[i].value)
}

func (s *session) compare(key []byte, on bool) error {
	other := s.key()
	for _, k := range [][]byte{nil, key, key[:len(key)/2], append(bytes.Clone(key), 0), other} {
		wantPrefix, wantEqual, wantOrder := on && bytes.HasPrefix(key, k), on && bytes.Equal(key, k), -1
		if on {
			wantOrder = bytes.Compare(key, k)
		}
		if s.it.HasPrefix(k) != wantPrefix || s.it.EqualKey(k) != wantEqual || sign(s.it.CompareKey(k)) != wantOrder {
			return fmt.Errorf("HasPrefix, EqualKey or CompareKey of %s is wrong for %s", quote(key), quote(k))
		}
	}
	return nil
}

func sign(n int) int { return min(max(n, -1), 1) }

// keptIsUnchanged looks at everything that was handed out for keeping.
func (s *session) keptIsUnchanged() error {
	for i, y := range s.yields {
		if !sameRow(y.got, y.want) {
			return fmt.Errorf("row %d of %d that a loop yielded is not what it was: %s, was %s", i, len(s.yields), quote(y.got.key), quote(y.want.key))
		}
	}
	for i := range s.taken {
		if err := s.taken[i].check(); err != nil {
			return fmt.Errorf("taken chunk: %w", err)
		}
	}
	for i := range s.chunks {
		if err := s.chunks[i].check(); err != nil {
			return fmt.Errorf("chunk: %w", err)
		}
	}
	return nil
}

func (k *keptChunk) check() error {
	if k.c.Len() != len(k.want) {
		return fmt.Errorf("%d rows, want %d", k.c.Len(), len(k.want))
	}
	for i, want := range k.want {
		got := row{k.c.Key(i), k.c.Value(i)}
		if !sameRow(got, want) {
			return fmt.Errorf("row %d is %s (value of %d bytes), want %s (%d)", i, quote(got.key), len(got.value), quote(want.key), len(want.value))
		}
		if cap(got.key) != len(got.key) || cap(got.value) != len(got.value) {
			return fmt.Errorf("row %d has room behind it", i)
		}
	}
	i := 0
	for key, value := range k.c.All() {
		if !sameRow(row{key, value}, k.want[i]) {
			return fmt.Errorf("All differs from Key and Value in row %d", i)
		}
		i++
	}
	if i != len(k.want) {
		return fmt.Errorf("All yields %d rows of %d", i, len(k.want))
	}
	return nil
}

// close closes the iterator: it keeps its last row and answers nothing else.
func (s *session) close() error {
	want, _ := s.model.row()
	if err := s.it.Close(); err != nil {
		return fmt.Errorf("Close: %w", err)
	}
	if got := (row{s.it.Key(), s.it.Value()}); !sameRow(got, want) || s.it.Valid() {
		return fmt.Errorf("after Close: key %s, want %s, Valid %v", quote(got.key), quote(want.key), s.it.Valid())
	}
	moves := []func() bool{s.it.First, s.it.Last, s.it.Next, s.it.Prev, func() bool { return s.it.SeekGE(want.key) }}
	if pick(s.r, moves...)() || !errors.Is(s.it.Error(), dberr.ErrClosed) {
		return fmt.Errorf("a move after Close works, or Error is %v", s.it.Error())
	}
	if err := s.it.Close(); err != nil {
		return fmt.Errorf("second Close: %w", err)
	}
	return s.keptIsUnchanged()
}

var _ subject = (*iterator.Iterator)(nil)

// seeks names the seeks by the move of the reference that they stand for.
var seeks = map[cbridge.Move]func(subject, []byte) bool{
	cbridge.MoveGE: subject.SeekGE, cbridge.MoveLE: subject.SeekLE, cbridge.MoveLT: subject.SeekLT,
}
