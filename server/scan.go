package server

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rockbridge-db/rockbridge/engine"
)

// each walks over the selected database's living keys from one on, in order, with what earlier commands of a transaction
// have done, until f says no. Keys are without their database, and good until f returns.
func (x *exec) each(from, prefix []byte, f func(key []byte, k kind) bool) error {
	mine := x.changed(from, prefix)
	if !x.emptied(x.db) {
		it, err := x.s.keys.NewIter(&engine.IterOptions{
			LowerBound: appendKey(nil, x.db, from), Prefix: appendKey(nil, x.db, prefix), ValuesUpTo: timedHeader,
		})
		if err != nil {
			return err
		}
		defer it.Close()
		var key, row []byte
		for on := it.First(); on; on = it.Next() {
			key, row = it.AppendKey(key[:0]), it.AppendValue(row[:0])
			for len(mine) > 0 && bytes.Compare(mine[0].key, key) < 0 {
				if mine[0].there && !f(mine[0].key[1:], mine[0].now.kind) {
					return nil
				}
				mine = mine[1:]
			}
			if len(mine) > 0 && bytes.Equal(mine[0].key, key) {
				continue
			}
			v, ok := decodeValue(row)
			switch {
			case !ok:
			case v.expiry <= x.now:
				x.s.expired.offer(key)
			case !f(key[1:], v.kind):
				return nil
			}
		}
		if err := it.Error(); err != nil {
			return err
		}
	}
	for _, s := range mine {
		if s.there && !f(s.key[1:], s.now.kind) {
			return nil
		}
	}
	return nil
}

// changed are the slots of the selected database that differ from what is written, in order.
func (x *exec) changed(from, prefix []byte) []slot {
	var mine []slot
	for _, s := range x.slots {
		if s.dirty && int(s.key[0]) == x.db && bytes.HasPrefix(s.key[1:], prefix) && bytes.Compare(s.key[1:], from) >= 0 {
			mine = append(mine, s)
		}
	}
	slices.SortFunc(mine, func(a, b slot) int { return bytes.Compare(a.key, b.key) })
	return mine
}

func keysLike(x *exec, a [][]byte) error {
	var found [][]byte
	size := 0
	err := x.each(nil, globPrefix(a[1]), func(key []byte, _ kind) bool {
		if globMatches(a[1], key) {
			found = append(found, bytes.Clone(key))
			size += len(key)
		}
		return size <= x.s.conf.maxOutput()
	})
	if err != nil {
		return err
	}
	x.out.array(len(found))
	for _, key := range found {
		x.out.bulk(key)
	}
	return nil
}

// scanOptions are what follows the cursor.
type scanOptions struct {
	match []byte
	count int
	kind  string
}

func parseScan(a [][]byte) (o scanOptions, err error) {
	o.count = 10
	for i := 0; i < len(a); i += 2 {
		if i+1 == len(a) {
			return o, errSyntax
		}
		switch strings.ToUpper(string(a[i])) {
		case "MATCH":
			o.match = a[i+1]
		case "COUNT":
			n, ok := parseInt(a[i+1])
			if !ok {
				return o, errNotInteger
			}
			if n < 1 {
				return o, errSyntax
			}
			o.count = int(min(n, 1<<30))
		case "TYPE":
			o.kind = strings.ToLower(string(a[i+1]))
		default:
			return o, errSyntax
		}
	}
	return o, nil
}

// scan looks at as many keys as COUNT says, fewer if they are large, and gives those that match. Keys that are there all the while are given once.
func scan(x *exec, a [][]byte) error {
	cursor, err := strconv.ParseUint("0"+string(a[1]), 10, 64)
	if err != nil {
		return errBadCursor
	}
	o, err := parseScan(a[2:])
	if err != nil {
		return err
	}
	from, ok := x.s.cursors.find(cursor, x.db)
	if !ok {
		return errLostCursor
	}
	var found [][]byte
	var last []byte
	looked, size, more := 0, 0, false
	err = x.each(from, nil, func(key []byte, k kind) bool {
		if looked == o.count || size > flushAt { // as many as fit into an answer of a size
			more = true
			return false
		}
		looked++
		last = append(last[:0], key...)
		if (o.match == nil || globMatches(o.match, key)) && (o.kind == "" || o.kind == kindNames[k]) {
			found = append(found, bytes.Clone(key))
			size += len(key)
		}
		return true
	})
	if err != nil {
		return err
	}
	next := uint64(0)
	if more {
		next = x.s.cursors.add(append(last, 0), x.db)
	}
	x.out.array(2)
	x.out.text(strconv.FormatUint(next, 10))
	x.out.array(len(found))
	for _, key := range found {
		x.out.bulk(key)
	}
	return nil
}

