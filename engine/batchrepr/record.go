package batchrepr

import (
	"strconv"

	"github.com/rockbridge-db/rockbridge/internal/entity"
)

// Kind says what a record does. The zero Kind is not a valid record, so that a Record
// that nobody filled in cannot pass for a Put.
type Kind uint8

// The kinds of record that a batch can hold here.
const (
	KindPut          Kind = iota + 1 // sets the value of a key
	KindDelete                       // deletes a key
	KindSingleDelete                 // deletes a key that was put once
	KindMerge                        // adds an operand to a key
	KindDeleteRange                  // deletes the keys from a start up to, not including, an end
	KindLogData                      // goes to the write-ahead log only and touches no key
	KindPutEntity                    // sets the columns of a key
)

// String returns the name of the kind, such as "Put", and "Kind(9)" for an unknown one.
func (k Kind) String() string {
	switch k {
	case KindPut:
		return "Put"
	case KindDelete:
		return "Delete"
	case KindSingleDelete:
		return "SingleDelete"
	case KindMerge:
		return "Merge"
	case KindDeleteRange:
		return "DeleteRange"
	case KindLogData:
		return "LogData"
	case KindPutEntity:
		return "PutEntity"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Counted reports whether a record of this kind is part of the count in the header:
// every valid kind is, but LogData.
func (k Kind) Counted() bool {
	return KindPut <= k && k <= KindPutEntity && k != KindLogData
}

// Record is one operation of a batch, as [Records] reads it. Key and Value alias the
// batch: they are valid, and must not be written to, as long as it is not changed. Their
// cap equals their len, so that appending to one copies it.
type Record struct {
	Kind   Kind   // what the record does; it decides what the other fields are
	Family uint32 // the id of the column family; 0 for the default one and for LogData

	Key   []byte // the start of the range for DeleteRange; nil for LogData
	Value []byte // operand of Merge, end of DeleteRange, blob of LogData, all columns of PutEntity; nil for both deletes
}

// Column is one column of a row with several.
type Column = entity.Column

// Columns are those that a PutEntity sets, in the order of their names. They alias the batch as Value does. A Put has one,
// without a name. Nil for other kinds, and for a record that [Records] has not read.
func (r Record) Columns() []Column {
	switch r.Kind {
	case KindPut:
		return []Column{{Value: r.Value}}
	case KindPutEntity:
		columns, _ := entity.Decode(r.Value)
		return columns
	}
	return nil
}

// AppendRecord appends r to rep as the Append function of its kind would and returns the
// extended slice. It panics if the kind is not valid.
func AppendRecord(rep []byte, r Record) []byte {
	switch r.Kind {
	case KindPut:
		return AppendPut(rep, r.Family, r.Key, r.Value)
	case KindDelete:
		return AppendDelete(rep, r.Family, r.Key)
	case KindSingleDelete:
		return AppendSingleDelete(rep, r.Family, r.Key)
	case KindMerge:
		return AppendMerge(rep, r.Family, r.Key, r.Value)
	case KindDeleteRange:
		return AppendDeleteRange(rep, r.Family, r.Key, r.Value)
	case KindLogData:
		return AppendLogData(rep, r.Value)
	case KindPutEntity:
		return AppendPutEntity(rep, r.Family, r.Key, r.Value)
	}
	panic("batchrepr: append of a record of " + r.Kind.String())
}
