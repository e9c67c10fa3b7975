// Package iterator walks over the rows of a database, many rows per call into C.
//
// An Iterator is what an iterator of RocksDB or Pebble is: it stands on a row or in a gap between
// rows, and moves by First, Last, SeekGE, SeekLE, SeekLT, Next and Prev. It is served from a window,
// a buffer in Go memory that one call fills with the rows that come next: a few after a seek, more
// and more as the walk goes on. A Chunk is such a buffer that the caller owns.
//
// # Lifetimes
//
//	Key, Value                 a copy, valid for ever
//	AppendKey, AppendValue     a copy in the caller's slice
//	rows of All, From, ...     valid for ever; a kept row keeps the buffer of up to 96 KiB it lies in
//	rows of a Chunk            until that chunk is passed to NextChunk or PrevChunk again
//	an Iterator                until its Close or its database's; it keeps files alive, so close it
//	a Chunk                    as long as it is referenced; it outlives everything else
//
// # Positions
//
// A fresh iterator stands in the gap: Next goes to the first row, Prev to the last. Past an end, the
// opposite step returns to the outermost row. NextChunk hands over the current row, if there is one,
// and those after it, and leaves the iterator in the gap after them: Next then gives the first row
// not seen, Prev the last one seen. So all kinds of steps mix without loss or repeat.
//
// # Errors
//
// A move that meets an error answers false, Valid is false, and Error tells; rows before the error
// are delivered first. It stays so until the next absolute move (First, Last or a seek).
//
// # Concurrency
//
// One goroutine at a time may use an Iterator or a Chunk. Different iterators are independent.
//
// # Debug build
//
// Built with -tags rbdebug, every call panics if another goroutine is inside the same iterator, with
// both stacks and that of its making; to use a chunk while it is filled panics too. What was fetched
// is checked row by row, for its layout, its order and its bounds, and a fill whose rows are wrong
// panics with their lengths. Rows that have expired are poisoned, so that a kept slice of a Chunk reads as
// 0xDB, and a copy of a Chunk panics whose rows were overwritten. To hand an iterator to another
// goroutine stays free.
//
// Iterators are made by package engine; New takes handles of package cbridge and is outside the
// compatibility promise.
package iterator
