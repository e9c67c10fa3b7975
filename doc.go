// Package rockbridge is the root of the module and holds no code: programs import
// github.com/rockbridge-db/rockbridge/engine, which opens databases, reads, writes and scans them;
// package iterator describes the iterators and chunks that engine hands out, and package dberr the
// errors that engine re-exports. Package cbridge is internal in all but its path: it binds RocksDB
// and promises nothing to importers.
//
// The tests of this package hold the module to its own rules: who may import "C", which layer may
// import which, what every exported name and every C function owes its reader.
package rockbridge
