package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// Queue is a first-in-first-out queue on disk. What Push and Pop have returned
// from survives a loss of power. It is safe for use by several goroutines; one
// process at a time can open it.
//
// An item's key is its number, 8 bytes, big-endian, so that the order of the
// keys is the order of arrival.
type Queue struct {
	db *engine.DB

	mu         sync.Mutex
	head, tail uint64 // numbers of the first item, and of the next to come
}

const numberLen = 8

// Open opens the queue in dir, which is made if it does not exist.
func Open(dir string) (*Queue, error) {
	db, err := engine.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	q := &Queue{db: db}
	if err := q.begin(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return q, nil
}

// begin finds both ends.
func (q *Queue) begin() (err error) {
	it, err := q.db.NewIter(&engine.IterOptions{KeysOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if !it.First() {
		return nil // Close tells an error from an empty queue
	}
	first := it.Key()
	it.Last()
	last := it.Key()
	if len(first) != numberLen || len(last) != numberLen {
		return fmt.Errorf("%s holds no queue", q.db.Path())
	}
	q.head, q.tail = binary.BigEndian.Uint64(first), binary.BigEndian.Uint64(last)+1
	return nil
}

// Close closes the queue; its items stay on disk.
func (q *Queue) Close() error { return q.db.Close() }

// Len is the number of items.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int(q.tail - q.head)
}

// Push appends items: all of them or, on error, none.
func (q *Queue) Push(items ...[]byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.db.NewBatch()
	number := q.tail
	for _, item := range items {
		if err := b.Put(keyOf(number), item); err != nil {
			return err
		}
		number++
	}
	if err := q.db.Write(b, engine.Sync); err != nil {
		return err
	}
	q.tail = number
	return nil
}

// Pop removes up to n items and gives them, the oldest first; none if the queue
// is empty. They are gone when it returns: a consumer that dies loses them.
func (q *Queue) Pop(n int) ([][]byte, error) {
	var popped [][]byte
	err := q.Process(n, func(items [][]byte) error {
		popped = items
		return nil
	})
	if err != nil {
		return nil, err
	}
	return popped, nil
}

// Process hands up to n items to f and removes them, in one batch, once f has
// returned nil. After an error or a crash they are handed out again: each item
// is processed at least once. f must not call the queue.
func (q *Queue) Process(n int, f func(items [][]byte) error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	items, err := q.first(n)
	if err != nil || len(items) == 0 {
		return err
	}
	if err := f(items); err != nil {
		return err
	}
	b := q.db.NewBatch()
	head := q.head + uint64(len(items))
	for number := q.head; number < head; number++ {
		if err := b.Delete(keyOf(number)); err != nil {
			return err
		}
	}
	if err := q.db.Write(b, engine.Sync); err != nil {
		return err
	}
	q.head = head
	return nil
}

// first reads up to n items from the head. It begins at the head's number: a
// scan from the beginning would step over every item popped since the last
// compaction.
func (q *Queue) first(n int) (items [][]byte, err error) {
	if n <= 0 || q.head == q.tail {
		return nil, nil
	}
	it, err := q.db.NewIter(&engine.IterOptions{LowerBound: keyOf(q.head), Limit: n})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for {
		chunk := new(iterator.Chunk) // a fresh one each time: the items point into it
		if !it.NextChunk(chunk) {
			return items, nil
		}
		for i := range chunk.Len() {
			items = append(items, chunk.Value(i))
		}
	}
}

func keyOf(number uint64) []byte {
	return binary.BigEndian.AppendUint64(nil, number)
}
