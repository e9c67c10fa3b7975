package engine

import "hash/crc32"

// castagnoli is the polynomial of every checksum here, as it is of RocksDB's: processors have instructions for it.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)