// errLostCursor is the answer for a cursor that nobody was given, or that so many others came after that it is forgotten.
const errLostCursor failure = "ERR the cursor is not known: begin again with 0"

// cursors are where scans go on. A number can say a place among any keys only by being remembered.
type cursors struct {
	mu    sync.Mutex
	next  uint64
	at    map[uint64]place
	order []uint64 // oldest first, from head on
	head  int
	bytes int // of the keys
}

type place struct {
	db  int
	key []byte
}

// What is remembered at most.
const (
	maxCursors     = 64 << 10
	maxCursorBytes = 64 << 20
)

// find gives the first key of what is left; nil for cursor 0.
func (c *cursors) find(cursor uint64, db int) ([]byte, bool) {
	if cursor == 0 {
		return nil, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.at[cursor]
	return p.key, ok && p.db == db
}

// add remembers a place, and forgets the oldest if there are too many.
func (c *cursors) add(key []byte, db int) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == nil {
		c.at, c.next = map[uint64]place{}, rand.Uint64N(1<<40)
	}
	c.next++
	c.at[c.next] = place{db, bytes.Clone(key)}
	c.order = append(c.order, c.next)
	c.bytes += len(key)
	for len(c.at) > 1 && (len(c.at) > maxCursors || c.bytes > maxCursorBytes) {
		c.bytes -= len(c.at[c.order[c.head]].key)
		delete(c.at, c.order[c.head])
		c.head++
	}
	if c.head > maxCursors {
		c.order = append([]uint64(nil), c.order[c.head:]...)
		c.head = 0
	}
	return c.next
}

// randomKey looks where a random place between the first and the last key falls.
func randomKey(x *exec, _ [][]byte) error {
	key, err := x.someKey()
	if err != nil {
		return err
	}
	if key == nil {
		x.out.null()
	} else {
		x.out.bulk(key)
	}
	return nil
}

// tries is how often a place at random is tried, behind which all may have expired.
const tries = 8

func (x *exec) someKey() ([]byte, error) {
	first, err := x.firstKey(nil)
	if err != nil || first == nil {
		return nil, err
	}
	last, err := x.lastKey()
	if err != nil {
		return nil, err
	}
	for range tries {
		key, err := x.firstKey(between(first, last))
		if err != nil || key != nil {
			return key, err
		}
	}
	return first, nil
}

func (x *exec) firstKey(from []byte) (found []byte, err error) {
	err = x.each(from, nil, func(key []byte, _ kind) bool {
		found = bytes.Clone(key)
		if found == nil {
			found = []byte{}
		}
		return false
	})
	return found, err
}

// lastKey is the last that is written, living or not.
func (x *exec) lastKey() ([]byte, error) {
	last, err := engine.LastKey(nil, x.s.keys, &engine.IterOptions{Prefix: []byte{byte(x.db)}})
	if err != nil || len(last) == 0 {
		return nil, err
	}
	return last[1:], nil
}

// between is at random between two keys: behind what both begin with, the bytes are those of a random number between theirs.
func between(first, last []byte) []byte {
	same := 0
	for same < len(first) && same < len(last) && first[same] == last[same] {
		same++
	}
	a, b := leadingNumber(first[same:]), leadingNumber(last[same:])
	if b <= a {
		return first
	}
	n := a + rand.Uint64N(b-a)
	key := bytes.Clone(first[:same])
	for shift := 56; shift >= 0; shift -= 8 {
		key = append(key, byte(n>>shift))
	}
	return key
}

// leadingNumber is the first 8 bytes as one.
func leadingNumber(b []byte) (n uint64) {
	for i := range 8 {
		n <<= 8
		if i < len(b) {
			n |= uint64(b[i])
		}
	}
	return n
}
