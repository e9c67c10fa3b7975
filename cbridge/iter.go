package cbridge

// #include "rb.h"
// #cgo noescape rb_iter_new
// #cgo nocallback rb_iter_new
// #cgo noescape rb_iters_new
// #cgo nocallback rb_iters_new
// #cgo noescape rb_iter_fill
// #cgo nocallback rb_iter_fill
// #cgo noescape rb_iter_count
// #cgo nocallback rb_iter_count
// #cgo noescape rb_iter_set_bounds
// #cgo nocallback rb_iter_set_bounds
// #cgo noescape rb_iter_refresh
// #cgo nocallback rb_iter_refresh
// #cgo noescape rb_iter_free
// #cgo nocallback rb_iter_free
import "C"

import (
	"math"
	"runtime"
	"unsafe"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// Move says where a fill begins; its direction follows from it.
type Move uint32

// The moves.
const (
	MoveOn          Move = C.RB_MOVE_ON
	MoveFirst       Move = C.RB_MOVE_FIRST
	MoveLast        Move = C.RB_MOVE_LAST
	MoveGE          Move = C.RB_MOVE_GE
	MoveGT          Move = C.RB_MOVE_GT
	MoveLE          Move = C.RB_MOVE_LE
	MoveLT          Move = C.RB_MOVE_LT
	MoveTurnForward Move = C.RB_MOVE_TURN_FORWARD
	MoveTurnBack    Move = C.RB_MOVE_TURN_BACK
)

// IterOptions set up an iterator. Nil bounds are open; bounds are copied.
type IterOptions struct {
	Lower, Upper []byte
	Flags        uint32
	MaxValue     uint64 // values are cut after so many bytes; 0: whole
	ReadAhead    uint64 // bytes; 0: automatic
	Deadline     uint64 // microseconds since 1970; 0: none
	Timed        bool   // as of At, of a family with timestamps
	Columns      bool   // values are all columns of their rows, as GetEntity gives them
	Versions     bool   // for Iter.Versions alone: all versions from Since to At
	At, Since    uint64
	Tables       []TableRange // only tables that meet all are read, of families without Versions; FeatureTableFilter
}

// TableProperty is one of RB_TABLE_: what RocksDB knows of a table file.
type TableProperty uint64

// The properties. From TableNewestKeyTime on they need FeatureTableNewest.
const (
	TableNumber           TableProperty = C.RB_TABLE_NUMBER
	TableDataSize         TableProperty = C.RB_TABLE_DATA_SIZE
	TableKeySize          TableProperty = C.RB_TABLE_KEY_SIZE
	TableValueSize        TableProperty = C.RB_TABLE_VALUE_SIZE
	TableEntries          TableProperty = C.RB_TABLE_ENTRIES
	TableDeletions        TableProperty = C.RB_TABLE_DELETIONS
	TableMergeOperands    TableProperty = C.RB_TABLE_MERGE_OPERANDS
	TableRangeDeletions   TableProperty = C.RB_TABLE_RANGE_DELETIONS
	TableCreationTime     TableProperty = C.RB_TABLE_CREATION_TIME
	TableOldestKeyTime    TableProperty = C.RB_TABLE_OLDEST_KEY_TIME
	TableFileCreationTime TableProperty = C.RB_TABLE_FILE_CREATION_TIME
	TableNewestKeyTime    TableProperty = C.RB_TABLE_NEWEST_KEY_TIME
	TableLargestSequence  TableProperty = C.RB_TABLE_LARGEST_SEQUENCE
	TableProperties                     = C.RB_TABLE_PROPERTIES // how many there are
)

// TableRange is a condition on tables: Min <= Property <= Max. It is laid out as C's.
type TableRange struct {
	Property TableProperty
	Min, Max uint64
}

// The layouts are the same: an array of a negative length does not compile.
var _ [0]struct{} = [unsafe.Sizeof(TableRange{}) - unsafe.Sizeof(C.rb_table_range{})]struct{}{}

func tableRanges(r []TableRange) *C.rb_table_range {
	return (*C.rb_table_range)(unsafe.Pointer(unsafe.SliceData(r)))
}

func (o IterOptions) c() C.rb_iter_options {
	return C.rb_iter_options{
		flags:     C.uint32_t(o.Flags),
		has_lower: flag(o.Lower != nil),
		has_upper: flag(o.Upper != nil),
		max_value: C.uint64_t(o.MaxValue),
		readahead: C.uint64_t(o.ReadAhead),
		deadline:  C.uint64_t(o.Deadline),
		timed:     flag(o.Timed),
		versions:  flag(o.Versions),
		columns:   flag(o.Columns),
		at:        C.uint64_t(o.At),
		since:     C.uint64_t(o.Since),
		tables:    tableRanges(o.Tables),
		n_tables:  C.size_t(len(o.Tables)),
	}
}

// Iter is an iterator of RocksDB. One goroutine at a time.
type Iter struct {
	p     *C.rb_iter
	calls bool // the comparator of its family is written in Go
}

// NewIter makes an iterator over the family's newest state, or that of s if it is not nil.
func (f *Family) NewIter(s *Snapshot, o IterOptions) (*Iter, error) {
	r := C.rb_iter_new(f.p, s.c(), o.c(), ptr(o.Lower), C.size_t(len(o.Lower)),
		ptr(o.Upper), C.size_t(len(o.Upper)))
	if err := failure(r.status); err != nil {
		return nil, err
	}
	return &Iter{r.iter, f.calls}, nil
}

// NewIters makes an iterator over each of the families, which are of one database and at least one,
// all over the same state.
func NewIters(families []*Family, o IterOptions) ([]*Iter, error) {
	ps, made := make([]*C.rb_family, len(families)), make([]*C.rb_iter, len(families))
	for i, f := range families {
		ps[i] = f.p
	}
	err := failure(C.rb_iters_new(&ps[0], C.size_t(len(ps)), o.c(), ptr(o.Lower),
		C.size_t(len(o.Lower)), ptr(o.Upper), C.size_t(len(o.Upper)), &made[0]))
	runtime.KeepAlive(families)
	if err != nil {
		return nil, err
	}
	its := make([]*Iter, len(made))
	for i, p := range made {
		its[i] = &Iter{p, families[i].calls}
	}
	return its, nil
}

// Filled is the outcome of a fill. The rows delivered are right even when Err is set.
type Filled struct {
	Rows int
	Used int  // bytes of the rows in the buffer
	Need int  // not 0: the next row wants a buffer of so many bytes
	End  bool // nothing follows in this direction
	Err  error
}

// Fill moves and fills buf with up to maxRows rows in one call; their layout is that of rows.h.
func (it *Iter) Fill(m Move, key, buf []byte, maxRows uint32) Filled {
	var f C.rb_fill
	if it.calls {
		f = it.fillCalling(m, key, buf, maxRows)
	} else {
		f = C.rb_iter_fill(it.p, C.uint32_t(m), ptr(key), C.size_t(len(key)), ptr(buf),
			C.size_t(len(buf)), C.uint32_t(maxRows))
	}
	r := Filled{Rows: int(f.rows), Used: int(f.used), End: f.end != 0}
	if f.status.code != C.RB_OK {
		r.Err = failure(f.status)
	}
	if f.need > math.MaxInt {
		r.Err = dberr.New("", dberr.TooLarge, "a row does not fit this machine's memory")
		return r
	}
	r.Need = int(f.need)
	return r
}

// Counted is the outcome of a count: sums over the rows passed.
type Counted struct {
	Rows, KeyBytes, ValueBytes int64
	End                        bool
	Err                        error
}

// Count passes up to maxRows rows from MoveFirst or MoveOn without delivering them.
func (it *Iter) Count(m Move, maxRows uint64) Counted {
	var c C.rb_count
	if it.calls {
		c = it.countCalling(m, maxRows)
	} else {
		c = C.rb_iter_count(it.p, C.uint32_t(m), C.uint64_t(maxRows))
	}
	return Counted{
		int64(c.rows), int64(c.key_bytes), int64(c.value_bytes), c.end != 0, failure(c.status),
	}
}

// SetBounds gives the iterator other bounds over the same state.
func (it *Iter) SetBounds(lower, upper []byte) error {
	return failure(C.rb_iter_set_bounds(it.p, flag(lower != nil), ptr(lower), C.size_t(len(lower)),
		flag(upper != nil), ptr(upper), C.size_t(len(upper))))
}

// Refresh moves the iterator to the family's newest state.
func (it *Iter) Refresh() error { return failure(C.rb_iter_refresh(it.p)) }

// Free ends the iterator.
func (it *Iter) Free() {
	C.rb_iter_free(it.p)
	it.p = nil
}
