package engine

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// entryHeader is the length of an entry, uint32 little endian, before the entry.
const entryHeader = 4

// EncodeList makes an operand or value for BoundedList: each entry as its length, uint32 little
// endian, and its bytes; the oldest first. Entries may be empty. No entries are the empty list. What
// exceeds MaxValueSize is refused when it is written.
func EncodeList(entries ...[]byte) []byte {
	size := 0
	for _, e := range entries {
		size += entryHeader + len(e)
	}
	list := make([]byte, 0, size)
	for _, e := range entries {
		list = append(binary.LittleEndian.AppendUint32(list, uint32(len(e))), e...)
	}
	return list
}

// DecodeList reads a list that BoundedList or EncodeList made, the oldest entry first. The entries
// alias value. ErrCorruption if it is malformed.
func DecodeList(value []byte) ([][]byte, error) {
	var entries [][]byte
	for rest := value; len(rest) > 0; {
		entry, after, ok := nextEntry(rest)
		if !ok {
			return nil, dberr.New("decode list", dberr.Corruption, "an entry is longer than the list")
		}
		entries, rest = append(entries, entry), after
	}
	return entries, nil
}

// EncodeSet makes an operand or value for SetUnion: the entries in bytewise order, each once, written
// as in a list. The slice entries is left as it is.
func EncodeSet(entries ...[]byte) []byte {
	sorted := slices.SortedFunc(slices.Values(entries), bytes.Compare)
	return EncodeList(slices.CompactFunc(sorted, bytes.Equal)...)
}

// DecodeSet reads a set that SetUnion or EncodeSet made, in bytewise order. The entries alias value.
// ErrCorruption if it is malformed, out of order or holds an entry twice.
func DecodeSet(value []byte) ([][]byte, error) {
	entries, err := DecodeList(value)
	if err != nil || !ascending(entries) {
		return nil, dberr.New("decode set", dberr.Corruption, "it is no set of entries in order")
	}
	return entries, nil
}

func ascending(entries [][]byte) bool {
	for i := 1; i < len(entries); i++ {
		if bytes.Compare(entries[i-1], entries[i]) >= 0 {
			return false
		}
	}
	return true
}

// nextEntry splits the first entry off a list.
func nextEntry(list []byte) (entry, rest []byte, ok bool) {
	if len(list) < entryHeader {
		return nil, nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(list))
	if n > uint64(len(list)-entryHeader) {
		return nil, nil, false
	}
	end := entryHeader + int(n)
	return list[entryHeader:end:end], list[end:], true
}

// validList tells whether b is a list.
func validList(b []byte) bool {
	for len(b) > 0 {
		var ok bool
		if _, b, ok = nextEntry(b); !ok {
			return false
		}
	}
	return true
}

// validSet tells whether b is a set.
func validSet(b []byte) bool {
	var last []byte
	for first := true; len(b) > 0; first = false {
		entry, rest, ok := nextEntry(b)
		if !ok || !first && bytes.Compare(last, entry) >= 0 {
			return false
		}
		last, b = entry, rest
	}
	return true
}
