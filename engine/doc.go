// Package engine is the Go API of rockbridge: RocksDB, safe by construction, with the price of cgo
// paid once per batch.
//
//	db, err := engine.Open("data", nil)
//	...
//	defer db.Close()
//	err = db.Put([]byte("key"), []byte("value"), engine.Sync)
//	value, err := db.Get([]byte("key"), nil)
//
// # Options
//
// Every call takes its options last; nil means the zero struct, which means the defaults. The default
// does not sync, as RocksDB's: engine.Sync makes durability readable at the call.
//
// # Families
//
// A *ColumnFamily has the data calls of a DB. Batch, IndexedBatch and Snapshot take part in a
// family by In, which returns the same batch or snapshot aimed at it. NewIters makes iterators over one
// state of several families, MultiGetFamilies reads keys of several. Families belong to the DB and are
// never closed.
//
// # Lifetimes
//
//	keys, values, options passed in     not kept after the call
//	[]byte results                      Go memory that is the caller's, for ever
//	values of MultiGet                  the same, but one that is kept keeps the buffer of all
//	the value lent by GetPinned         during the function only: C memory
//	Batch.Repr, Records                 until the batch changes
//	DB                                  until Close, which frees what was left open below it
//	ColumnFamily                        as long as its DB; after DropColumnFamily it answers ErrFamilyDropped
//	Snapshot                            until Close; it keeps old versions of rows on disk
//	AsOf                                as long as its family, and its Snapshot; it is not closed
//	IndexedBatch                        until Close; Commit does not end it
//	iterator.Iterator                   until Close; it keeps files alive, and outlives its Snapshot
//	                                    and its IndexedBatch
//	Secondary                           until Close; the DB that View lends, during the function only
//	MemoryBudget                        until Close and the Close of the last database that uses it
//	MemoryFiles                         the same
//	iterator.Chunk, Batch               need no open database
//
// # Concurrency
//
// DB, ColumnFamily, Snapshot, Secondary, MemoryBudget and MemoryFiles may be used by any number of goroutines at once,
// Close included. Batches, iterators and chunks belong to one goroutine at a time.
//
// # Debug build
//
// A program built with -tags rbdebug is slower and catches what this package can only forbid. It
// panics when two goroutines are inside a Batch, an iterator or a fill of a Chunk at once, with both
// stacks, when rows of a Chunk are used that a fill of a copy has overwritten, when what C gave
// back is not what it must be, and when a batch that is about to be written is not well formed, as
// after a write to the memory of Repr. The value that GetPinned lends is then a copy: to keep or to
// write it is a fault, which ends the program at that place. Rows of a Chunk that were kept past the
// next fill read as 0xDB. LeakError.Stacks says where handles were made that Close found open. In
// other builds none of this costs anything.
//
// # Errors
//
// A miss is ErrNotFound itself and a closed or nil handle answers ErrClosed itself; every other error
// is an *Error with operation, path, family, key and code. errors.Is knows the sentinels and the
// standard library's errors of the same meaning. No call panics, but for an index out of range of a
// Chunk, and in the debug build. Lack of memory in C is fatal, as it is in Go.
//
// Read next: package iterator for scans, then ARCHITECTURE.md for how a call travels.
package engine
