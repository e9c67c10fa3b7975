package engine

import (
	"bytes"
	"iter"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// Count is the number of records that touch keys; 0 after Close.
func (b *IndexedBatch) Count() int {
	if b.lock() != nil {
		return 0
	}
	defer b.s.mu.Unlock()
	return b.s.batch.Count()
}

// Size is the length of Repr in bytes; that of an empty batch after Close.
func (b *IndexedBatch) Size() int {
	if b.lock() != nil {
		return batchrepr.HeaderLen
	}
	defer b.s.mu.Unlock()
	return b.s.batch.Size()
}

// Repr is a copy of the batch in RocksDB's format; of an empty one after Close.
func (b *IndexedBatch) Repr() []byte {
	if b.lock() != nil {
		return batchrepr.AppendHeader(nil)
	}
	defer b.s.mu.Unlock()
	return bytes.Clone(b.s.batch.Repr())
}

// Records ranges over the records in order, as they are when the loop begins: the loop may change the
// batch, and records may be kept. There are none after Close.
func (b *IndexedBatch) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) { batchrepr.Records(b.Repr())(yield) }
}
