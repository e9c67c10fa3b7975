package ondisk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"testing"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// readAll reads a log to its end, and what ended it.
func readAll(b []byte) (records [][]byte, err error) {
	l := NewRecords(bytes.NewReader(b))
	for {
		record, err := l.Next()
		if err != nil {
			return records, err
		}
		records = append(records, record)
	}
}

// logOf makes a log of records that each fit into one piece.
func logOf(records ...[]byte) []byte {
	var b []byte
	for _, record := range records {
		piece := append([]byte{kindFull}, record...)
		sum := crc32.Checksum(piece, castagnoli)
		b = binary.LittleEndian.AppendUint32(b, (sum>>15|sum<<17)+0xa282ead8)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(record)))
		b = append(b, piece...)
	}
	return b
}

// TestAGroupOfRecordsCountsWholeOrNotAtAll has a writer die in the middle of one.
func TestAGroupOfRecordsCountsWholeOrNotAtAll(t *testing.T) {
	number := func(tag, n byte, following ...byte) []byte { return append([]byte{tag, n}, following...) }
	group := func(left byte) []byte { return []byte{0xac, 0x02, left} } // the tag is 300
	first, last := number(tagNextFile, 7, group(1)...), number(tagSequence, 9, group(0)...)
	alone := number(tagNextFile, 5)
	m, err := parseManifest(bytes.NewReader(logOf(alone, first)))
	must(t, err)
	if m.NextFile != 5 || m.Torn {
		t.Errorf("half a group: %+v", m)
	}
	m, err = parseManifest(bytes.NewReader(logOf(alone, first, last)))
	must(t, err)
	if m.NextFile != 7 || m.Sequence != 9 {
		t.Errorf("a whole group: %+v", m)
	}
	if _, err := parseManifest(bytes.NewReader(logOf(number(tagFamily, 3, tagNextFile, 1)))); !errors.Is(err, ErrDamaged) {
		t.Errorf("a family that there is not: %v", err)
	}
	if _, err := parseManifest(bytes.NewReader(logOf(number(99, 3)))); !errors.Is(err, ErrDamaged) {
		t.Errorf("an unknown tag: %v", err)
	}
	skippable := binary.AppendUvarint(nil, tagSkippable+999)
	if m, err := parseManifest(bytes.NewReader(logOf(append(append(skippable, 2, 'x', 'y'), alone...)))); err != nil || m.NextFile != 5 {
		t.Errorf("an unknown tag that may be skipped: %v, %+v", err, m)
	}
}

func blob(number, values, size uint64) Blob { return Blob{Number: number, Values: values, Bytes: size} }

// TestBlobsThatNothingRefersToAreForgotten: RocksDB deletes their files without a record of it.
func TestBlobsThatNothingRefersToAreForgotten(t *testing.T) {
	s := &states{families: map[uint32]*Family{0: newFamily(0, "default")}}
	must(t, s.apply(&edit{
		files: []File{{Number: 20, oldestBlob: 6}, {Number: 21, oldestBlob: 5}, {Number: 22}},
		blobs: []Blob{blob(3, 2, 10), blob(5, 2, 10), blob(6, 2, 10), blob(7, 2, 10), blob(8, 2, 10)},
	}))
	must(t, s.apply(&edit{garbage: []Blob{blob(7, 1, 5), blob(8, 2, 10)}})) // 7 has a value left, 8 has none
	m := s.manifest(false)
	if got := slices.Sorted(maps.Keys(m.Families[0].Blobs)); !slices.Equal(got, []uint64{5, 6, 7}) {
		t.Errorf("%v are left", got)
	}
	must(t, s.apply(&edit{deleted: []uint64{20, 21}}))
	if m := s.manifest(false); len(m.Families[0].Blobs) != 0 {
		t.Errorf("%v are left without a table that refers to them", m.Families[0].Blobs)
	}
}

