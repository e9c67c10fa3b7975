package engine

// line is a queue that its members may also leave from the middle. The zero value is empty; its owner's
// mutex stands round every use.
type line[T any] struct {
	first, last *place[T]
	len         int
}

// place is the place of one member in a line, at a time in one.
type place[T any] struct {
	of         T
	prev, next *place[T]
	gone       bool // it is not in the line, or not any more
}

// push puts p at the end.
func (l *line[T]) push(p *place[T]) {
	p.prev, p.next, p.gone = l.last, nil, false
	if l.last == nil {
		l.first = p
	} else {
		l.last.next = p
	}
	l.last = p
	l.len++
}

// remove takes p out, wherever it stands.
func (l *line[T]) remove(p *place[T]) {
	if p.prev == nil {
		l.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		l.last = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.prev, p.next, p.gone = nil, nil, true
	l.len--
}

// pop takes the first one out; ok is false if there is none.
func (l *line[T]) pop() (of T, ok bool) {
	p := l.first
	if p == nil {
		return of, false
	}
	l.remove(p)
	return p.of, true
}
