package engine

import (
	"path/filepath"
	"runtime"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// SSTWriterOptions say how a table file is built. The zero value, as nil, is the zero FamilyOptions.
type SSTWriterOptions struct {
	// Family is the family that the file is for: it is built with the options in force there, as the
	// family's own files in its last level, with its merge operator. Nil: by FamilyOptions. The writer
	// does not hold the family's database, which may be closed.
	Family *ColumnFamily

	// FamilyOptions describe the file where Family is nil; beside a Family they must be zero. A
	// compaction filter has no effect on a file.
	FamilyOptions
}

// SSTInfo describes a finished table file. Its slices are the caller's.
type SSTInfo struct {
	Path              string
	Size              int64  // bytes
	Entries           uint64 // records, range deletions included
	RangeDeletions    uint64 // of these
	Smallest, Largest []byte // keys of the file's range, both included; where a range deletion ends last, its end
}

// SSTWriter builds a table file outside of a database, for ColumnFamily.Ingest: rows go into the file
// once, without the write-ahead log, memtables and compactions. Keys ascend strictly. Records are
// gathered in Go and go down to RocksDB in one call for each 64 KiB. One goroutine at a time; others
// wait. A nil, zero, finished or closed writer answers ErrClosed. It must be closed.
type SSTWriter struct {
	mu sync.Mutex
	f  *sstFile // nil: zero
}

// NewSSTWriter begins a table file at path, in a directory that exists. A path that exists is
// ErrInvalidArgument and fs.ErrExist.
func NewSSTWriter(path string, o *SSTWriterOptions) (*SSTWriter, error) {
	if o == nil {
		o = &SSTWriterOptions{}
	}
	recipe, err := o.recipe()
	if err != nil {
		return nil, describe(err, "new SST writer", path)
	}
	defer recipe.free()
	f, err := recipe.create(path)
	if err != nil {
		return nil, describe(err, "new SST writer", path)
	}
	w := &SSTWriter{f: f}
	f.cleanup = runtime.AddCleanup(w, (*sstFile).lose, f)
	return w, nil
}

// Put adds a row. ErrInvalidArgument if key is not above the key before, ErrTooLarge beyond MaxKeySize
// and MaxValueSize. After an error no more than Close makes sense: Finish answers the first one again, so
// that no row is lacking silently.
func (w *SSTWriter) Put(key, value []byte) error { return w.add(cbridge.Put, "put", key, value) }

// Delete adds the deletion of a key that the family may have. Errors as Put.
func (w *SSTWriter) Delete(key []byte) error { return w.add(cbridge.Delete, "delete", key, nil) }

// Merge adds an operand for a key of the family. ErrInvalidArgument too if there is no merge operator,
// or if the operand is malformed for it. A file has one record for a key.
func (w *SSTWriter) Merge(key, operand []byte) error {
	return w.add(cbridge.Merge, "merge", key, operand)
}

// DeleteRange adds the deletion of the keys in [start, end) that the family has: rows of the same file
// stay. Its keys need not ascend, nor be above those of the rows. An empty range is nothing. Errors are
// those of ColumnFamily.DeleteRange.
func (w *SSTWriter) DeleteRange(start, end []byte) error {
	return w.add(cbridge.DeleteRange, "delete range", start, end)
}

func (w *SSTWriter) add(op cbridge.Op, name string, key, value []byte) error {
	f := w.lock()
	if f == nil {
		return ErrClosed
	}
	defer w.mu.Unlock()
	err := f.err
	if err == nil {
		err = f.add(op, key, value)
	}
	if e, ok := err.(*Error); ok && e.Key == nil && f.err != err {
		e.Key = keyOf(key)
	}
	if f.err == nil {
		f.err = describe(err, name, f.path)
	}
	return f.err
}

// lock gives the file of a writer that is in use, locked; nil if it is not.
func (w *SSTWriter) lock() *sstFile {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	if w.f == nil || w.f.c == nil {
		w.mu.Unlock()
		return nil
	}
	return w.f
}

// Size is how many bytes the file and the records that are not yet in it have, before their
// compression; after Finish the size of the file; 0 for a writer that was closed before.
func (w *SSTWriter) Size() int64 {
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.f == nil {
		return 0
	}
	return int64(w.f.size) + int64(len(w.f.rows))
}

// Finish ends the file and brings it to disk, with its name. ErrInvalidArgument if it has no record; the
// first error of an earlier call, if there was one; ErrNoSpace above all where the disk is full: up to
// RocksDB 9.0 only Finish tells. After an error the file is gone. Only Close may follow.
func (w *SSTWriter) Finish() (SSTInfo, error) {
	f := w.lock()
	if f == nil {
		return SSTInfo{}, ErrClosed
	}
	defer w.mu.Unlock()
	f.cleanup.Stop()
	info, err := f.finish()
	if err == nil {
		err = syncDir(filepath.Dir(f.path))
	}
	if err != nil {
		f.abandon()
		return SSTInfo{}, describe(err, "finish", f.path)
	}
	return info, nil
}

// Close ends the writer and removes a file that is not finished. It is idempotent, and nil after
// Finish: fit for defer.
func (w *SSTWriter) Close() error {
	f := w.lock()
	if f == nil {
		return nil
	}
	defer w.mu.Unlock()
	f.cleanup.Stop()
	return describe(f.abandon(), "close", f.path)
}

// recipe is how a table file is to be built.
type recipe struct {
	plan   *cbridge.Plan
	family string
	ops    operators
}

func (r *recipe) free() { r.plan.Free() }

// recipe finds out how a file is to be built.
func (o *SSTWriterOptions) recipe() (*recipe, error) {
	switch {
	case o.Family != nil && o.FamilyOptions != (FamilyOptions{}):
		return nil, invalid("", "Family and FamilyOptions exclude each other")
	case o.Family != nil:
		return o.Family.recipe()
	}
	if err := o.FamilyOptions.validate(defaultFamily); err != nil {
		return nil, err
	}
	if err := o.FamilyOptions.validateRowTTL(false); err != nil {
		return nil, err
	}
	ops, err := o.FamilyOptions.operators()
	if err != nil {
		return nil, err
	}
	plan, err := cbridge.NewPlan("", cbridge.DBOptions{BlockCacheSize: -1})
	if err != nil {
		return nil, err
	}
	c := o.FamilyOptions.plan()
	c.Operators = ops.c
	if err := plan.Family(defaultFamily, c, o.FamilyOptions.Extra); err != nil {
		plan.Free()
		return nil, err
	}
	return &recipe{plan, defaultFamily, ops}, nil
}

// recipe is how files of the family are built: by the options in force.
func (c *ColumnFamily) recipe() (*recipe, error) {
	if err := c.enter(nil, opOptions); err != nil {
		return nil, err
	}
	defer c.db.guard.leave(opOptions)
	if err := c.db.plainFiles(); err != nil {
		return nil, err
	}
	plan, err := cbridge.NewPlan(c.db.path, cbridge.DBOptions{BlockCacheSize: -1})
	if err != nil {
		return nil, err
	}
	c.db.familyMu.Lock() // nobody writes another OPTIONS file meanwhile
	defer c.db.familyMu.Unlock()
	c.db.optionMu.Lock()
	defer c.db.optionMu.Unlock()
	if c.dropped.Load() {
		err = c.errDropped("")
	}
	if err == nil {
		err = plan.FamilyFromDisk(c.name)
	}
	if err == nil {
		err = plan.Operators(c.name, c.ops.c)
	}
	if err != nil {
		plan.Free()
		return nil, describeFamily(err, c.name)
	}
	return &recipe{plan, c.name, c.ops}, nil
}
