package ondisk

import "io"

// For the tests that have RocksDB write what is read here; they are of another package, since engine rests on this one.

var (
	Must               = must
	ReadAll            = readAll
	ReadPropertiesFrom = readProperties
	ScanLog            = scanLog
)

// TakeAlone takes in a record of a manifest that has no other.
func TakeAlone(record []byte) {
	if e, err := parseEdit(record); err == nil {
		// Whatever it says, it must not end the process.
		_ = (&states{families: map[uint32]*Family{0: newFamily(0, "default")}}).apply(e)
	}
}

// IndexAt is where the byte lies that tells how a table's index is compressed.
func IndexAt(r io.ReaderAt, size int64) (uint64, error) {
	index, err := indexOfBlocks(r, size)
	return uint64(index.at) + uint64(index.size), err
}
