package engine

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// DiskBudget watches over the table files of the databases that share it: how fast files that are of no use any more are
// deleted, and how much room all files may take. Databases join it by Options.Disk. It is safe for concurrent use. A nil
// or zero DiskBudget answers as a closed one.
//
// Files count from the opening of a database on, or from their making, until they are deleted; those of a
// database that was closed go on counting (not with RocksDB 11.8). Logs, manifests and the like do not count.
type DiskBudget struct {
	mu     sync.Mutex
	c      *cbridge.Disk // nil: closed
	limits DiskLimits
	capped atomic.Bool // there is a MaxBytes, and so something to ask C for
}

// DiskLimits are those of a DiskBudget. The zero value limits nothing.
type DiskLimits struct {
	// MaxBytes is how much room table files and files of blobs may take; 0: no limit. While they take it, whatever would
	// add rows answers ErrNoSpace, deletions too: commits, Import, Ingest and ImportFiles; so does Health. All of it works
	// again as soon as there is room, by a compaction, a family that is dropped, DeleteFilesInRange, or SetLimits:
	// nothing is broken, as after a disk that is full. It is what calls are kept to, and not a wall: what is in memtables
	// still goes to files, and a compaction takes room for what it makes before it gives some back. RocksDB's own
	// limit is not used, since it leaves databases in a failed state.
	MaxBytes int64

	// DeleteRate is how many bytes of files are deleted in a second, so that the deletion of large ones does not
	// take the disk from reads; 0: they are deleted at once. Files that wait are called as before, with ".trash" behind,
	// and those that are left at the end of the process go with the next opening.
	DeleteRate int64

	// MaxTrashShare has files deleted at once while those that wait are more than that share of all; 0: a quarter.
	MaxTrashShare float64
}

// DiskUsage is what a budget knows of files, in bytes.
type DiskUsage struct {
	Files int64 // of all
	Trash int64 // of files, and logs, that wait for their deletion
	Full  bool  // MaxBytes is reached
}

const usualTrash = 0.25 // RocksDB's own

// NewDiskBudget makes a budget. ErrInvalidArgument for limits that make no sense, ErrUnsupported before RocksDB 10.6
// without the build tag rb_cxx.
func NewDiskBudget(l DiskLimits) (*DiskBudget, error) {
	if err := l.validate(); err != nil {
		return nil, err
	}
	if !Supports(DiskBudgets) {
		return nil, unsupported("disk budget", DiskBudgets)
	}
	c, err := cbridge.NewDisk(l.c())
	if err != nil {
		return nil, err
	}
	b := &DiskBudget{c: c, limits: l}
	b.capped.Store(l.MaxBytes > 0)
	return b, nil
}

func (l *DiskLimits) validate() error {
	switch {
	case l.MaxBytes < 0:
		return invalid("disk budget", "MaxBytes is negative")
	case l.DeleteRate < 0:
		return invalid("disk budget", "DeleteRate is negative")
	case l.MaxTrashShare < 0 || math.IsNaN(l.MaxTrashShare) || math.IsInf(l.MaxTrashShare, 0):
		return invalid("disk budget", "MaxTrashShare is out of range")
	}
	return nil
}

func (l *DiskLimits) c() cbridge.DiskLimits {
	c := cbridge.DiskLimits{Limit: uint64(l.MaxBytes), Rate: uint64(l.DeleteRate), Share: l.MaxTrashShare}
	if c.Share == 0 {
		c.Share = usualTrash
	}
	return c
}

// SetLimits changes the limits, for files that are made or come to be of no use from then on. ErrInvalidArgument for
// limits that make no sense.
func (b *DiskBudget) SetLimits(l DiskLimits) error {
	if b == nil {
		return ErrClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c == nil {
		return ErrClosed
	}
	if err := l.validate(); err != nil {
		return err
	}
	b.limits = l
	b.c.Set(l.c())
	b.capped.Store(l.MaxBytes > 0)
	return nil
}

// Limits are those in force; all zero once the budget is closed.
func (b *DiskBudget) Limits() DiskLimits {
	if b == nil {
		return DiskLimits{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c == nil {
		return DiskLimits{}
	}
	return b.limits
}

// Usage looks at what is in use; all zero once the budget is closed.
func (b *DiskBudget) Usage() DiskUsage {
	if b == nil {
		return DiskUsage{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c == nil {
		return DiskUsage{}
	}
	u := b.c.Used()
	return DiskUsage{Files: int64(u.Files), Trash: int64(u.Trash), Full: u.Full}
}

// Close closes the budget: no database can join it from then on. Those that have joined go on sharing it, under its last
// limits. It is idempotent and returns nil.
func (b *DiskBudget) Close() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c != nil {
		b.c.Free()
		b.c = nil
	}
	return nil
}

// join has the database of a plan share the budget, which may be nil.
func (b *DiskBudget) join(plan *cbridge.Plan) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c == nil {
		return ErrClosed
	}
	plan.Disk(b.c)
	return nil
}

// full is the error of what would add to the files of a budget that has no room; nil: it has.
func (d *DB) full() error {
	if d.disk == nil || !d.disk.capped.Load() || !d.c.Full() {
		return nil
	}
	return dberr.New("", dberr.NoSpace, "the table files take all that their DiskBudget allows")
}

// validateDisk refuses a budget for a database that makes no files.
func (o *Options) validateDisk() error {
	if o.Disk != nil && o.ReadOnly {
		return invalid("open", "Disk and ReadOnly exclude each other: a reader makes and deletes no files")
	}
	return nil
}
