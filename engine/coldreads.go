package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// coldReads makes lookups that have to go to the disk together, once there are more of them than slots in
// the lane: a thread that blocks in C and comes back costs more than the lookup itself.
type coldReads struct {
	lane *lane

	mu    sync.Mutex
	leads int64 // goroutines that serve the line, at most one for each slot
	line  line[*coldRead]
}

// coldRead is a lookup that waits, with a copy of its key, and then the copy of its value.
type coldRead struct {
	cf    *ColumnFamily
	key   []byte
	value []byte
	err   error // ErrNotFound, ErrClosed
	alone bool  // it failed, perhaps over another key: it has to be made alone
	turn  chan struct{}
	place place[*coldRead] // gone: turn has, or gets, a value
}

const (
	coldReadsMost = 64 // lookups made together: more make the first ones wait for the last
	coldReadKept  = scratchSize
)

var coldReadPool = sync.Pool{New: func() any {
	r := &coldRead{turn: make(chan struct{}, 1)}
	r.place.of = r
	return r
}}

// get looks key up in the newest state of c together with others. The answer is to be given back by
// forget. The error is that of ctx, which may be nil.
func (q *coldReads) get(ctx context.Context, c *ColumnFamily, key []byte) (*coldRead, error) {
	r := coldReadPool.Get().(*coldRead)
	r.cf, r.key, r.value, r.err, r.alone = c, append(r.key[:0], key...), r.value[:0], nil, false
	q.mu.Lock()
	q.line.push(&r.place)
	if q.leads < q.lane.width {
		q.leads++
		go q.lead()
	}
	q.mu.Unlock()
	if ctx == nil || ctx.Done() == nil {
		<-r.turn
		return r, nil
	}
	select {
	case <-r.turn:
		return r, nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	taken := r.place.gone
	if !taken {
		q.line.remove(&r.place)
	}
	q.mu.Unlock()
	if taken { // soon over
		<-r.turn
		return r, nil
	}
	forget(r)
	return nil, dberr.FromContext("", ctx.Err())
}

// forget gives an answer back.
func forget(r *coldRead) {
	if cap(r.key)+cap(r.value) <= coldReadKept {
		r.cf = nil
		coldReadPool.Put(r)
	}
}

// copyTo gives the value as cbridge's Get does: in buf if it fits.
func (r *coldRead) copyTo(buf []byte) (n int, pinned cbridge.Pinned) {
	if len(r.value) > len(buf) {
		return 0, cbridge.Pinned{Data: slices.Clone(r.value)}
	}
	return copy(buf, r.value), cbridge.Pinned{}
}

// lead serves the line until it is empty.
func (q *coldReads) lead() {
	var m cbridge.MultiGet
	var group []*coldRead
	for {
		closed := q.lane.acquire(nil)
		group = q.take(group[:0])
		if len(group) == 0 {
			if closed == nil {
				q.lane.release()
			}
			return
		}
		if closed == nil {
			q.look(&m, group)
			q.lane.release()
		}
		for _, r := range group {
			if closed != nil {
				r.err = closed
			}
			r.turn <- struct{}{}
		}
	}
}

// take takes a fair share of the line; if there is none, the caller leads no more.
func (q *coldReads) take(group []*coldRead) []*coldRead {
	q.mu.Lock()
	defer q.mu.Unlock()
	width := int(q.lane.width)
	for n := min((q.line.len+width-1)/width, coldReadsMost); n > 0; n-- {
		r, _ := q.line.pop()
		group = append(group, r)
	}
	if len(group) == 0 {
		q.leads--
	}
	return group
}

// look makes the lookups of a group in one call into C.
func (q *coldReads) look(m *cbridge.MultiGet, group []*coldRead) {
	defer m.Reset()
	var families []*ColumnFamily
	room := 0
	for _, r := range group {
		n := slices.Index(families, r.cf)
		if n < 0 {
			n = m.Family(r.cf.c)
			families = append(families, r.cf)
		}
		m.Add(n, r.key)
		room += r.cf.valueSize.room(1)
	}
	buf := make([]byte, min(room, multiGetRoom))
	_, need, err := m.Get(cbridge.Read{}, buf)
	if err != nil {
		for _, r := range group {
			r.alone = true
		}
		return
	}
	rest := make([]byte, need)
	if need > 0 {
		m.Rest(rest)
	}
	for i, r := range group {
		data, err := m.Value(i, buf, rest)
		switch {
		case err == nil:
			r.value = append(r.value, data...)
			r.cf.valueSize.learn(1, uint64(len(data)))
		case err == ErrNotFound:
			r.err = err
		default:
			r.alone = true
		}
	}
}
