package engine

import (
	"sync"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// childKind is the kind of a handle that lives within a database.
type childKind uint8

const (
	childIterator childKind = iota
	childSnapshot
	childBatch
	childTx
	childKinds
)

// childNames are the kinds as metrics and reports name them.
var childNames = [childKinds]string{"iterator", "snapshot", "batch", "transaction"}

// child is the registration of a handle, embedded in it.
type child struct {
	made       rbdebug.State[rbdebug.Stack]
	prev, next *child
	kind       childKind
	owner      interface{ freeC() }
	done       atomic.Bool // its user has closed it
	watched
}

// closed notes that its user has closed a handle.
func (c *child) closed() {
	c.done.Store(true)
	c.cleanup.Stop()
}

// children is the list of a database's open handles: Close frees what was left open.
type children struct {
	mu   sync.Mutex
	head *child

	made    [childKinds]uint64
	stacks  rbdebug.State[[]string] // where those were made that were collected without Close
	lost    [childKinds]uint64      // collected without Close
	retired iterTotals              // of iterators that are not on the list any more
	open    *atomic.Int64           // how many are on the list; survives the database
}

// add registers a handle whose C part owner frees.
func (l *children) add(c *child, kind childKind, owner interface{ freeC() }) {
	c.kind, c.owner = kind, owner
	if rbdebug.On {
		*c.made.Of() = rbdebug.Here(1)
	}
	c.born(childNames[kind])
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made[kind]++
	l.open.Add(1)
	c.next = l.head
	if l.head != nil {
		l.head.prev = c
	}
	l.head = c
}

// remove takes a handle off the list.
func (l *children) remove(c *child) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case c.prev != nil:
		c.prev.next = c.next
	case l.head == c:
		l.head = c.next
	default:
		return
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
	l.gone(c)
}

// gone notes the end of a handle that was on the list.
func (l *children) gone(c *child) {
	l.open.Add(-1)
	if o, ok := c.owner.(*iterOwner); ok {
		l.retired.add(&o.stats)
	}
	c.buried()
}

// freeAll frees every handle on the list and counts those that their users had not closed. No call
// may be in flight.
func (l *children) freeAll() LeakError {
	l.mu.Lock()
	defer l.mu.Unlock()
	leaks := LeakError{
		Iterators: int(l.lost[childIterator]), Snapshots: int(l.lost[childSnapshot]), Batches: int(l.lost[childBatch]),
		Txs: int(l.lost[childTx]),
	}
	if rbdebug.On {
		leaks.Stacks = *l.stacks.Of()
	}
	for c := l.head; c != nil; c = c.next {
		c.owner.freeC()
		l.gone(c)
		if c.done.Load() {
			continue
		}
		switch c.kind {
		case childIterator:
			leaks.Iterators++
		case childSnapshot:
			leaks.Snapshots++
		case childBatch:
			leaks.Batches++
		case childTx:
			leaks.Txs++
		}
		if rbdebug.On {
			leaks.Stacks = append(leaks.Stacks, c.whence())
		}
	}
	l.head = nil
	return leaks
}
