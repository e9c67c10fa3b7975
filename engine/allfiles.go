package engine

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// FileKind is what a file of a database is for.
type FileKind string

// The kinds that AllFiles tells of.
const (
	TableFile    FileKind = "table"    // rows
	BlobFile     FileKind = "blobs"    // large values, which rows in tables refer to
	LogFile      FileKind = "log"      // writes that are not all in tables yet
	ManifestFile FileKind = "manifest" // which files there are
	CurrentFile  FileKind = "current"  // which manifest counts
	OptionsFile  FileKind = "options"
)

var fileKinds = map[uint64]FileKind{
	cbridge.FileTable: TableFile, cbridge.FileBlobs: BlobFile, cbridge.FileLog: LogFile,
	cbridge.FileManifest: ManifestFile, cbridge.FileCurrent: CurrentFile, cbridge.FileOptions: OptionsFile,
}

// StoredFile is a file that the newest state of a database consists of.
type StoredFile struct {
	Kind   FileKind
	Name   string // base name, such as "000012.sst"
	Folder string // the database's own, or that of its logs, or one of its other paths
	Number uint64 // that of its name; 0: it has none
	Size   int64  // bytes that count: a log and a manifest may be longer
}

// AllFiles lists all files that the newest state of the database consists of, by folder and name: those of LiveFiles, and
// besides files of blobs, the write-ahead logs, the manifest, CURRENT and the newest OPTIONS file. Copied as long as
// Size says, they are the database; but nothing keeps them from being deleted meanwhile, which Checkpoint and backups do. Old
// files that iterators and snapshots still hold, logs that are empty, LOG files, LOCK and IDENTITY are not among them.
//
// With Pessimistic transactions RocksDB flushes all memtables first. ctx, which may be nil, is looked at before the call.
// ErrUnsupported before RocksDB 11.6 without the build tag rb_cxx (feature AllFiles); ErrBusy with Pessimistic
// transactions while background work is paused. It is safe for concurrent use.
func (d *DB) AllFiles(ctx context.Context) ([]StoredFile, error) {
	if err := d.enter(ctx, opFiles); err != nil {
		return nil, d.describe(err, "all files")
	}
	defer d.guard.leave(opFiles)
	files, err := d.allFiles(ctx)
	return files, d.describe(err, "all files")
}

func (d *DB) allFiles(ctx context.Context) ([]StoredFile, error) {
	if !Supports(AllFiles) {
		return nil, unsupported("", AllFiles)
	}
	if d.observed() {
		defer d.observe(ctx, opFiles, nil, noKey)()
	}
	if d.tx.mode == Pessimistic {
		if err := d.pauses.begin(); err != nil {
			return nil, err
		}
		defer d.pauses.done()
	}
	all, err := d.c.AllFiles()
	if err != nil {
		return nil, d.note(err)
	}
	files := make([]StoredFile, len(all))
	for i, f := range all {
		files[i] = StoredFile{fileKinds[f.Kind], strings.TrimPrefix(f.Name, "/"), f.Folder, f.Number, int64(f.Size)}
	}
	slices.SortFunc(files, func(a, b StoredFile) int {
		return cmp.Or(cmp.Compare(a.Folder, b.Folder), cmp.Compare(a.Name, b.Name))
	})
	return files, nil
}
