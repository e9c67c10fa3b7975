package engine

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

const (
	sstBatch = 64 << 10 // bytes of records that go down in one call
	sstAlone = 32 << 10 // a record from here on goes down by itself, without being copied
)

// sstLane is for calls into C that build table files: they belong to no database. It is narrow, as these
// calls keep a processor busy.
var sstLane = lane{name: "sst", width: 4}

// sstFile is a table file under construction. One goroutine at a time.
type sstFile struct {
	c       *cbridge.SST // nil: ended
	path    string
	merges  bool
	operand operandKind
	rows    []byte // packed records that C does not have yet
	size    uint64 // of the file, as far as C has it
	info    SSTInfo
	first   []byte // of the rows' keys; nil: there is none yet
	last    []byte
	low     []byte // of the range deletions' keys; nil: there is none
	high    []byte
	err     error // of an earlier call
	cleanup runtime.Cleanup
}

// create begins a file, which must not exist.
func (r *recipe) create(path string) (*sstFile, error) {
	if err := validateFile(path); err != nil {
		return nil, err
	}
	// RocksDB would overwrite a file: the name is taken before.
	taken, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, dberr.Wrap("", dberr.InvalidArgument, err)
	case err != nil:
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	taken.Close()
	sstLane.acquire(nil)
	c, err := r.plan.SST(r.family, path)
	sstLane.release()
	if err != nil {
		os.Remove(path)
		return nil, err
	}
	return &sstFile{c: c, path: path, merges: r.ops.merges(), operand: r.ops.check}, nil
}

func validateFile(path string) error {
	if path == "" || slices.Contains([]byte(path), 0) {
		return invalid("", "a file's name is empty or contains a zero byte")
	}
	return nil
}

// add takes a record that has been checked by nobody.
func (f *sstFile) add(op cbridge.Op, key, value []byte) error {
	if err := f.check(op, key, value); err != nil {
		return err
	}
	if op == cbridge.DeleteRange {
		if bytes.Equal(key, value) {
			return nil
		}
		f.widen(key, value)
		f.info.RangeDeletions++
	} else if f.first == nil {
		f.first = append([]byte{}, key...)
		f.last = append([]byte{}, key...)
	} else {
		if bytes.Compare(key, f.last) <= 0 {
			return invalid("", "keys must ascend: this one is not above the one before, of "+strconv.Itoa(len(f.last))+" bytes")
		}
		f.last = append(f.last[:0], key...)
	}
	f.info.Entries++
	return f.append(op, key, value)
}

func (f *sstFile) check(op cbridge.Op, key, value []byte) error {
	if op == cbridge.DeleteRange {
		return checkRange(key, value)
	}
	if err := checkSizes(key, value); err != nil || op != cbridge.Merge {
		return err
	}
	if !f.merges {
		return invalid("", "there is no merge operator")
	}
	if err := f.operand.check(value); err != nil {
		return err
	}
	return nil
}

// widen takes a range deletion into the file's range.
func (f *sstFile) widen(start, end []byte) {
	if f.low == nil || bytes.Compare(start, f.low) < 0 {
		f.low = append([]byte{}, start...)
	}
	if f.high == nil || bytes.Compare(end, f.high) > 0 {
		f.high = append([]byte{}, end...)
	}
}

// bounds is the file's range.
func (f *sstFile) bounds() (smallest, largest []byte) {
	smallest, largest = f.first, f.last
	if f.low != nil && (smallest == nil || bytes.Compare(f.low, smallest) < 0) {
		smallest = f.low
	}
	if f.high != nil && (largest == nil || bytes.Compare(f.high, largest) > 0) {
		largest = f.high
	}
	return smallest, largest
}

// append gathers a record, and sends what is enough down.
func (f *sstFile) append(op cbridge.Op, key, value []byte) error {
	if size := len(key) + len(value); size >= sstAlone {
		if err := f.flush(); err != nil {
			return err
		}
		sstLane.acquire(nil)
		defer sstLane.release()
		size, err := f.c.Row(op, key, value)
		f.size = size
		return err
	}
	if f.rows == nil {
		f.rows = make([]byte, 0, sstBatch+sstAlone+cbridge.SSTRowOverhead)
	}
	if f.rows = cbridge.AppendSSTRow(f.rows, op, key, value); len(f.rows) >= sstBatch {
		return f.flush()
	}
	return nil
}

// flush sends down what is gathered.
func (f *sstFile) flush() error {
	if len(f.rows) == 0 {
		return nil
	}
	err := f.addPacked(f.rows)
	f.rows = f.rows[:0]
	return err
}

// addPacked sends packed records down.
func (f *sstFile) addPacked(rows []byte) error {
	sstLane.acquire(nil)
	defer sstLane.release()
	size, err := f.c.Add(rows)
	f.size = size
	return err
}

// finish ends the file and brings it, without its name, to disk.
func (f *sstFile) finish() (SSTInfo, error) {
	switch {
	case f.err != nil:
		return SSTInfo{}, f.err
	case f.info.Entries == 0:
		return SSTInfo{}, invalid("", "a table file needs a record")
	}
	if err := f.flush(); err != nil {
		return SSTInfo{}, err
	}
	sstLane.acquire(nil)
	size, err := f.c.Finish()
	sstLane.release()
	if err != nil {
		return SSTInfo{}, err
	}
	f.info.Smallest, f.info.Largest = f.bounds()
	f.info.Path, f.info.Size, f.size = f.path, int64(size), size
	f.free()
	return f.info, nil
}

// free ends the part in C.
func (f *sstFile) free() {
	f.c.Free()
	f.c, f.rows = nil, nil
}

// abandon ends and removes the file. It may be ended already.
func (f *sstFile) abandon() error {
	if f.c != nil {
		f.free()
	}
	f.size = 0
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return dberr.Wrap("", dberr.IO, err)
	}
	return nil
}

// lose ends the file of a writer that was garbage before it was closed.
func (f *sstFile) lose() {
	if f.c == nil {
		return
	}
	say(nil, slog.LevelWarn, "rockbridge: a handle was garbage before it was closed",
		slog.String("kind", "SST writer"), slog.String("path", f.path))
	f.abandon()
}

// syncDir brings the names in a directory to disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return dberr.Wrap("", dberr.IO, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return dberr.Wrap("", dberr.SyncFailed, err)
	}
	return nil
}
