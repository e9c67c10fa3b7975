package engine

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// Merge operators, for FamilyOptions.MergeOperator. They run in C, inside reads and on RocksDB's
// threads. Operands that are malformed are refused before they are written. The formats of operands
// and values, and what becomes of values that are malformed, are in docs/operators.md; names and
// formats never change.
const (
	// Int64Add adds signed integers, made by EncodeInt64. The sum wraps around.
	Int64Add = "rockbridge.int64.add"
	// Int64Max keeps the largest of signed integers, made by EncodeInt64.
	Int64Max = "rockbridge.int64.max"
	// Int64Min keeps the smallest of signed integers, made by EncodeInt64.
	Int64Min = "rockbridge.int64.min"
	// SetUnion unites sets, made by EncodeSet.
	SetUnion = "rockbridge.set"
)

// Compaction filters, for FamilyOptions.CompactionFilter. They run in C on RocksDB's threads and
// remove rows when a compaction comes by, no sooner: reads show them until then. They heed no
// snapshot: a row that is removed is gone from snapshots taken before, too.
const (
	// TTLFilter removes rows whose value, made by WithTTL, has expired. It takes the first 8 bytes of
	// every value of the family for the time, so it excludes a merge operator.
	TTLFilter = "rockbridge.ttl"
	// NoFilter removes the filter that the database was last opened with.
	NoFilter = "none"
)

const (
	appendName = "rockbridge.append."
	listName   = "rockbridge.list."
	dropName   = "rockbridge.prefixdrop."
)

// Bounds of what stands in the name of an operator, which RocksDB writes into a line of a text file.
const (
	maxDelimiter    = 256
	maxDropPrefixes = 1000
	maxOperatorName = 64 << 10
)

// AppendDelimited names the merge operator that appends operands to the value, with delimiter between
// them, which may be empty and up to 256 bytes long. A value that would exceed MaxValueSize is cut
// there.
func AppendDelimited(delimiter string) string {
	return appendName + hex.EncodeToString([]byte(delimiter))
}

// BoundedList names the merge operator that appends lists, made by EncodeList, and keeps the newest
// maxEntries entries, at least 1. A database may be opened with another bound than the last time.
func BoundedList(maxEntries uint32) string {
	return listName + strconv.FormatUint(uint64(maxEntries), 10)
}

// PrefixDrop names the compaction filter that removes the keys that begin with one of the prefixes:
// one to 1000 of them, none empty, 32 KiB together. Their order is of no matter.
func PrefixDrop(prefixes ...[]byte) string {
	sorted := slices.SortedFunc(slices.Values(prefixes), bytes.Compare)
	var parts []string
	for i, p := range sorted {
		if i == 0 || !bytes.Equal(p, sorted[i-1]) {
			parts = append(parts, hex.EncodeToString(p))
		}
	}
	return dropName + strings.Join(parts, ".")
}

// MergeOperators lists the merge operators; for AppendDelimited and BoundedList, examples.
func MergeOperators() []string {
	return []string{Uint64Add, Int64Add, Int64Max, Int64Min, AppendDelimited(","), BoundedList(1000), SetUnion}
}

// operators are the merge operator and compaction filter of a family.
type operators struct {
	merge string // canonical; empty: none
	c     cbridge.Operators
	check operandKind

	newFilter func(FilterContext) func(level int, key, value []byte) (FilterVerdict, []byte) // nil: none of Go's

	order order // of the keys

	wide bool // FamilyOptions.WideColumns

	builtin string // the setting by which RocksDB makes the merge operator; empty: c does
}

func (o operators) merges() bool { return o.merge != "" }

// newOperators looks names up. NoFilter and the empty name are none.
func newOperators(merge, filter string) (o operators, err error) {
	if merge != "" && !o.setMerge(merge) {
		return o, invalid("", "unknown MergeOperator "+cut(merge)+": known are Uint64Add, Int64Add, Int64Max, Int64Min,"+
			" SetUnion, AppendDelimited with up to 256 bytes and BoundedList of at least 1")
	}
	if filter != "" && filter != NoFilter && !o.setFilter(filter) {
		return o, invalid("", "unknown CompactionFilter "+cut(filter)+": known are TTLFilter, NoFilter and PrefixDrop"+
			" of 1 to 1000 prefixes, none empty, 32 KiB together")
	}
	if o.c.Filter == cbridge.FilterTTL && o.merges() {
		return o, errMergedTTL()
	}
	return o, nil
}

func errMergedTTL() error {
	return invalid("", "TTLFilter and a merge operator exclude each other: the filter would take what was merged for a time")
}

// cut shortens a name for an error's text.
func cut(name string) string {
	if len(name) > 100 {
		return name[:100] + "..."
	}
	return name
}

