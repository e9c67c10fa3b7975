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
//	IndexedBatch                        until Close; Commit does not end it
//	iterator.Iterator                   until Close; it keeps files alive, and outlives its Snapshot
//	                                    and its IndexedBatch
//	Secondary                           until Close; the DB that View lends, during the function only
//	MemoryBudget                        until Close and the Close of the last database that uses it
//	iterator.Chunk, Batch               need no open database
//
// # Concurrency
//
// DB, ColumnFamily, Snapshot, Secondary and MemoryBudget may be used by any number of goroutines at once,
// Close included. Batches, iterators and chunks belong to one goroutine at a time.
//
// # Errors
//
// A miss is ErrNotFound itself and a closed or nil handle answers ErrClosed itself; every other error
// is an *Error with operation, path, family, key and code. errors.Is knows the sentinels and the
// standard library's errors of the same meaning. No call panics, but for an index out of range of a
// Chunk. Lack of memory in C is fatal, as it is in Go.
//
// Read next: package iterator for scans, then ARCHITECTURE.md for how a call travels.
package engine
