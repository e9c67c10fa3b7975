package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// An exported family is a folder of RocksDB's table files and one file of ours, which tells what RocksDB needs to take
// them: it is written last, so that a folder without it is none. docs/export.md has the format.
const (
	familyNote   = "FAMILY"
	familyFormat = "rockbridge family 1"
)

// familyExport is what the file holds.
type familyExport struct {
	Family     string // name of the family that was exported
	RocksDB    string // version that exported it
	Comparator string
	Files      []exportedFile
}

// exportedFile is one table file.
type exportedFile struct {
	Name              string // base name
	Size              int64
	CRC32C            uint32
	Level             int
	FirstSeq, LastSeq uint64
	Smallest, Largest []byte
	Low, High         []byte `json:",omitempty"` // the ends as RocksDB has them inside
}

// ExportFiles makes a folder with the rows of the family as table files, which ImportFiles takes into another database:
// here, in another process, on another machine to which the folder is copied. That costs a flush and one reading of the
// files, whatever the number of rows; files are linked, not copied, where dir is on the same file system. dir must not
// exist, and the folder above it must.
//
// The rows are those of a moment between call and return, with all their versions and deletions. After an error
// there is no folder; the folder of a process that died meanwhile is refused by ImportFiles, as is one named dir and
// ".tmp", RocksDB's own, by the next ExportFiles. When ctx, which may be nil, ends, the caller leaves at once, and what
// is there is removed behind it.
//
// ErrUnsupported for families with files of blobs or keys in another order than the bytewise one, and before RocksDB
// 10.7 without the build tag rb_cxx; ErrReadOnly on a database that is open for reading only. It is safe for concurrent
// use.
func (c *ColumnFamily) ExportFiles(ctx context.Context, dir string) error {
	if err := c.enter(ctx, opCheckpoint); err != nil {
		return err
	}
	if err := c.mayExportFiles(dir); err != nil {
		c.db.guard.leave(opCheckpoint)
		return c.describe(err, "export files", nil)
	}
	return c.describe(describe(detached{
		call: func() error {
			if c.db.observed() {
				defer c.db.observe(ctx, opCheckpoint, c, noKey)()
			}
			return c.exportFiles(ctx, dir)
		},
		undo: func() {
			if err := os.RemoveAll(dir); err != nil {
				say(c.db.log, slog.LevelWarn, "rockbridge: an exported family that nobody waits for is left behind", slog.Any("error", err))
			}
		},
		end: func(bool) { c.db.guard.leave(opCheckpoint) },
	}.run(ctx), "export files", dir), "", nil)
}

func (c *ColumnFamily) mayExportFiles(dir string) error {
	if err := validatePath(dir); err != nil {
		return err
	}
	switch {
	case c.db.readOnly:
		return dberr.New("", dberr.ReadOnly, "")
	case !Supports(FamilyFiles):
		return unsupported("", FamilyFiles)
	case c.blobs.Load():
		return errBlobs()
	}
	if err := c.db.plainFiles(); err != nil {
		return err
	}
	return c.bytewiseOnly("")
}

func errBlobs() error {
	return dberr.New("", dberr.Unsupported, "the family has, or may write, files of blobs, which RocksDB does not export")
}

// exportFiles makes the folder, or none.
func (c *ColumnFamily) exportFiles(ctx context.Context, dir string) error {
	d := c.db
	if err := d.pauses.begin(); err != nil {
		return err
	}
	defer d.pauses.done()
	if err := d.stopped(); err != nil {
		return err
	}
	defer c.release()
	if err := c.hold(""); err != nil {
		return err
	}
	all, err := c.c.Export(dir)
	if err != nil {
		return shutDown(d.note(err))
	}
	if all.Comparator != bytewise {
		err = dberr.New("", dberr.Unsupported, "it needs keys in bytewise order; the family's comparator is "+cut(all.Comparator))
	} else {
		err = c.noteExport(ctx, dir, all)
	}
	if err == nil && c.blobs.Load() {
		err = errBlobs()
	}
	if err != nil {
		os.RemoveAll(dir)
	}
	return err
}

// noteExport reads the files that were exported, and writes down what they are.
func (c *ColumnFamily) noteExport(ctx context.Context, dir string, all cbridge.FamilyFiles) error {
	x := familyExport{Family: c.name, RocksDB: Version(), Comparator: all.Comparator}
	v := verification{ctx: ctx, guard: &c.db.guard, buf: make([]byte, 256<<10)}
	for _, f := range all.Files {
		name := strings.TrimPrefix(f.Name, "/")
		sum, err := v.sum(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		x.Files = append(x.Files, exportedFile{
			Name: name, Size: int64(f.Size), CRC32C: sum, Level: f.Level, FirstSeq: f.FirstSeq, LastSeq: f.LastSeq,
			Smallest: f.Smallest, Largest: f.Largest, Low: f.LowBound, High: f.HighBound,
		})
	}
	body, err := json.Marshal(x)
	if err != nil {
		return dberr.Wrap("", dberr.Unknown, err)
	}
	path := filepath.Join(dir, familyNote)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fileFailure(path, err)
	}
	_, err = fmt.Fprintf(f, "%s %08x\n%s\n", familyFormat, crc32.Checksum(body, castagnoli), body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fileFailure(path, err)
	}
	return syncDir(dir)
}

