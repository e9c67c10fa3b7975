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
)

var childNames = [...]string{"iterator", "snapshot", "batch"}

// child is the registration of a handle, embedded in it.
type child struct {
	made       rbdebug.State[rbdebug.Stack]
	prev, next *child
	kind       childKind
	owner      interface{ freeC() }
	done       atomic.Bool // its user has closed it
}

// children is the list of a database's open handles: Close frees what was left open.
type children struct {
	mu   sync.Mutex
	head *child
}

// add registers a handle whose C part owner frees.
func (l *children) add(c *child, kind childKind, owner interface{ freeC() }) {
	c.kind, c.owner = kind, owner
	if rbdebug.On {
		*c.made.Of() = rbdebug.Here(1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
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
}

// freeAll frees every handle on the list and counts those that their users had not closed. No call
// may be in flight.
func (l *children) freeAll() LeakError {
	l.mu.Lock()
	defer l.mu.Unlock()
	var leaks LeakError
	for c := l.head; c != nil; c = c.next {
		c.owner.freeC()
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
		}
		if rbdebug.On {
			leaks.Stacks = append(leaks.Stacks, childNames[c.kind]+" made by\n"+c.made.Of().String())
		}
	}
	l.head = nil
	return leaks
}
