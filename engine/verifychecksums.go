package engine

import (
	"context"
	"errors"
	"strings"
	"time"
)

// VerifyChecksums reads the rows of all families from their files and has RocksDB compare the checksum of every block
// on the way: ErrCorruption for one that is damaged, naming the family. It opens the database a second time, for
// reading and without a cache, so that what lies in memory hides nothing and the cache in use stays as it is. That takes
// memory for what the write-ahead log holds, and a file handle for each table. Blocks that no scan reads, such as
// filters, and those under a deleted range, are not looked at. It is safe for concurrent use; ctx, which may be nil,
// ends it between two reads. ErrTryAgain if the files changed so fast that no state could be opened.
func (d *DB) VerifyChecksums(ctx context.Context) error {
	if err := d.enter(ctx, opFiles); err != nil {
		return err
	}
	defer d.guard.leave(opFiles)
	return d.describe(d.verifyChecksums(ctx), "verify checksums")
}

func (d *DB) verifyChecksums(ctx context.Context) (err error) {
	if err := d.plainFiles(); err != nil {
		return err
	}
	disk, err := readOptionsFile(d.path)
	if err != nil {
		return err
	}
	o := &Options{ReadOnly: true, ErrorIfMissing: true, BlockCacheSize: -1, Extra: allFilesOpen}
	if disk != nil && disk.db["wal_dir"] != "" {
		if strings.ContainsAny(disk.db["wal_dir"], ";{}") {
			return invalid("", "wal_dir has a name that options cannot hold")
		}
		o.Extra += ";wal_dir=" + disk.db["wal_dir"]
	}
	seen, err := openBeside(d.path, o, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, seen.close()) }()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go d.endWithClose(ctx, end)
	for _, c := range seen.ColumnFamilies() {
		if _, _, _, err := Count(ctx, c, &IterOptions{NoFillCache: true}); context.Cause(ctx) == ErrClosed {
			return ErrClosed
		} else if err != nil {
			return describeFamily(err, c.Name())
		}
	}
	return nil
}

// endWithClose ends a context when the database is being closed.
func (d *DB) endWithClose(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !d.guard.closing.Load() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	end(ErrClosed)
}