func TestPiecesOutOfOrderAreDamage(t *testing.T) {
	for _, kinds := range [][]byte{{kindMiddle}, {kindLast}, {kindFirst, kindFull}, {kindFirst, kindFirst}, {kindFull, kindLast}} {
		b := logOf(make([][]byte, len(kinds))...)
		for i, kind := range kinds {
			piece := b[pieceHead*i:]
			piece[6] = kind
			sum := crc32.Checksum(piece[6:7], castagnoli)
			binary.LittleEndian.PutUint32(piece, (sum>>15|sum<<17)+0xa282ead8)
		}
		if _, err := readAll(b); !errors.Is(err, ErrDamaged) {
			t.Errorf("kinds %v: %v", kinds, err)
		}
	}
}

// TestARecycledLogEndsWhereTheOldOneShows: what a log that is written over an old one has behind its end is
// no damage.
func TestARecycledLogEndsWhereTheOldOneShows(t *testing.T) {
	recycled := func(record string) []byte {
		piece := append([]byte{kindRecyclable, 1, 2, 3, 4}, record...)
		sum := crc32.Checksum(piece, castagnoli)
		b := binary.LittleEndian.AppendUint32(nil, (sum>>15|sum<<17)+0xa282ead8)
		return append(binary.LittleEndian.AppendUint16(b, uint16(len(record))), piece...)
	}
	b := append(recycled("one"), recycled("two")...)
	old := bytes.Repeat([]byte("what the file held before"), 3000)
	records, err := readAll(append(b, old...))
	if err != io.EOF || len(records) != 2 || string(records[0]) != "one" || string(records[1]) != "two" {
		t.Errorf("%q, %v", records, err)
	}
	if _, err := readAll(append(logOf([]byte("one")), old...)); !errors.Is(err, ErrDamaged) {
		t.Errorf("behind a log of its own: %v", err)
	}
}

// recycledPiece is a piece of a log with this number.
func recycledPiece(number uint32, record string) []byte {
	piece := append(binary.LittleEndian.AppendUint32([]byte{kindRecyclable}, number), record...)
	sum := crc32.Checksum(piece, castagnoli)
	b := binary.LittleEndian.AppendUint32(nil, (sum>>15|sum<<17)+0xa282ead8)
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(record))), piece...)
}

// TestOnlyPiecesWithItsNumberAreARecycledLogs: what is left of the log before is its end, also where that
// begins in the middle of a piece; damage is damage.
func TestOnlyPiecesWithItsNumberAreARecycledLogs(t *testing.T) {
	record := func(n byte) string { return string([]byte{n, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}) + "put" }
	scan := func(parts ...[]byte) *Log {
		b := slices.Concat(parts...)
		l, err := scanLog(bytes.NewReader(b), int64(len(b)), 9)
		must(t, err)
		return l
	}
	one, two, three := recycledPiece(9, record(1)), recycledPiece(9, record(2)), recycledPiece(9, record(3))
	old := slices.Concat(recycledPiece(5, record(101)), recycledPiece(5, record(102)))
	for skip := range len(old) {
		if l := scan(one, two, old[skip:]); l.Whole.Records != 2 || l.Behind.Records != 0 || l.Break != nil {
			t.Fatalf("an old log from %d on: %+v, %+v", skip, l, l.Break)
		}
	}
	bad := bytes.Clone(two)
	bad[len(bad)-1] ^= 1
	if l := scan(one, bad, three, old); l.Whole.Records != 1 || l.Behind.Records != 1 || l.Break == nil || l.Break.Cut {
		t.Errorf("damage: %+v, %+v", l, l.Break)
	}
	bad = bytes.Clone(two)
	bad[4] ^= 0x40 // its length
	if l := scan(one, bad, three, old); l.Whole.Records != 1 || l.Behind.Records != 1 || l.Break == nil || l.Break.Cut {
		t.Errorf("damage to a length: %+v, %+v", l, l.Break)
	}
}
