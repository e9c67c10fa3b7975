// Package cbridge is the door from Go to RocksDB: thin typed handles over the C11 glue in this
// folder, and the only package of rockbridge that links the library.
//
// It is not for use by programs and outside the compatibility promise: package engine wraps it with
// what makes it safe. Its own rules are these.
//
//   - Go calls rb_ functions of rb.h, never a rocksdb_ function: the signatures of the former are
//     fixed, those of the latter change between versions of RocksDB.
//   - No C type leaves the package.
//   - C keeps no Go pointer after a call. Results come back by value, or in a buffer that Go owns.
//   - Every call is marked noescape and nocallback, which together save the heap allocation of what
//     is passed by pointer: no function of the glue calls back into Go on the calling thread. Operators that
//     are written in Go are called on threads of C's: callbacks.c. The exceptions, for comparators that
//     are written in Go, are in calling.go.
//   - Nothing here decides: no limits, no retries, no growth of buffers, no locking. A handle must
//     not be used after its Free or Close, nor after its database's Close. Engine sees to that.
//
// Mirrored stems: open.go calls open.c, iter.go calls iter.c, move.c and fill.c, and so on.
package cbridge
