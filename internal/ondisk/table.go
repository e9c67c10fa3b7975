package ondisk

import (
	"encoding/binary"
	"io"
	"os"
)

// A table file ends with a foot: the kind of checksums, two places of blocks or, from format 6 on, the
// length of the index of the file's other blocks, the format, and a magic number. That index has the
// place of the properties, which are rows as in a block of data.
const (
	footSize     = 53
	footMagic    = 0x88e241b785f4cff7
	blockTrailer = 5 // behind each block: how it is compressed, and its checksum
	mostBlock    = 64 << 20
)

const footFormat6 = "\x3e\x00\x7a\x00"

// Properties are what a table file tells of itself.
type Properties struct {
	Entries        uint64 // records, deletions included
	Deletions      uint64 // of these: of keys and of ranges
	RangeDeletions uint64 // of these: of ranges
	Merges         uint64
	RawBytes       uint64 // of keys and values, before compression
	RawKeyBytes    uint64 // of keys, with the 8 bytes that each has inside
	Compression    string // RocksDB's name, such as "Snappy" or "NoCompression"
	Family         string
	Comparator     string
	MergeOperator  string // as RocksDB has it: "" or "nullptr" is none
	External       bool   // an SST writer made it
}

// ReadProperties reads the properties of the table file at path. ErrDamaged if it is none, or not whole.
// Its checksums are not looked at.
func ReadProperties(path string) (*Properties, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return readProperties(f, info.Size())
}

// readProperties reads those of a table of so many bytes.
func readProperties(f io.ReaderAt, size int64) (*Properties, error) {
	place, err := indexOfBlocks(f, size)
	if err != nil {
		return nil, err
	}
	index, err := readRows(f, place, size)
	if err != nil {
		return nil, err
	}
	at, ok := index["rocksdb.properties"]
	if !ok {
		return nil, damaged("a table file without properties")
	}
	d := &decoder{b: []byte(at)}
	place = block{d.varint(), d.varint()}
	rows, err := readRows(f, place, size)
	if err != nil {
		return nil, err
	}
	return properties(rows), nil
}

func properties(rows map[string]string) *Properties {
	number := func(name string) uint64 {
		return (&decoder{b: []byte(rows["rocksdb."+name])}).varint()
	}
	_, external := rows["rocksdb.external_sst_file.version"]
	return &Properties{
		Comparator: rows["rocksdb.comparator"], MergeOperator: rows["rocksdb.merge.operator"], External: external,
		Entries: number("num.entries"), Deletions: number("deleted.keys"), RangeDeletions: number("num.range-deletions"),
		Merges: number("merge.operands"), RawBytes: number("raw.key.size") + number("raw.value.size"),
		RawKeyBytes: number("raw.key.size"),
		Compression: rows["rocksdb.compression"], Family: rows["rocksdb.column.family.name"],
	}
}

// block is the place of a block in a file.
type block struct{ at, size uint64 }

// indexOfBlocks reads a table's foot.
func indexOfBlocks(r io.ReaderAt, size int64) (block, error) {
	foot := make([]byte, footSize)
	if size < footSize {
		return block{}, damaged("a file of %d bytes is no table", size)
	}
	if _, err := r.ReadAt(foot, size-footSize); err != nil {
		return block{}, err
	}
	if binary.LittleEndian.Uint64(foot[footSize-8:]) != footMagic {
		return block{}, damaged("it does not end as a table does")
	}
	if string(foot[1:5]) == footFormat6 {
		length := uint64(binary.LittleEndian.Uint32(foot[13:]))
		return block{uint64(size) - footSize - blockTrailer - length, length}, nil
	}
	d := &decoder{b: foot[1:]}
	return block{d.varint(), d.varint()}, nil
}

// readRows reads a block of rows that is not compressed, as those are that are read here.
func readRows(r io.ReaderAt, b block, size int64) (map[string]string, error) {
	if b.size < 4 || b.size > mostBlock || b.at > uint64(size) || b.at+b.size+blockTrailer > uint64(size) {
		return nil, damaged("a block lies outside of the file")
	}
	bytes := make([]byte, b.size+1)
	if _, err := r.ReadAt(bytes, int64(b.at)); err != nil {
		return nil, err
	}
	if bytes[b.size] != 0 {
		return nil, damaged("the properties are compressed, or overwritten")
	}
	bytes = bytes[:b.size]
	restarts := uint64(binary.LittleEndian.Uint32(bytes[b.size-4:])) & 0x7fffffff
	if 4*(restarts+1) > b.size {
		return nil, damaged("a block makes no sense")
	}
	rows, key := map[string]string{}, []byte(nil)
	for d := (&decoder{b: bytes[:b.size-4*(restarts+1)]}); len(d.b) > 0; {
		shared, rest, value := d.varint(), d.varint(), d.varint()
		if shared > uint64(len(key)) {
			return nil, damaged("a block makes no sense")
		}
		key = append(key[:shared:shared], d.take(rest)...)
		rows[string(key)] = string(d.take(value))
		if d.bad {
			return nil, damaged("a block makes no sense")
		}
	}
	return rows, nil
}
