// Package enginetest helps to test programs that keep their data in package engine.
//
//	func TestStore(t *testing.T) {
//		db := enginetest.Open(t, nil) // in a temporary folder; a handle that is left open fails the test
//		...
//		db = enginetest.Crash(t, db, nil) // goes on with what kill -9 would have left
//		...
//		model.Check(t, db) // every row, forward and backward, lookups, seeks and counts
//	}
//
// [Open], [Reopen] and [Crash] give databases. A [Model] is what a family must hold, and [Run] does random operations on
// both, prints the seed that repeats them, and reduces a list that fails. [FlipBit], [CutOff] and [Remove] damage a
// database that is closed; [FailReads] and [FailWrites] fail calls of an open one. What none of them can show is in
// docs/testing.md.
//
// The package imports testing, and so is for tests only. Its functions call t's FailNow, so they belong into the
// goroutine of the test. It needs no more than RocksDB itself: no root, no C compiler, no child process.
package enginetest
