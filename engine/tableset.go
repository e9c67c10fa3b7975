package engine

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// A table file cannot be read by itself through RocksDB's C API. So a database is made of links to
// table files and a manifest that names them, and opened for reading only.

// The fields of a record of a manifest.
const (
	editComparator   = 1
	editLogNumber    = 2
	editNextFile     = 3
	editLastSequence = 4
	editNewFile      = 7
)

// tableSet opens files of ascending ranges that do not overlap, or one of a range that is not known:
// then its keys are nil. dir, which it makes, must not exist and is the caller's to remove.
func tableSet(dir string, files []SSTInfo, ops operators) (*DB, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	edit := appendField(nil, editComparator, []byte("leveldb.BytewiseComparator"))
	const last = 1 << 48 // beyond the sequence number of any row: all of them are seen
	for i, x := range []uint64{0, uint64(len(files)) + 10, last} {
		edit = binary.AppendUvarint(binary.AppendUvarint(edit, uint64(editLogNumber+i)), x)
	}
	for i, f := range files {
		number, level := uint64(i)+10, uint64(1)
		if f.Smallest == nil {
			level = 0 // where a file's range is of no matter to a scan
		}
		path, err := filepath.Abs(f.Path)
		if err == nil {
			err = os.Symlink(path, filepath.Join(dir, tableName(number)))
		}
		if err != nil {
			return nil, dberr.Wrap("", dberr.IO, err)
		}
		for _, x := range []uint64{editNewFile, level, number, uint64(f.Size)} {
			edit = binary.AppendUvarint(edit, x)
		}
		edit = appendInternalKey(appendInternalKey(edit, f.Smallest), f.Largest)
	}
	if err := writeManifest(dir, edit); err != nil {
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	o := &Options{ReadOnly: true, BlockCacheSize: 1 << 20, FamilyOptions: FamilyOptions{Extra: ops.builtin}}
	return openPlanned(dir, o, func(p *cbridge.Plan) error { return p.Operators(defaultFamily, ops.c) })
}

func tableName(number uint64) string {
	name := strconv.FormatUint(number, 10)
	return "000000"[:max(0, 6-len(name))] + name + ".sst"
}

// appendField appends a field of bytes.
func appendField(edit []byte, field uint64, b []byte) []byte {
	edit = binary.AppendUvarint(edit, field)
	return append(binary.AppendUvarint(edit, uint64(len(b))), b...)
}

// appendInternalKey appends a key as RocksDB has it inside: with a sequence number, 0, and the kind of
// its record, which is a Put.
func appendInternalKey(edit, key []byte) []byte {
	edit = binary.AppendUvarint(edit, uint64(len(key))+8)
	return append(append(edit, key...), 1, 0, 0, 0, 0, 0, 0, 0)
}

// writeManifest writes a manifest of one record, and the file that names it.
func writeManifest(dir string, edit []byte) error {
	if err := os.WriteFile(filepath.Join(dir, "MANIFEST-000005"), logRecord(edit), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "CURRENT"), []byte("MANIFEST-000005\n"), 0o600)
}

// logRecord is a record in the format of RocksDB's logs: in blocks of 32 KiB, where each piece has a
// checksum, a length and a kind before it.
func logRecord(record []byte) (out []byte) {
	const block, head, whole, first, middle, last = 32 << 10, 7, 1, 2, 3, 4
	for begun := false; ; begun = true {
		piece := record[:min(len(record), block-head)]
		record = record[len(piece):]
		kind := byte(middle)
		switch {
		case !begun && len(record) == 0:
			kind = whole
		case !begun:
			kind = first
		case len(record) == 0:
			kind = last
		}
		crc := crc32.Update(crc32.Checksum([]byte{kind}, castagnoli), castagnoli, piece)
		out = binary.LittleEndian.AppendUint32(out, (crc>>15|crc<<17)+0xa282ead8)
		out = binary.LittleEndian.AppendUint16(out, uint16(len(piece)))
		out = append(append(out, kind), piece...)
		if len(record) == 0 {
			return out
		}
	}
}
