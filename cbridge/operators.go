package cbridge

// #include <stdlib.h>
// #include "rb.h"
// #cgo noescape rb_plan_operators
// #cgo nocallback rb_plan_operators
import "C"

import "unsafe"

// Kinds of merge operators.
const (
	MergeNone      = C.RB_MERGE_NONE
	MergeUint64Add = C.RB_MERGE_UINT64_ADD
	MergeInt64Add  = C.RB_MERGE_INT64_ADD
	MergeInt64Max  = C.RB_MERGE_INT64_MAX
	MergeInt64Min  = C.RB_MERGE_INT64_MIN
	MergeAppend    = C.RB_MERGE_APPEND
	MergeList      = C.RB_MERGE_LIST
	MergeSet       = C.RB_MERGE_SET
)

// Kinds of compaction filters.
const (
	FilterNone     = C.RB_FILTER_NONE
	FilterTTL      = C.RB_FILTER_TTL
	FilterPrefixes = C.RB_FILTER_PREFIXES
)

// Operators are a family's merge operator and compaction filter, with their parameters. The names go
// into the OPTIONS file.
type Operators struct {
	Merge      uint32 // a kind
	MergeName  string
	Delimiter  []byte // MergeAppend
	MaxEntries uint64 // MergeList; not 0
	Filter     uint32 // a kind
	FilterName string
	Prefixes   []byte // FilterPrefixes: each as length, uint32 little endian, and bytes
	RowTTL     int32  // seconds after which compactions remove rows, with DBOptions.TimedRows; 0: never
	Reversed   bool   // keys are in reversed bytewise order
	Stamped    bool   // keys have timestamps
	Go         *GoOperators
}

// c gives the operators in C's terms, in C memory until free.
func (o Operators) c() (co C.rb_operators, free func()) {
	mergeName, filterName := C.CString(o.MergeName), C.CString(o.FilterName)
	delimiter, prefixes := C.CBytes(o.Delimiter), C.CBytes(o.Prefixes)
	co = C.rb_operators{
		merge_kind: C.uint32_t(o.Merge), merge_name: mergeName,
		delimiter: (*C.uint8_t)(delimiter), delimiter_len: C.size_t(len(o.Delimiter)),
		max_entries: C.uint64_t(o.MaxEntries),
		filter_kind: C.uint32_t(o.Filter), filter_name: filterName,
		prefixes: (*C.uint8_t)(prefixes), prefixes_len: C.size_t(len(o.Prefixes)),
		reversed: flag(o.Reversed), stamped: flag(o.Stamped), row_ttl: C.int32_t(o.RowTTL),
	}
	freeCallees := o.Go.c(&co)
	return co, func() {
		freeCallees()
		C.free(unsafe.Pointer(mergeName))
		C.free(unsafe.Pointer(filterName))
		C.free(delimiter)
		C.free(prefixes)
	}
}

// Operators gives a family of the plan its operators, where RocksDB cannot make them by name.
func (p *Plan) Operators(name string, o Operators) error {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	c, free := o.c()
	defer free()
	return failure(C.rb_plan_operators(p.p, n, c))
}
