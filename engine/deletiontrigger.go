package engine

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// DeletionTrigger says when a table holds so many deletions that it is compacted soon, for what is deleted to go from the disk
// and scans not to have to pass over it. The zero value has deletions trigger nothing.
//
// A flush or a compaction counts as it writes a table, and marks it; the mark stays over Close. Compactions that are due for other
// reasons go first, and the last level that has rows is left alone, as are tables of SSTWriter, loaders and Ingest, and
// those that Repair finds. Deletions of ranges are not counted, and before RocksDB 10.5 only Delete is: neither SingleDelete nor
// DeleteAt. Workers of OpenAndCompact mark tables by the options that they are given. RocksDB notes it
// in the OPTIONS file.
type DeletionTrigger struct {
	// Window and Deletions mark a table that has, among so many entries that follow each other, so many deletions or more.
	// RocksDB rounds Window up to a multiple of 128. Both 0: it is not looked at.
	Window, Deletions int

	// Ratio marks a table of whose entries, above 0 and up to 1, such a part are deletions; 0: it is not looked at.
	Ratio float64

	// MinFileSize leaves tables alone that are smaller, in bytes, or about. ErrUnsupported before RocksDB 10.6.
	MinFileSize int64
}

// windowParts is how many parts RocksDB has of a window.
const windowParts = 128

// refuse tells why the trigger is refused with a style of compaction, or is empty.
func (d *DeletionTrigger) refuse(style CompactionStyle) string {
	switch {
	case *d == DeletionTrigger{}:
		return ""
	case d.Window < 0 || d.Window > math.MaxInt32:
		return "CompactDeletions.Window is out of range"
	case (d.Window == 0) != (d.Deletions == 0):
		return "CompactDeletions.Window and CompactDeletions.Deletions need each other"
	case d.Deletions < 0 || d.Deletions > (d.Window+windowParts-1)/windowParts*windowParts:
		return "CompactDeletions.Deletions is not between 0 and CompactDeletions.Window"
	case !(d.Ratio >= 0 && d.Ratio <= 1):
		return "CompactDeletions.Ratio is not between 0 and 1"
	case d.MinFileSize < 0:
		return "CompactDeletions.MinFileSize is out of range"
	case d.Window == 0 && d.Ratio == 0:
		return "CompactDeletions.MinFileSize needs CompactDeletions.Window or CompactDeletions.Ratio"
	case style == FIFOCompaction:
		return "CompactDeletions and Compaction fifo exclude each other: tables go by age and size alone"
	}
	return ""
}

// offered refuses what the linked RocksDB has not.
func (d *DeletionTrigger) offered() error {
	if d.MinFileSize > 0 && !Supports(DeletionsMinSize) {
		return describeOption(unsupported("", DeletionsMinSize), "CompactDeletions.MinFileSize")
	}
	return nil
}

// named is the trigger by RocksDB's names, which every version knows, where its C API has it in three calls of different ages.
func (d *DeletionTrigger) named() []string {
	if *d == (DeletionTrigger{}) {
		return nil
	}
	how := []string{
		"id=CompactOnDeletionCollector", fmt.Sprint("window_size=", d.Window), fmt.Sprint("deletion_trigger=", d.Deletions),
		"deletion_ratio=" + strconv.FormatFloat(d.Ratio, 'f', -1, 64),
	}
	if d.MinFileSize > 0 {
		how = append(how, fmt.Sprint("min_file_size=", d.MinFileSize))
	}
	return []string{"table_properties_collectors={" + strings.Join(how, ";") + "}"}
}
