package engine

import (
	"encoding/binary"
	"io"
	"os"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// What a table file tells of itself, read in Go. RocksDB ingests a file without a look at the comparator
// and the merge operator that it was made with.
//
// The file ends with a foot: the kind of checksums, the places of two blocks or, from format 6 on, the
// length of one of them, the format and a magic number. The first of the blocks names the place of the
// properties, which are rows of a block that is not compressed.

const (
	tableFoot    = 53
	tableMagic   = 0x88e241b785f4cff7
	tableFormat6 = "\x3e\x00\x7a\x00"
	tableTrailer = 5 // behind each block: how it is compressed, and its checksum
	tableMost    = 64 << 20
)

// tableProperties are what is asked before a file is ingested.
type tableProperties struct {
	external   bool // an SST writer made it
	comparator string
	merge      string // the merge operator's name, as RocksDB has it; "" or "nullptr": none
	merges     uint64 // records that merge
}

func damagedTable(msg string) *Error {
	return dberr.New("", dberr.Corruption, "not a table file: "+msg)
}

// readTableProperties reads those of the file at path.
func readTableProperties(path string) (p tableProperties, err error) {
	f, err := os.Open(path)
	if err != nil {
		return p, dberr.Wrap("", dberr.IO, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return p, dberr.Wrap("", dberr.IO, err)
	}
	if !info.Mode().IsRegular() {
		return p, invalid("", "not a file")
	}
	rows, err := tablePropertyRows(f, info.Size())
	if err != nil {
		return p, err
	}
	_, p.external = rows["rocksdb.external_sst_file.version"]
	p.comparator, p.merge = rows["rocksdb.comparator"], rows["rocksdb.merge.operator"]
	p.merges, _ = binary.Uvarint([]byte(rows["rocksdb.merge.operands"]))
	return p, nil
}

// tablePropertyRows reads the block of properties.
func tablePropertyRows(r io.ReaderAt, size int64) (map[string]string, error) {
	if size < tableFoot {
		return nil, damagedTable("it is too short")
	}
	foot := make([]byte, tableFoot)
	if _, err := r.ReadAt(foot, size-tableFoot); err != nil {
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	if binary.LittleEndian.Uint64(foot[tableFoot-8:]) != tableMagic {
		return nil, damagedTable("it does not end as one")
	}
	d := &tableDecoder{b: foot[1:]}
	at, n := d.varint(), d.varint()
	if string(foot[1:5]) == tableFormat6 {
		n = uint64(binary.LittleEndian.Uint32(foot[13:]))
		at = uint64(size) - tableFoot - tableTrailer - n
	}
	index, err := tableRows(r, at, n, size)
	if err != nil {
		return nil, err
	}
	d = &tableDecoder{b: []byte(index["rocksdb.properties"])}
	at, n = d.varint(), d.varint()
	if d.bad {
		return nil, damagedTable("it has no properties")
	}
	return tableRows(r, at, n, size)
}

// tableRows reads a block of n bytes that is not compressed.
func tableRows(r io.ReaderAt, at, n uint64, size int64) (map[string]string, error) {
	if n < 4 || n > tableMost || at > uint64(size) || at+n+tableTrailer > uint64(size) {
		return nil, damagedTable("a block lies outside of it")
	}
	block := make([]byte, n+1)
	if _, err := r.ReadAt(block, int64(at)); err != nil {
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	restarts := uint64(binary.LittleEndian.Uint32(block[n-4:])) & 0x7fffffff
	if block[n] != 0 || 4*(restarts+1) > n {
		return nil, damagedTable("a block makes no sense")
	}
	rows, key := map[string]string{}, []byte(nil)
	for d := (&tableDecoder{b: block[:n-4*(restarts+1)]}); len(d.b) > 0; {
		shared, rest, value := d.varint(), d.varint(), d.varint()
		if shared > uint64(len(key)) {
			return nil, damagedTable("a block makes no sense")
		}
		key = append(key[:shared:shared], d.take(rest)...)
		rows[string(key)] = string(d.take(value))
		if d.bad {
			return nil, damagedTable("a block makes no sense")
		}
	}
	return rows, nil
}

// tableDecoder reads from the front of b, and is bad once it was asked for more than there is.
type tableDecoder struct {
	b   []byte
	bad bool
}

func (d *tableDecoder) varint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *tableDecoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	part := d.b[:n]
	d.b = d.b[n:]
	return part
}
