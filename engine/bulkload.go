package engine

import (
	"bytes"
	"context"
	"iter"
)

// BulkLoadOptions say how rows are loaded. Nil means the defaults.
type BulkLoadOptions struct {
	// Sorted refuses, with ErrInvalidArgument, a row whose key is below the one before. The default is to
	// go on and sort.
	Sorted bool

	// Unique refuses, with ErrInvalidArgument, a key that comes twice. The default is that the later row
	// wins.
	Unique bool

	// Combine makes one value of two for a key that comes twice, earlier and later, in the place of the
	// default. It must be associative, must not keep the slices, may return either of them, and may be
	// called from several goroutines, for one key at a time. Its error ends the load. Not with Unique.
	Combine func(key, earlier, later []byte) ([]byte, error)

	// Memory is how many bytes rows may take while they are sorted; beyond them sorted runs go to files.
	// 0: 256 MiB. At least 64 KiB. A row that is larger is still taken. What RocksDB takes to build a
	// file comes on top: some MiB.
	Memory int64

	// TempDir is a folder that exists, for the load's own folder: table files until they are ingested, and
	// sorted runs. Empty: that of the database's directory, so that files need not be copied. It takes
	// as much space as the rows take in table files, and as much again, uncompressed, if they
	// have to be sorted and do not fit into Memory.
	TempDir string

	// TargetFileSize is the size of table files, in bytes. 0: 64 MiB. At least 4 KiB.
	TargetFileSize int64

	// Resume goes on with a load into the same family, from the same TempDir, that died with its process,
	// or was closed with Keep: Loader.Resumed tells how many rows of its input are not to be added again.
	// With the same options, and the same input in the same order. Where there is none, the load begins
	// anew.
	Resume bool

	// Keep leaves what a load has done to a later one with Resume, when it is closed or fails before
	// Finish has begun to ingest. A load that neither resumes nor is resumed is removed by the next load
	// into the same database.
	Keep bool
}

const (
	loadMemory    = 256 << 20
	loadMemoryMin = 64 << 10
	loadTarget    = 64 << 20
	loadTargetMin = 4 << 10
	loadBatch     = 256 << 10 // bytes of rows that go down together
	mergeAtOnce   = 128       // runs: each holds a file open
)

// validate gives the options with their defaults filled in.
func (o *BulkLoadOptions) validate() (*BulkLoadOptions, error) {
	if o == nil {
		o = &BulkLoadOptions{}
	}
	c := *o
	if c.Memory == 0 {
		c.Memory = loadMemory
	}
	if c.TargetFileSize == 0 {
		c.TargetFileSize = loadTarget
	}
	switch {
	case c.Memory < loadMemoryMin || c.Memory > 1<<40:
		return nil, invalid("", "Memory must be 0 or between 64 KiB and 1 TiB")
	case c.TargetFileSize < loadTargetMin:
		return nil, invalid("", "TargetFileSize must be 0 or at least 4 KiB")
	case c.Unique && c.Combine != nil:
		return nil, invalid("", "Unique and Combine contradict each other")
	case c.TempDir != "":
		if err := validatePath(c.TempDir); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

// merge makes one value of two.
func (o *BulkLoadOptions) merge(key, earlier, later []byte) ([]byte, error) {
	switch {
	case o.Unique:
		e := invalid("", "Unique is set, and the key comes twice")
		e.Key = bytes.Clone(key)
		return nil, e
	case o.Combine == nil:
		return later, nil
	}
	value, err := o.Combine(key, earlier, later)
	if err == nil {
		err = checkSizes(key, value)
	}
	return value, err
}

// block is how large the blocks of runs are.
func (o *BulkLoadOptions) block() int { return int(min(max(o.Memory/64, 4<<10), loadBatch)) }

// fanIn is how many runs are merged at once.
func (o *BulkLoadOptions) fanIn() int {
	return int(min(max(o.Memory/(2*int64(o.block())), 4), mergeAtOnce))
}

// LoadStats tell of a bulk load.
type LoadStats struct {
	Rows    uint64 // added, those of the load that was resumed included
	Stored  uint64 // rows in the table files: of those with the same key only one
	Files   int    // table files
	Bytes   int64  // of these
	Sorted  bool   // the input was sorted
	Runs    int    // sorted runs that did not fit into memory
	Merges  int    // of runs into other runs, as there were too many
	Skipped uint64 // Loader.Resumed
}

// BulkLoad loads all of rows into a family, in any order, all or none: see Loader.
func BulkLoad(ctx context.Context, c *ColumnFamily, rows iter.Seq2[[]byte, []byte], o *BulkLoadOptions) (LoadStats, error) {
	l, err := c.NewLoader(ctx, o)
	if err != nil {
		return LoadStats{}, err
	}
	defer l.Close()
	skip := l.Resumed()
	for key, value := range rows {
		if skip > 0 {
			skip--
			continue
		}
		if err := l.Add(key, value); err != nil {
			return l.Stats(), err
		}
	}
	err = l.Finish()
	return l.Stats(), err
}
