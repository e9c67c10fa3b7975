package engine

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// keyLocks are the locks of keys of a database with transactions. Whoever changes a key has its lock,
// plain writes too: with pessimistic transactions from their first call on it to their end, with
// optimistic ones while it is written. RocksDB's own locks are waited for in C, where nobody can be called
// back and every waiter holds a thread: enough of them, and those who could release the locks would find
// no slot to commit in. Here waiting costs no thread and no slot, ends with the context, goes by the order
// of coming, and who waits for whom is known exactly.
//
// A lock goes by 64 bits that are made of family and key, by a seed of its own for each database. Two
// keys that share them share a lock: somebody may wait in vain, and nothing else.
type keyLocks struct {
	seed maphash.Seed
	most int // locks at once; 0: any number

	mu     sync.Mutex
	locks  map[uint64]*keyLock
	closed bool
}

// keyLock is the lock of one key, as long as somebody has it.
type keyLock struct {
	key      uint64
	owner    *lockOwner              // who has it alone; nil: nobody
	sharers  map[*lockOwner]struct{} // who share it
	upgrades line[*lockWaiter]       // sharers that want it alone: they go first
	queue    line[*lockWaiter]
}

// lockOwner is a transaction, or a write, as far as locks go. The zero value has none.
type lockOwner struct {
	held    []*keyLock
	waiting *keyLock // nil: it does not wait
}

// lockWaiter is somebody who waits for a lock.
type lockWaiter struct {
	owner     *lockOwner
	exclusive bool
	turn      chan bool // holds one: true with the lock, false when there are no more locks to be had
	place     place[*lockWaiter]
}

// lockHow says how long somebody is willing to wait.
type lockHow struct {
	timeout time.Duration // negative: none
	blind   bool          // rings are not looked for
	depth   int           // of the chains that are followed; 0: any
}

func newKeyLocks(most int) *keyLocks {
	return &keyLocks{seed: maphash.MakeSeed(), most: most, locks: map[uint64]*keyLock{}}
}

// of gives the lock's number of a key.
func (t *keyLocks) of(family uint32, key []byte) uint64 {
	return maphash.Bytes(t.seed, key) ^ uint64(family)*0x9E3779B97F4A7C15
}

// acquire gives o the lock of a key, alone or shared. ErrTimedOut, ErrDeadlock, ErrBusy for too many
// locks, and the context's error leave o with what it had.
func (t *keyLocks) acquire(ctx context.Context, o *lockOwner, key uint64, exclusive bool, how lockHow) error {
	t.mu.Lock()
	w, err := t.ask(o, key, exclusive, how)
	t.mu.Unlock()
	if w == nil || err != nil {
		return err
	}
	return t.wait(ctx, w, how.timeout)
}

// ask takes the lock, or joins those who wait for it. mu is held.
func (t *keyLocks) ask(o *lockOwner, key uint64, exclusive bool, how lockHow) (*lockWaiter, error) {
	if t.closed {
		return nil, ErrClosed
	}
	l := t.locks[key]
	if l == nil {
		if t.most > 0 && len(t.locks) >= t.most {
			return nil, dberr.New("", dberr.Busy, "Options.TxDB.MaxLocks keys are locked")
		}
		l = &keyLock{key: key}
		t.locks[key] = l
	}
	_, shares := l.sharers[o]
	switch {
	case l.owner == o || shares && !exclusive:
		return nil, nil
	case l.free(o, exclusive) && (shares || l.queue.len+l.upgrades.len == 0):
		l.give(o, exclusive)
		return nil, nil
	case how.timeout == 0:
		return nil, errLockTimeout()
	case !how.blind && l.rings(o, how.depth, len(t.locks)):
		return nil, dberr.New("", dberr.Deadlock, "those who wait for the lock wait for each other")
	}
	w := &lockWaiter{owner: o, exclusive: exclusive, turn: make(chan bool, 1)}
	w.place.of = w
	if shares {
		l.upgrades.push(&w.place)
	} else {
		l.queue.push(&w.place)
	}
	o.waiting = l
	return w, nil
}

func errLockTimeout() error {
	return dberr.New("", dberr.TimedOut, "the lock of the key is held by others")
}