// maxFamilyNote bounds what is read as such a file: a million table files have less.
const maxFamilyNote = 1 << 30

// readExport reads what an exported family is.
func readExport(dir string) (*familyExport, error) {
	path := filepath.Join(dir, familyNote)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err != nil {
			return nil, dberr.Wrap("", dberr.IO, err)
		}
		return nil, dberr.New("", dberr.Corruption, "it is no exported family, or not a whole one: there is no file "+familyNote)
	}
	if err != nil {
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFamilyNote))
	if err != nil {
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	x, why := parseExport(text)
	if why != "" {
		e := dberr.New("", dberr.Corruption, why)
		e.Path = path
		return nil, e
	}
	return x, nil
}

// parseExport tells what is wrong with a text, if anything is.
func parseExport(text []byte) (x *familyExport, why string) {
	head, body, _ := bytes.Cut(text, []byte{'\n'})
	sum, ours := strings.CutPrefix(string(head), familyFormat+" ")
	if !ours {
		return nil, "it is no " + familyFormat
	}
	body, whole := bytes.CutSuffix(body, []byte{'\n'})
	if !whole || fmt.Sprintf("%08x", crc32.Checksum(body, castagnoli)) != sum {
		return nil, "it is damaged: wrong checksum"
	}
	x = &familyExport{}
	if err := json.Unmarshal(body, x); err != nil {
		return nil, "it is damaged: " + err.Error()
	}
	for i, f := range x.Files {
		if !isTableName(f.Name) || f.Size <= 0 || f.Level < 0 || f.Level > 63 || f.FirstSeq > f.LastSeq || f.LastSeq >= 1<<48 {
			return nil, "it is damaged: file " + fmt.Sprint(i) + " makes no sense"
		}
	}
	return x, ""
}

// ImportFilesOptions say how an exported family becomes one of a database. Nil means the defaults.
type ImportFilesOptions struct {
	FamilyOptions // of the new family

	// Move links the files into the database and removes the folder, instead of copying them. Over file systems they are
	// copied all the same.
	Move bool

	// Trusted leaves out the reading of all rows, but not the comparison of the files' checksums with those of their
	// making: what was damaged before that, or made by somebody who means harm, may end the process where the
	// library has assertions.
	Trusted bool
}

// ImportFiles makes a family with the rows of a folder that ExportFiles made, and gives it: whole or not at all. It is
// durable when ImportFiles has returned. All checksums are compared before RocksDB sees a file, and all rows read.
//
// ErrCorruption for a folder that is none, or not a whole one, and for files that are damaged, missing, or not those that
// were exported; ErrInvalidArgument if the family is there, or the files have operands of another merge operator than
// the options name; ErrUnsupported before RocksDB 10.7 without the build tag rb_cxx, and for files with range
// deletions without the tag, or with it before 8.1, where RocksDB would lose part of them: a Compact before the export
// removes them, unless it only moves their file. A database with transactions takes no rows in bulk. After an error database and folder are as they were;
// a process that dies in the middle may leave the family, empty.
//
// Rows keep their sequence numbers, and the database's go on behind the highest of them: Updates answers ErrGap
// then. Snapshots that are older may show some of the rows, new ones show all of them.
//
// When ctx, which may be nil, ends, the caller leaves at once. Once RocksDB is at it, that is finished behind the
// caller, and the family then dropped; with Move it stays, as its files are nowhere else.
func (d *DB) ImportFiles(ctx context.Context, name, dir string, o *ImportFilesOptions) (*ColumnFamily, error) {
	if o == nil {
		o = &ImportFilesOptions{}
	}
	c, err := d.importFiles(ctx, name, dir, o)
	if err != nil {
		return nil, describeFamily(describe(err, "import files", dir), name)
	}
	return c, nil
}

