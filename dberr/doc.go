// Package dberr holds the error values that every layer of rockbridge shares: the code that the C
// glue reads out of RocksDB's status text, one sentinel for each code, and the typed Error that
// carries an operation, a path, a column family and a key.
//
// Package engine re-exports all of it; programs use engine.ErrNotFound, engine.Error and so on. The
// package is a leaf in pure Go so that iterator and cbridge can answer the same errors as engine.
package dberr
