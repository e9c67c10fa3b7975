package engine

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// checksumFactory has RocksDB make checksums of whole files, by the name that every version knows: its C API has a call
// for it from 11.0 on only.
const checksumFactory = "file_checksum_gen_factory=FileChecksumGenCrc32cFactory"

// checksumMethod is what RocksDB's manifest calls these checksums.
const checksumMethod = "FileChecksumCrc32c"

// FileChecksum is a table file or a file of blobs with the checksum that the database's manifest has of it.
type FileChecksum struct {
	Family string
	Kind   FileKind // TableFile or BlobFile
	Name   string   // base name, such as "000012.sst"
	CRC32C uint32   // of all bytes of the file, with the polynomial of Castagnoli
	Known  bool     // false: none was made, and CRC32C is 0
}

// VerifiedFiles tells what VerifyFileChecksums has looked at.
type VerifiedFiles struct {
	Files   int      // with the right checksum
	Bytes   int64    // that were read
	Unknown []string // base names of files that have no checksum, and were not read
}

// fileChecksums is what has RocksDB make checksums of files; empty if nobody asks for it.
func (o *Options) fileChecksums() string {
	if !o.FileChecksums {
		return ""
	}
	return checksumFactory
}

// FileChecksums lists the table files and the files of blobs of all families, by name, with the checksums that
// Options.FileChecksums had made of them. It reads the manifest, and none of these files. It works in every version, and on
// a read-only database too, and is safe for concurrent use; ctx, which may be nil, is looked at before. ErrUnsupported
// for a database in memory.
func (d *DB) FileChecksums(ctx context.Context) ([]FileChecksum, error) {
	if err := d.enter(ctx, opFiles); err != nil {
		return nil, d.describe(err, "file checksums")
	}
	defer d.guard.leave(opFiles)
	if d.observed() {
		defer d.observe(ctx, opFiles, nil, noKey)()
	}
	files, err := d.fileChecksums()
	return files, d.describe(err, "file checksums")
}

func (d *DB) fileChecksums() ([]FileChecksum, error) {
	if err := d.onDiskOnly(); err != nil {
		return nil, err
	}
	var m *ondisk.Manifest
	err := besideWriter(func() (err error) { // RocksDB may begin a new manifest meanwhile
		m, err = ondisk.ReadManifest(d.path)
		return err
	})
	switch {
	case errors.Is(err, ondisk.ErrDamaged):
		return nil, dberr.Wrap("", dberr.Corruption, err)
	case err != nil:
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	var files []FileChecksum
	for _, f := range m.Families {
		for _, t := range f.Files {
			files = append(files, checksumOf(f.Name, TableFile, fmt.Sprintf("%06d.sst", t.Number), t.Method, t.Checksum))
		}
		for _, b := range f.Blobs {
			files = append(files, checksumOf(f.Name, BlobFile, fmt.Sprintf("%06d.blob", b.Number), b.Method, b.Checksum))
		}
	}
	slices.SortFunc(files, func(a, b FileChecksum) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}

// aligned finds options that align the blocks of tables.
var aligned = regexp.MustCompile(`block_align\s*=\s*(true|1)`)

// refuseAligned refuses checksums of tables whose blocks are aligned: before 9.2 RocksDB leaves the space between blocks
// out of them (its change 12542), so that every such file would look damaged.
func refuseAligned(checksums, isAligned bool) error {
	if !checksums || !isAligned || linkedSince("9.2") {
		return nil
	}
	return invalid("", "FileChecksums excludes block_align, whose files get wrong ones before RocksDB 9.2")
}

func checksumOf(family string, kind FileKind, name, method, sum string) FileChecksum {
	f := FileChecksum{Family: family, Kind: kind, Name: name}
	if method == checksumMethod && len(sum) == 4 {
		f.CRC32C, f.Known = binary.BigEndian.Uint32([]byte(sum)), true
	}
	return f
}

// VerifyFileChecksums reads every table file and every file of blobs to its end, and compares its checksum with that in the
// manifest: ErrCorruption, with the file's path, for one of which any byte is another, ErrIO for one that cannot be
// read or is gone. It finds what VerifyChecksums does not look at, such as filters, and needs no second opening; but it
// finds nothing in files without a checksum, which it tells. Files that a compaction has removed meanwhile are left
// out, and new ones may be. Files in other paths (db_paths, cf_paths) are not found. o, which may be nil, has the
// progress; ctx, which may be nil, is looked at between two reads. ErrUnsupported for a database in memory. It is safe
// for concurrent use.
func (d *DB) VerifyFileChecksums(ctx context.Context, o *VerifyOptions) (VerifiedFiles, error) {
	if o == nil {
		o = &VerifyOptions{}
	}
	if err := d.enter(ctx, opFiles); err != nil {
		return VerifiedFiles{}, d.describe(err, "verify file checksums")
	}
	defer d.guard.leave(opFiles)
	if d.observed() {
		defer d.observe(ctx, opFiles, nil, noKey)()
	}
	r, err := d.verifyFileChecksums(ctx, o)
	return r, d.describe(err, "verify file checksums")
}

func (d *DB) verifyFileChecksums(ctx context.Context, o *VerifyOptions) (r VerifiedFiles, err error) {
	files, err := d.fileChecksums()
	if err != nil {
		return r, err
	}
	v := verification{ctx: ctx, guard: &d.guard, buf: make([]byte, 256<<10), tell: o.Progress}
	for _, f := range files {
		if !f.Known {
			r.Unknown = append(r.Unknown, f.Name)
			continue
		}
		gone, err := d.verifyFile(&v, f)
		if err != nil {
			return r, describeFamily(describe(err, "", filepath.Join(d.path, f.Name)), f.Family)
		}
		if r.Bytes = v.read; !gone {
			r.Files++
		}
	}
	return r, nil
}

// verifyFile verifies one file, unless the database does not need it any more.
func (d *DB) verifyFile(v *verification, f FileChecksum) (gone bool, err error) {
	sum, err := v.sum(filepath.Join(d.path, f.Name))
	if errors.Is(err, fs.ErrNotExist) {
		now, e := d.fileChecksums()
		if e == nil && !slices.Contains(now, f) {
			return true, nil
		}
	}
	if err == nil && sum != f.CRC32C {
		err = dberr.New("", dberr.Corruption, "wrong checksum of the whole file")
	}
	return false, err
}