func (d *DB) importFiles(ctx context.Context, name, dir string, o *ImportFilesOptions) (c *ColumnFamily, err error) {
	if err := d.enterWrite(ctx, opFamily); err != nil {
		return nil, err
	}
	n, err := d.mayImportFiles(name, dir, o)
	if err != nil {
		d.guard.leave(opFamily)
		return nil, err
	}
	err = detached{
		call: func() error {
			if d.observed() {
				defer d.observe(ctx, opFamily, nil, noKey)()
			}
			var err error
			c, err = n.fromFiles(ctx, dir, o)
			return err
		},
		undo: func() {
			if o.Move {
				return
			}
			if err := d.drop(c); err != nil {
				say(d.log, slog.LevelWarn, "rockbridge: an imported family that nobody waits for is left behind", slog.Any("error", err))
			}
		},
		end: func(bool) { d.guard.leave(opFamily) },
	}.run(ctx)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// mayImportFiles refuses what needs no look at the files.
func (d *DB) mayImportFiles(name, dir string, o *ImportFilesOptions) (*newFamily, error) {
	if err := validatePath(dir); err != nil {
		return nil, err
	}
	switch {
	case !Supports(FamilyFiles):
		return nil, unsupported("", FamilyFiles)
	case d.tx.mode != NoTx:
		return nil, errUnlocked()
	case slices.ContainsFunc(*d.families.Load(), func(c *ColumnFamily) bool { return c.name == name }):
		return nil, invalid("", "the family exists")
	}
	for _, err := range []error{d.plainFiles(), d.full()} {
		if err != nil {
			return nil, err
		}
	}
	n, err := d.newFamily(name, &o.FamilyOptions)
	if err == nil && n.ops.order.name != "" {
		err = dberr.New("", dberr.Unsupported, "it needs keys in bytewise order; the comparator is "+n.ops.order.name)
	}
	return n, err
}

// fromFiles verifies the files and makes the family of them.
func (n *newFamily) fromFiles(ctx context.Context, dir string, o *ImportFilesOptions) (*ColumnFamily, error) {
	d := n.db
	x, err := readExport(dir)
	if err == nil {
		err = n.verify(ctx, dir, x, o.Trusted)
	}
	if err == nil {
		err = d.stopped()
	}
	if err != nil {
		return nil, err
	}
	all := cbridge.FamilyFiles{Comparator: x.Comparator}
	for _, f := range x.Files {
		all.Files = append(all.Files, cbridge.FamilyFile{
			Name: "/" + f.Name, Size: uint64(f.Size), Level: f.Level, FirstSeq: f.FirstSeq, LastSeq: f.LastSeq,
			Smallest: f.Smallest, Largest: f.Largest, LowBound: f.Low, HighBound: f.High,
		})
	}
	c, err := n.make(func() (*cbridge.Family, error) {
		if len(all.Files) == 0 { // RocksDB takes no empty one
			return d.c.CreateFamily(n.name, n.plan, n.extra)
		}
		return d.c.ImportFamily(n.name, n.plan, n.extra, dir, all, o.Move)
	})
	if err != nil {
		return nil, shutDown(err)
	}
	if o.Move { // RocksDB has removed the files
		os.Remove(filepath.Join(dir, familyNote))
		os.Remove(dir)
	}
	return c, syncDir(d.path)
}

// verify looks whether the files are those that were exported, and fit the family.
func (n *newFamily) verify(ctx context.Context, dir string, x *familyExport, trusted bool) error {
	if x.Comparator != bytewise {
		return dberr.New("", dberr.Unsupported, "it needs keys in bytewise order; the comparator is "+cut(x.Comparator))
	}
	v := verification{ctx: ctx, guard: &n.db.guard, buf: make([]byte, 256<<10)}
	for _, f := range x.Files {
		path := filepath.Join(dir, f.Name)
		if err := n.verifyFile(&v, path, f); err != nil {
			return describe(err, "", path)
		}
	}
	for _, f := range x.Files {
		if trusted {
			break
		}
		path := filepath.Join(dir, f.Name)
		if _, _, _, err := readWhole(ctx, path, n.ops); err != nil {
			return describe(err, "", path)
		}
	}
	return nil
}

func (n *newFamily) verifyFile(v *verification, path string, f exportedFile) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return dberr.Wrap("", dberr.Corruption, fmt.Errorf("a file of the export is missing: %w", err))
	case err != nil:
		return dberr.Wrap("", dberr.IO, err)
	case !info.Mode().IsRegular() || info.Size() != f.Size:
		return dberr.New("", dberr.Corruption, "it has not the size that it was exported with")
	}
	sum, err := v.sum(path)
	if err != nil {
		return err
	}
	if sum != f.CRC32C {
		return dberr.New("", dberr.Corruption, "wrong checksum")
	}
	p, _, err := readTableProperties(path)
	if err != nil {
		return err
	}
	bounds := cbridge.ImportKeepsBounds() && len(f.Low) > 0 && len(f.High) > 0
	switch {
	case p.RangeDeletions > 0 && !bounds:
		return dberr.New("", dberr.Unsupported, "it has range deletions, of which RocksDB, as it is linked here, would lose a part: a Compact before the export removes them, unless it only moves the file")
	case p.RangeDeletions > 0 && n.db.rowCached:
		return errRowRange()
	case p.Merges > 0 && !n.ops.takeOperandsOf(p.MergeOperator):
		return invalid("", "its operands are for merge operator "+cut(p.MergeOperator)+", which is not the family's")
	}
	return nil
}
