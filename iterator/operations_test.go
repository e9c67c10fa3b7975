package iterator_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// operation does one random operation. Steps come in runs, as in programs, so that windows are
// crossed in both directions.
func (s *session) operation() error {
	n := s.r.IntN(100)
	trace("operation %d", n)
	switch {
	case n < 34:
		return s.steps()
	case n < 39:
		return s.moved("First", s.it.First(), walker.first)
	case n < 44:
		return s.moved("Last", s.it.Last(), walker.last)
	case n < 62:
		return s.seek()
	case n < 78:
		return s.chunk()
	case n < 80:
		return s.take()
	case n < 88:
		return s.loop()
	case n < 91:
		return s.setBounds()
	case n < 93:
		return s.refresh()
	case n < 95:
		return s.count()
	case n < 97:
		return s.keptIsUnchanged()
	default:
		return s.write()
	}
}

func (s *session) steps() error {
	back := oneIn(s.r, 2)
	what, move := "Next", s.it.Next
	if back {
		what, move = "Prev", s.it.Prev
	}
	for range pick(s.r, 1, 1, 1, 2, 5, 40) {
		if err := s.moved(what, move(), func(w walker) bool { return w.step(back) }); err != nil {
			return err
		}
		if err := s.look(); err != nil {
			return err
		}
	}
	return nil
}

// target is a key to seek: often one near the current row, which the window may hold.
func (s *session) target() []byte {
	if r, on := s.model.row(); on && oneIn(s.r, 3) {
		return pick(s.r, r.key, append(bytes.Clone(r.key), 0), r.key[:max(0, len(r.key)-1)])
	}
	if n := len(s.model.rows); n > 0 && oneIn(s.r, 2) {
		i := s.r.IntN(n)
		if s.model.at >= 0 && oneIn(s.r, 2) { // close by
			i = min(max(s.model.at+s.r.IntN(7)-3, 0), n-1)
		}
		return s.model.rows[i].key
	}
	return pick(s.r, s.key(), nil, bytes.Repeat([]byte{0xff}, 50))
}

func (s *session) seek() error {
	m := pick(s.r, cbridge.MoveGE, cbridge.MoveLE, cbridge.MoveLT)
	key := s.target()
	mine := bytes.Clone(key)
	got := seeks[m](s.it, mine)
	for i := range mine { // the iterator must not have kept it
		mine[i]++
	}
	what := fmt.Sprintf("seek %d %s", m, quote(key))
	return s.moved(what, got, func(w walker) bool { return w.seek(m, key) })
}

