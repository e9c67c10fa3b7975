// Package batchrepr encodes, checks and reads the bytes of a RocksDB WriteBatch.
//
// A batch built here needs no RocksDB and no cgo call: it is a byte slice that grows by
// one record per operation, and the finished bytes are what RocksDB itself would have
// built from the same operations, tag for tag. They are handed over whole, once.
//
//	rep := batchrepr.AppendHeader(nil)
//	rep = batchrepr.AppendPut(rep, 0, key, value)
//	rep = batchrepr.AppendDelete(rep, 7, other)
//	batchrepr.SetCount(rep, 2)
//
// # The bytes
//
//	 0        8     12
//	┌────────┬─────┬────────┬────────┬── ···
//	│sequence│count│ record │ record │
//	└────────┴─────┴────────┴────────┴── ···
//
// The sequence is 8 bytes and the count 4, both little-endian. RocksDB sets the sequence
// when it writes the batch; until then it is 0. The count is the number of records that
// touch keys, so LogData is left out of it. A record is
//
//	┌───┬──────┬──────┬─────┬──────┬───────┐
//	│tag│family│length│ key │length│ value │
//	└───┴──────┴──────┴─────┴──────┴───────┘
//
// where the family and both lengths are varint32: seven bits a byte, low bits first, the
// top bit set on every byte but the last. Each kind has two tags, and the one for the
// default family (id 0) has no family field:
//
//	kind          tag, family 0   tag, any family   fields
//	Delete        0x00            0x04              key
//	Put           0x01            0x05              key, value
//	Merge         0x02            0x06              key, operand
//	SingleDelete  0x07            0x08              key
//	DeleteRange   0x0F            0x0E              start key, end key
//	PutEntity     0x16            0x17              key, columns
//	LogData       0x03                              blob
//
// Put "key" = "v" into the default family and delete "key" in family 300:
//
//	00 00 00 00 00 00 00 00 | 02 00 00 00 | 01 03 6b 65 79 01 76 | 04 ac 02 03 6b 65 79
//
// RocksDB has further tags, for two-phase commit, blob references and timestamps. They are internal to
// it or mean nothing outside the database that made them, and [Check] refuses them by name.
//
// # Bytes from elsewhere
//
// RocksDB logs a batch before it looks inside, and a database whose log holds a malformed
// one does not open again. So bytes that were not built here go through [Check] first.
// Check takes exactly what RocksDB's own reader takes of the records above, with one
// exception: a record too large for RocksDB's memtable ([MaxRecordLen]), which RocksDB
// would take and then write beyond its own memory.
//
// What Check cannot see, because it depends on the database, is in its [Summary]: that
// the families exist, that those merged into have a merge operator, that the start of a
// deleted range does not lie behind its end. RocksDB finds these only after it has logged
// the batch, too: it applies the records before the one at fault, fails, and takes no more
// writes until the database is opened again, which brings back that part of the batch.
//
// # Memory and concurrency
//
// The Append functions copy what they are given and keep nothing. Records handed out by
// [Records] alias the batch. Nothing here locks or keeps state: different batches may be
// used at once, one batch by one goroutine at a time, or by many that only read it.
package batchrepr