// wait waits for w's turn.
func (t *keyLocks) wait(ctx context.Context, w *lockWaiter, timeout time.Duration) error {
	var late <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		late = timer.C
	}
	var ended <-chan struct{}
	if ctx != nil {
		ended = ctx.Done()
	}
	err := error(nil)
	select {
	case got := <-w.turn:
		if !got {
			return ErrClosed
		}
		return nil
	case <-late:
		err = errLockTimeout()
	case <-ended:
		err = dberr.FromContext("", ctx.Err())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.place.gone { // its turn came at the same moment: the lock is there, for whatever follows
		if <-w.turn {
			return nil
		}
		return ErrClosed
	}
	l := w.owner.waiting
	w.owner.waiting = nil
	if _, shares := l.sharers[w.owner]; shares {
		l.upgrades.remove(&w.place)
	} else {
		l.queue.remove(&w.place)
	}
	t.pass(l)
	return err
}

// free tells whether o may have the lock as things are, if nobody came before.
func (l *keyLock) free(o *lockOwner, exclusive bool) bool {
	_, shares := l.sharers[o]
	switch {
	case l.owner != nil:
		return false
	case exclusive:
		return len(l.sharers) == 0 || shares && len(l.sharers) == 1
	}
	return true
}

// give gives o the lock.
func (l *keyLock) give(o *lockOwner, exclusive bool) {
	_, shares := l.sharers[o]
	if !shares {
		o.held = append(o.held, l)
	}
	switch {
	case exclusive:
		delete(l.sharers, o)
		l.owner = o
	case l.sharers == nil:
		l.sharers = map[*lockOwner]struct{}{o: {}}
	default:
		l.sharers[o] = struct{}{}
	}
}

// pass gives the lock to those whose turn it is, and forgets it if nobody wants it. mu is held.
func (t *keyLocks) pass(l *keyLock) {
	for _, from := range []*line[*lockWaiter]{&l.upgrades, &l.queue} {
		for from.first != nil && l.free(from.first.of.owner, from.first.of.exclusive) {
			w, _ := from.pop()
			w.owner.waiting = nil
			l.give(w.owner, w.exclusive)
			w.turn <- true // it has room
		}
		if from.first != nil {
			return
		}
	}
	if l.owner == nil && len(l.sharers) == 0 {
		delete(t.locks, l.key)
	}
}

// release gives back all that o has.
func (t *keyLocks) release(o *lockOwner) {
	if t == nil || o == nil || len(o.held) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range o.held {
		if l.owner == o {
			l.owner = nil
		}
		delete(l.sharers, o)
		t.pass(l)
	}
	o.held = nil
}

// rings tells whether o, by waiting for l, would close a ring. Who stands in line before o waits for
// the same holders, so only these matter. A chain of more than depth locks counts as a ring too. There
// are no more than all locks; those who do not look may have made a ring without o.
func (l *keyLock) rings(o *lockOwner, depth, all int) bool {
	for n := 1; n <= all; n++ { // most chains have no branches
		if l.owner == nil {
			var seen map[*keyLock]bool
			return n > 1 && l.has(o) || l.ringsFrom(o, depth, n, &seen)
		}
		next := l.owner.waiting
		switch {
		case l.owner == o:
			return true
		case next == nil:
			return false
		case depth > 0 && n > depth:
			return true
		}
		l = next
	}
	return false
}

// ringsFrom is rings where a lock may be shared, n locks down the chain. The first may be shared by o.
func (l *keyLock) ringsFrom(o *lockOwner, depth, n int, seen *map[*keyLock]bool) bool {
	if (*seen)[l] {
		return false
	}
	if *seen == nil {
		*seen = map[*keyLock]bool{}
	}
	(*seen)[l] = true
	if depth > 0 && n > depth {
		return true
	}
	for holder := range l.holders() {
		if holder == o {
			continue
		}
		if next := holder.waiting; next != nil && (next.has(o) || next.ringsFrom(o, depth, n+1, seen)) {
			return true
		}
	}
	return false
}

// has tells whether o holds the lock.
func (l *keyLock) has(o *lockOwner) bool {
	_, shares := l.sharers[o]
	return shares || l.owner == o
}

// holders ranges over who has the lock.
func (l *keyLock) holders() func(yield func(*lockOwner) bool) {
	return func(yield func(*lockOwner) bool) {
		if l.owner != nil && !yield(l.owner) {
			return
		}
		for o := range l.sharers {
			if !yield(o) {
				return
			}
		}
	}
}

// close sends away everybody who waits, and whoever would have to come later.
func (t *keyLocks) close() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, l := range t.locks {
		for _, from := range []*line[*lockWaiter]{&l.upgrades, &l.queue} {
			for w, ok := from.pop(); ok; w, ok = from.pop() {
				w.owner.waiting = nil
				w.turn <- false
			}
		}
	}
}
