package engine

import (
	"context"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// What RocksDB's cache of rows has is what one table file says of a key: its version there, operands and deletions too,
// without sequence numbers. A file never changes and its number never comes again, so an entry is right as long as the
// file is. But a range deletion of another file, or of a memtable, has to be compared by sequence numbers: RocksDB 7.8
// takes a cached row for newer than all of them, and every version up to 11.8 forgets one that lies in the row's own file.
// From 9.2 on it refuses to delete ranges beside the cache; those that files have already it does not look for. With
// timestamps it answers rows of another time, or none, before 8.10. And its batched lookup keeps what it has seen of a key
// before it met an error, so rb_look_up_all goes key by key.

const (
	leastRowCache = 64 << 10
	mostRowCache  = 1 << 40
)

// validateRowCache refuses what the cache of rows does not go with.
func (o *Options) validateRowCache() error {
	settings := settingsOf(o.Extra)
	switch {
	case o.RowCacheSize == 0:
		return nil
	case o.RowCacheSize < leastRowCache || o.RowCacheSize > mostRowCache:
		return invalid("open", "RowCacheSize is out of range")
	case o.ReadOnly:
		return invalid("open", "RowCacheSize and ReadOnly exclude each other: nobody can tell whether the logs have range deletions")
	case isTrue(settings["avoid_flush_during_recovery"]):
		return invalid("open", "RowCacheSize and avoid_flush_during_recovery exclude each other: nobody could tell whether the logs have range deletions")
	case isTrue(settings["best_efforts_recovery"]):
		return invalid("open", "RowCacheSize and best_efforts_recovery exclude each other: that gives numbers of files anew")
	}
	if err := o.FamilyOptions.refuseRows(); err != nil {
		return describeFamily(err, defaultFamily)
	}
	for name, f := range o.Families {
		if err := f.refuseRows(); err != nil {
			return describeFamily(err, name)
		}
	}
	return nil
}

// refuseRows refuses options of a family that the cache of rows does not go with.
func (o *FamilyOptions) refuseRows() error {
	if o.Timestamps {
		return invalid("open", "RowCacheSize and Timestamps exclude each other: RocksDB's cache of rows knows no timestamps")
	}
	return nil
}

// refuseRows refuses a family, as it was opened, that the database's cache of rows would answer wrongly of.
func (c *ColumnFamily) refuseRows() error {
	if !c.db.rowCached {
		return nil
	}
	if c.stamped() {
		return describeFamily((&FamilyOptions{Timestamps: true}).refuseRows(), c.name)
	}
	text, _ := c.c.Property(PropAggregatedTableProperties)
	tables, err := parseProperties(text)
	switch n := tables["# range deletions"]; {
	case err != nil || n == "":
		return describeFamily(invalid("open", "RowCacheSize: RocksDB cannot tell whether the tables have range deletions"), c.name)
	case n != "0":
		return describeFamily(invalid("open", "RowCacheSize: the tables have "+n+" range deletions. Without it, a Compact with BottommostForce removes them"), c.name)
	}
	return nil
}

// errRowRange refuses range deletions in a database with a cache of rows.
func errRowRange() *Error {
	return dberr.New("", dberr.Unsupported, "no ranges are deleted with Options.RowCacheSize: RocksDB would show rows again that its cache has")
}

// lockBatch refuses what the database does not take of a batch, and then is that of its transactions.
func (d *DB) lockBatch(ctx context.Context, rep []byte) (*lockOwner, error) {
	if d.rowCached {
		for r := range batchrepr.Records(rep) {
			if r.Kind == KindDeleteRange {
				return nil, errRowRange()
			}
		}
	}
	return d.tx.lockBatch(ctx, rep)
}

// rowBytes is what the cache of rows takes; 0 on a closed database.
func (d *DB) rowBytes() int64 {
	if !d.rowCached || d.enter(nil, opMetrics) != nil {
		return 0
	}
	defer d.guard.leave(opMetrics)
	return int64(d.c.RowCacheUsed())
}