var integerOperators = map[string]uint32{
	Int64Add: cbridge.MergeInt64Add, Int64Max: cbridge.MergeInt64Max, Int64Min: cbridge.MergeInt64Min,
}

// setMerge finds a merge operator by its one name. Another spelling of its parameters is another name
// to RocksDB, and unknown.
func (o *operators) setMerge(name string) bool {
	o.c.MergeName = name
	if name == Uint64Add {
		o.c.Merge = cbridge.MergeUint64Add
	} else if kind, ok := integerOperators[name]; ok {
		o.c.Merge, o.check = kind, int64Operand
	} else if text, ok := strings.CutPrefix(name, appendName); ok {
		delimiter, err := hex.DecodeString(text)
		if err != nil || len(delimiter) > maxDelimiter || AppendDelimited(string(delimiter)) != name {
			return false
		}
		o.c.Merge, o.c.Delimiter = cbridge.MergeAppend, delimiter
	} else if text, ok := strings.CutPrefix(name, listName); ok {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil || n == 0 || BoundedList(uint32(n)) != name {
			return false
		}
		o.c.Merge, o.c.MaxEntries, o.check = cbridge.MergeList, n, listOperand
	} else if name == SetUnion {
		o.c.Merge, o.check = cbridge.MergeSet, setOperand
	} else {
		return false
	}
	o.merge = name
	return true
}

// setFilter finds a compaction filter by its one name.
func (o *operators) setFilter(name string) bool {
	o.c.FilterName = name
	if name == TTLFilter {
		o.c.Filter = cbridge.FilterTTL
		return true
	}
	text, ok := strings.CutPrefix(name, dropName)
	if !ok || len(name) > maxOperatorName {
		return false
	}
	var prefixes [][]byte
	for part := range strings.SplitSeq(text, ".") {
		p, err := hex.DecodeString(part)
		if err != nil || len(p) == 0 {
			return false
		}
		prefixes = append(prefixes, p)
	}
	if len(prefixes) > maxDropPrefixes || PrefixDrop(prefixes...) != name {
		return false
	}
	o.c.Filter, o.c.Prefixes = cbridge.FilterPrefixes, EncodeList(prefixes...)
	return true
}

// operators finds the operators that the options name.
func (o *FamilyOptions) operators() (operators, error) {
	if err := o.validateGo(); err != nil {
		return operators{}, err
	}
	if err := o.validateOrder(); err != nil {
		return operators{}, err
	}
	ops, err := newOperators(o.MergeOperator, o.CompactionFilter)
	if err == nil {
		ops.addGo(o)
		ops.wide = o.WideColumns
		err = ops.setOrder(o, "")
	}
	if err == nil {
		err = ops.validateWide(o)
	}
	return ops, err
}

// operatorsOver finds the operators of a family that the database has, or may have, with others. What
// the options do not name is taken over.
func (o *FamilyOptions) operatorsOver(disk *optionsFile, family string) (operators, error) {
	ops, err := o.mergesOver(disk, family)
	ops.wide = o.WideColumns
	if err == nil {
		err = ops.orderOver(o, disk, family)
	}
	return ops, err
}

// mergesOver is operatorsOver without the comparator.
func (o *FamilyOptions) mergesOver(disk *optionsFile, family string) (operators, error) {
	merge, filter := o.MergeOperator, o.CompactionFilter
	before, builtin := disk.mergeOperator(family), disk.builtinMerge(family)
	if o.GoMerge != nil && before != "" && before != o.GoMerge.Name {
		return operators{}, invalid("", "GoMerge is "+o.GoMerge.Name+", but the operands in the database are for "+cut(before))
	}
	if o.GoMerge != nil {
		builtin = ""
	} else if merge == "" {
		merge = before
	} else if before != "" && !sameOperands(before, merge) {
		return operators{}, invalid("", "MergeOperator is "+cut(merge)+", but the operands in the database are for "+cut(before))
	}
	if filter == "" && o.GoFilter == nil {
		filter = disk.operator(family, "compaction_filter_factory")
	}
	if builtin == "" {
		ops, err := newOperators(merge, filter)
		if err == nil && ops.c.Filter == cbridge.FilterTTL && o.GoMerge != nil {
			err = errMergedTTL()
		}
		ops.addGo(o)
		return ops, err
	}
	ops, err := newOperators("", filter)
	if err == nil && ops.c.Filter == cbridge.FilterTTL {
		err = errMergedTTL()
	}
	ops.addGo(o)
	ops.merge, ops.builtin = merge, builtin
	return ops, err
}

// sameOperands tells whether operands written for one merge operator may be merged by the other.
func sameOperands(a, b string) bool {
	return a == b || strings.HasPrefix(a, listName) && strings.HasPrefix(b, listName)
}
