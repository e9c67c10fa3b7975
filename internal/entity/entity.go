// Package entity encodes and decodes rows of several columns, in the form in which RocksDB has them in batches, logs and
// tables:
//
//	version 1 | number of columns | for each: length of its name, name, length of its value | the values
//
// All numbers are varints of 32 bits. Columns are in bytewise order of their names, each of which is there once. It is a
// leaf: the layers above name its types as their own.
package entity

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Column is one column of a row.
type Column struct{ Name, Value []byte }

const version = 1

// Why bytes are refused. The texts hold none of their content.
var (
	errVersion   = errors.New("an entity of an unknown version")
	errBlobs     = errors.New("an entity of version 2, with columns in blob files, is not supported")
	errCut       = errors.New("an entity that is cut off")
	errOrder     = errors.New("an entity whose columns are not in order, or come twice")
	errLeftOver  = errors.New("an entity with bytes behind its end")
	errDuplicate = errors.New("a column's name comes twice")
)

// Sorted gives the columns in the order of their names: the slice itself if it is in order, else a copy. A name that comes
// twice is an error.
func Sorted(columns []Column) ([]Column, error) {
	byName := func(a, b Column) int { return bytes.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(columns, byName) {
		columns = slices.Clone(columns)
		slices.SortFunc(columns, byName)
	}
	for i := 1; i < len(columns); i++ {
		if bytes.Equal(columns[i-1].Name, columns[i].Name) {
			return nil, errDuplicate
		}
	}
	return columns, nil
}

// Size is how many bytes Append adds.
func Size(columns []Column) uint64 {
	n := uint64(1 + varintLen(uint64(len(columns))))
	for _, c := range columns {
		name, value := uint64(len(c.Name)), uint64(len(c.Value))
		n += uint64(varintLen(name)+varintLen(value)) + name + value
	}
	return n
}

// Append appends columns, which are in order and whose lengths fit 32 bits.
func Append(dst []byte, columns []Column) []byte {
	dst = append(dst, version)
	dst = binary.AppendUvarint(dst, uint64(len(columns)))
	for _, c := range columns {
		dst = binary.AppendUvarint(dst, uint64(len(c.Name)))
		dst = append(dst, c.Name...)
		dst = binary.AppendUvarint(dst, uint64(len(c.Value)))
	}
	for _, c := range columns {
		dst = append(dst, c.Value...)
	}
	return dst
}

// Decode reads what Append has made, and refuses all else, other spellings of the same columns too. The columns alias b; the
// slice is never nil without an error.
func Decode(b []byte) ([]Column, error) {
	columns, _, err := decode(b, true)
	return columns, err
}

// IsEmpty reports whether b is a row without columns.
func IsEmpty(b []byte) bool { return len(b) == 2 && b[0] == version && b[1] == 0 }

// Check is Decode without the columns. It allocates nothing.
func Check(b []byte) error {
	_, _, err := decode(b, false)
	return err
}

// Default is the value of the column with the empty name, which is b's own, and empty if there is none.
func Default(b []byte) ([]byte, error) {
	_, value, err := decode(b, false)
	return value, err
}

func decode(b []byte, keep bool) (columns []Column, first []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errCut
	}
	if b[0] != version {
		if b[0] == version+1 {
			return nil, nil, errBlobs
		}
		return nil, nil, errVersion
	}
	n, at := varint(b, 1)
	if at < 0 || n > uint64(len(b)-at)/2 { // a column takes two bytes at least
		return nil, nil, errCut
	}
	if keep {
		columns = make([]Column, 0, n)
	}
	names, last, total := at, []byte(nil), uint64(0)
	for i := range n {
		name, length, next := head(b, at)
		if next < 0 {
			return nil, nil, errCut
		}
		if i > 0 && bytes.Compare(last, name) >= 0 {
			return nil, nil, errOrder
		}
		last, at, total = name, next, total+length
	}
	switch rest := uint64(len(b) - at); {
	case rest < total:
		return nil, nil, errCut
	case rest > total:
		return nil, nil, errLeftOver
	}
	for i := range n {
		name, length, next := head(b, names)
		value := b[at : at+int(length) : at+int(length)]
		names, at = next, at+int(length)
		if keep {
			columns = append(columns, Column{name, value})
		}
		if i == 0 && len(name) == 0 {
			first = value
		}
	}
	return columns, first, nil
}

// head reads the name of a column and the length of its value. next is negative if they are not all there.
func head(b []byte, at int) (name []byte, value uint64, next int) {
	n, at := varint(b, at)
	if at < 0 || n > uint64(len(b)-at) {
		return nil, 0, -1
	}
	name = b[at : at+int(n) : at+int(n)]
	value, next = varint(b, at+int(n))
	return name, value, next
}

// varint reads a number of 32 bits in its shortest form; next is negative if there is none.
func varint(b []byte, at int) (n uint64, next int) {
	n, size := binary.Uvarint(b[at:])
	if size <= 0 || n > math.MaxUint32 || size != varintLen(n) {
		return 0, -1
	}
	return n, at + size
}

func varintLen(n uint64) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
