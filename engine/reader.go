package engine

import "github.com/rockbridge-db/rockbridge/iterator"

// Reader is what can be read from: *DB, *ColumnFamily, *Snapshot, *AsOf, *IndexedBatch and *Tx. It
// never grows.
type Reader interface {
	Get(key []byte, o *ReadOptions) ([]byte, error)
	Has(key []byte, o *ReadOptions) (bool, error)
	NewIter(o *IterOptions) (*iterator.Iterator, error)
}

// Writer is what can be written to: *Batch, *IndexedBatch and *Tx, which stage, and what
// ColumnFamily.Writer returns, which commits each call. It never grows.
type Writer interface {
	Put(key, value []byte) error
	Delete(key []byte) error
	Merge(key, operand []byte) error
}

var (
	_ Reader = (*DB)(nil)
	_ Reader = (*ColumnFamily)(nil)
	_ Reader = (*Snapshot)(nil)
	_ Writer = (*Batch)(nil)
)
