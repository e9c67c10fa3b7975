package engine

import (
	"fmt"
	"math"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// TableProperty is something that RocksDB knows of a table file, for IterOptions.Tables. Times are seconds since 1970, and 0 where
// it does not know them. Its String is RocksDB's own name.
type TableProperty uint64

// The properties. A count of entries has deletions, merge operands and deletions of ranges in it.
const (
	TableNumber           = TableProperty(cbridge.TableNumber)           // of the file, when it was made
	TableDataSize         = TableProperty(cbridge.TableDataSize)         // bytes of rows, as compressed as they are
	TableKeySize          = TableProperty(cbridge.TableKeySize)          // bytes of keys, and 8 for each
	TableValueSize        = TableProperty(cbridge.TableValueSize)        // bytes of values
	TableEntries          = TableProperty(cbridge.TableEntries)          //
	TableDeletions        = TableProperty(cbridge.TableDeletions)        // of keys and of ranges
	TableMergeOperands    = TableProperty(cbridge.TableMergeOperands)    //
	TableRangeDeletions   = TableProperty(cbridge.TableRangeDeletions)   //
	TableCreationTime     = TableProperty(cbridge.TableCreationTime)     // when the oldest of the tables was made from which its rows came
	TableOldestKeyTime    = TableProperty(cbridge.TableOldestKeyTime)    // when the oldest row of a flushed table was written
	TableFileCreationTime = TableProperty(cbridge.TableFileCreationTime) // when the file was made

	// TableNewestKeyTime is when the newest row of a flushed table was written; from RocksDB 11.6.
	TableNewestKeyTime = TableProperty(cbridge.TableNewestKeyTime)

	// TableLargestSequence is the sequence number of the newest row; from RocksDB 11.6. In the last level RocksDB sets that of
	// rows to 0 which no snapshot tells from older ones, however new they are.
	TableLargestSequence = TableProperty(cbridge.TableLargestSequence)
)

var tablePropertyNames = [...]string{
	TableNumber: "orig_file_number", TableDataSize: "data_size", TableKeySize: "raw_key_size", TableValueSize: "raw_value_size",
	TableEntries: "num_entries", TableDeletions: "num_deletions", TableMergeOperands: "num_merge_operands",
	TableRangeDeletions: "num_range_deletions", TableCreationTime: "creation_time", TableOldestKeyTime: "oldest_key_time",
	TableFileCreationTime: "file_creation_time", TableNewestKeyTime: "newest_key_time", TableLargestSequence: "key_largest_seqno",
}

// String is RocksDB's name of the property.
func (p TableProperty) String() string {
	if p < TableProperty(len(tablePropertyNames)) {
		return tablePropertyNames[p]
	}
	return fmt.Sprintf("TableProperty(%d)", uint64(p))
}

// TableCondition keeps table files whose property is Min to Max.
type TableCondition struct {
	Property TableProperty
	Min, Max uint64
}

// TablesFrom keeps table files whose property is n or more.
func TablesFrom(p TableProperty, n uint64) TableCondition {
	return TableCondition{p, n, math.MaxUint64}
}

// TablesUpTo keeps table files whose property is n or less.
func TablesUpTo(p TableProperty, n uint64) TableCondition { return TableCondition{p, 0, n} }

// validateTables looks whether the conditions are some, whether RocksDB can look at them, and the family's rows be left out.
func (c *ColumnFamily) validateTables(conditions []TableCondition) error {
	const op = "new iterator"
	for _, t := range conditions {
		switch {
		case t.Property >= TableProperty(len(tablePropertyNames)):
			return invalid(op, fmt.Sprintf("Tables: there is no %v", t.Property))
		case t.Min > t.Max:
			return invalid(op, fmt.Sprintf("Tables: the least %v is above the most", t.Property))
		case !Supports(TableFilter):
			return unsupported(op, TableFilter)
		case t.Property >= TableNewestKeyTime && !Supports(TableNewest):
			return unsupported(op, TableNewest)
		}
	}
	if len(conditions) > 0 && c.merges {
		return dberr.New(op, dberr.Unsupported, "Tables: the family has a merge operator, and values would lack operands")
	}
	return nil
}

func tableRanges(conditions []TableCondition) []cbridge.TableRange {
	if len(conditions) == 0 {
		return nil
	}
	ranges := make([]cbridge.TableRange, len(conditions))
	for i, t := range conditions {
		ranges[i] = cbridge.TableRange{Property: cbridge.TableProperty(t.Property), Min: t.Min, Max: t.Max}
	}
	return ranges
}