// chunk fills a chunk and walks the references over as many rows as came.
func (s *session) chunk() error {
	back := oneIn(s.r, 2)
	k := &s.chunks[s.r.IntN(len(s.chunks))]
	what, fill := "NextChunk", s.it.NextChunk
	if back {
		what, fill = "PrevChunk", s.it.PrevChunk
	}
	ok := fill(&k.c)
	n := k.c.Len()
	s.note("%s = %v with %d rows", what, ok, n)
	if ok != (n > 0) {
		return fmt.Errorf("%s is %v with %d rows", what, ok, n)
	}
	for _, w := range s.refs {
		rows, err := chunkOf(w, back, n)
		if err != nil {
			return fmt.Errorf("%s with %d rows: %w", what, n, err)
		}
		k.want = rows
	}
	if err := k.check(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return s.noError()
}

// chunkOf takes n rows as a chunk does. None is right only if none is there.
func chunkOf(w walker, back bool, n int) ([]row, error) {
	r, on := w.row()
	if !on && w.step(back) {
		r, on = w.row()
	}
	var out []row
	for ; on && len(out) < n; r, on = w.row() {
		out = append(out, row{bytes.Clone(r.key), clone(r.value)})
		if len(out) < n && !w.step(back) {
			break
		}
		if len(out) == n {
			w.leave(back)
		}
	}
	if len(out) != n || n == 0 && on {
		return nil, fmt.Errorf("%d rows are there, of %d (on a row: %v)", len(out), n, on)
	}
	return out, nil
}

// clone copies a value and keeps apart nil and empty.
func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func (s *session) take() error {
	k := &s.chunks[s.r.IntN(len(s.chunks))]
	s.note("Take of %d rows", k.c.Len())
	s.taken = append(s.taken, keptChunk{k.c.Take(), k.want})
	k.want = nil
	return k.check()
}

// loop ranges over rows, to the end or not, sometimes with another operation inside.
func (s *session) loop() error {
	if s.depth > 1 {
		return nil
	}
	s.depth++
	defer func() { s.depth-- }()
	var rows iter.Seq2[[]byte, []byte]
	var start func(walker) bool
	back := false
	switch s.r.IntN(3) {
	case 0:
		s.note("range All")
		rows, start = s.it.All(), walker.first
	case 1:
		s.note("range Backward")
		rows, start, back = s.it.Backward(), walker.last, true
	default:
		key := s.target()
		s.note("range From %s", quote(key))
		rows, start = s.it.From(key), func(w walker) bool { return w.seek(cbridge.MoveGE, key) }
	}
	stop := pick(s.r, 1, 2, 5, 100, 1<<30)
	inside := pick(s.r, 1, 3, 1<<30, 1<<30, 1<<30)
	return s.follow(rows, start, back, stop, inside)
}

func (s *session) follow(rows iter.Seq2[[]byte, []byte], start func(walker) bool, back bool, stop, inside int) error {
	n := 0
	more := start
	for key, value := range rows {
		if ok, err := s.agreed("a loop's move", more); err != nil || !ok {
			return fmt.Errorf("a loop yields row %d, %s, that is not there (%w)", n, quote(key), err)
		}
		got := row{key, value}
		s.yields = append(s.yields, keptRow{got, row{bytes.Clone(key), clone(value)}})
		if want, _, err := s.current(); err != nil || !sameRow(got, want) {
			return fmt.Errorf("a loop yields %s, want %s (%w)", quote(key), quote(want.key), err)
		}
		if err := s.look(); err != nil {
			return fmt.Errorf("in a loop: %w", err)
		}
		if n++; n == inside {
			if err := s.operation(); err != nil {
				return fmt.Errorf("in a loop: %w", err)
			}
		}
		if n >= stop {
			s.note("break after %d rows", n)
			return nil
		}
		more = func(w walker) bool { return w.step(back) }
	}
	s.note("the loop ended after %d rows", n)
	if ok, err := s.agreed("a loop's end", more); err != nil || ok {
		return fmt.Errorf("a loop ended after %d rows, but there are more (%w)", n, err)
	}
	return s.noError()
}

func (s *session) setBounds() error {
	s.shape.lower, s.shape.upper = s.bounds()
	s.shape.prefix = nil
	s.note("SetBounds %s %s", quote(s.shape.lower), quote(s.shape.upper))
	lower, upper := clone(s.shape.lower), clone(s.shape.upper)
	s.it.SetBounds(lower, upper)
	for _, b := range [][]byte{lower, upper} { // they must have been copied
		for i := range b {
			b[i]++
		}
	}
	s.show()
	return s.noError()
}

func (s *session) refresh() error {
	s.note("Refresh")
	if s.mu != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	if err := s.it.Refresh(); err != nil {
		return err
	}
	if !s.frozen || !s.engine {
		s.state = sortedRows(s.truth)
		s.refs = append(s.others(), s.model)
	}
	s.show()
	return s.noError()
}

func (s *session) count() error {
	rows, keyBytes, valueBytes, err := s.it.Count(pick(s.r, nil, context.Background()))
	s.note("Count = %d, %d, %d", rows, keyBytes, valueBytes)
	if err != nil {
		return err
	}
	if r, k, v := s.model.counted(); rows != r || keyBytes != k || valueBytes != v {
		return fmt.Errorf("Count is %d, %d, %d, want %d, %d, %d", rows, keyBytes, valueBytes, r, k, v)
	}
	for _, w := range s.refs {
		w.fresh()
	}
	return s.noError()
}

// write changes the database under the iterator, whose state must not change.
func (s *session) write() error {
	if !s.writes {
		return nil
	}
	s.note("the database changes")
	return s.change()
}
