package engine

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// RocksDB's own TTL puts four bytes behind every value of a database: when it was written, in seconds since 1970. It
// lays a compaction filter over that of each family, which knows them, and a merge operator over the family's. Its reads
// take them off, those of single keys and of iterators in every version.

// RocksDB's names for what its TTL lays over a family's operators.
const (
	ttlFilter = "TtlCompactionFilterFactory"
	ttlMerge  = "TtlMergeOperator"
)

// maxRowTTL is the longest RowTTL: older versions of RocksDB add it to the time of a row in 32 bits, and would
// remove rows at once where that overflows.
const maxRowTTL = 5 * 365 * 24 * time.Hour

// timedBytes is how many bytes a time takes behind a value.
const timedBytes = 4

// timed tells whether the values of a family have times behind them.
func (o *optionsFile) timed(family string) bool {
	return idOf(o.families[family]["compaction_filter_factory"]) == ttlFilter
}

// value is an option of a family as it was given: without what RocksDB's TTL lays over it.
func (o *optionsFile) value(family, option string) string {
	v := o.families[family][option]
	switch {
	case option == "compaction_filter_factory" && idOf(v) == ttlFilter:
		return settingIn(v, "user_filter_factory")
	case option == "merge_operator" && idOf(v) == ttlMerge:
		return settingIn(v, "user_operator")
	}
	return v
}

// rowTTL is the time after which rows of a family go, as it was opened the last time; 0: never.
func (o *optionsFile) rowTTL(family string) time.Duration {
	if !o.timed(family) {
		return 0
	}
	n, err := strconv.ParseInt(settingIn(o.families[family]["compaction_filter_factory"], "ttl"), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// settingIn is a setting of an object as the OPTIONS file writes it, {id=...;name=value;...}; empty if it has none. The value may
// be an object too.
func settingIn(object, name string) string {
	depth, from := 0, 0
	for i := 0; i <= len(object); i++ {
		if i < len(object) && object[i] == '{' {
			depth++
			if depth == 1 {
				from = i + 1
			}
			continue
		}
		if i == len(object) || object[i] == ';' && depth == 1 || object[i] == '}' && depth == 1 {
			if v, ok := strings.CutPrefix(strings.TrimSpace(object[from:i]), name+"="); ok {
				return v
			}
			from = i + 1
		}
		if i < len(object) && object[i] == '}' {
			depth--
		}
	}
	return ""
}

// timesAgree refuses a family on disk whose values have times behind them where the options do not expect them, and the other
// way round: rows would be read with four bytes too many or too few.
func (o *Options) timesAgree(disk *optionsFile, family string) error {
	timed, known := disk.timed(family), disk.families[family] != nil
	switch {
	case timed && !o.TimedRows:
		return dberr.New("open", dberr.Unsupported, "its values have times behind them, of RocksDB's TTL ("+ttlFilter+"): Options.TimedRows opens it")
	case !timed && o.TimedRows && known:
		return dberr.New("open", dberr.InvalidArgument, "TimedRows: the values of the family have no times behind them")
	case !known && o.TimedRows && len(disk.families) == 0:
		return dberr.New("open", dberr.Unsupported, "TimedRows: there is no OPTIONS file to tell whether values have times behind them")
	}
	return nil
}

// validateTimed refuses what does not go with times behind values, and what asks for them without TimedRows.
func (o *Options) validateTimed() error {
	families := map[string]FamilyOptions{defaultFamily: o.FamilyOptions}
	for name, f := range o.Families {
		families[name] = f
	}
	for name, f := range families {
		if err := f.validateRowTTL(o.TimedRows); err != nil {
			return describeFamily(err, name)
		}
	}
	switch {
	case !o.TimedRows:
		return nil
	case o.ReadOnly:
		return dberr.New("open", dberr.Unsupported, "TimedRows excludes ReadOnly, and a Secondary: RocksDB's C API opens no such database for reading only")
	case o.Transactions != NoTx:
		return invalid("open", "TimedRows and Transactions exclude each other")
	case o.InMemory != nil:
		return invalid("open", "TimedRows and InMemory exclude each other: the clock of files in memory stands still")
	}
	return nil
}

// validateRowTTL refuses times that cannot be.
func (o *FamilyOptions) validateRowTTL(timed bool) error {
	ends := time.Now().AddDate(1, 0, 0).Add(o.RowTTL).Unix()
	switch {
	case o.RowTTL != 0 && !timed:
		return invalid("", "RowTTL needs Options.TimedRows")
	case o.RowTTL < 0 || o.RowTTL%time.Second != 0 || o.RowTTL > maxRowTTL || o.RowTTL > 0 && ends > math.MaxInt32:
		return invalid("", "RowTTL is no number of whole seconds up to five years, or a row's time would end after 2037")
	case timed && o.CompactionFilter == TTLFilter:
		return invalid("", "TTLFilter and Options.TimedRows exclude each other: two times would say when a row goes")
	}
	return nil
}

// refuseTimed refuses a merge operator that RocksDB cannot make from the OPTIONS file: before 8.9 (8.6.7 was looked at) it then
// writes none, and nothing tells that the values have times.
func (o *operators) refuseTimed(timed bool) error {
	if timed && o.order.stamped {
		return invalid("", "TimedRows excludes families with Timestamps")
	}
	if !timed || !o.merges() || o.builtin != "" || o.merge == Uint64Add || linkedSince("8.9") {
		return nil
	}
	return dberr.New("", dberr.Unsupported, "TimedRows with merge operator "+cut(o.merge)+" needs RocksDB 8.9, which writes an OPTIONS file then; linked is RocksDB "+Version())
}

// untimedOnly refuses what reads or writes values past RocksDB's TTL.
func (d *DB) untimedOnly() error {
	if !d.timed {
		return nil
	}
	return dberr.New("", dberr.Unsupported, "the database has times behind its values (Options.TimedRows), which this would pass by")
}

// plainFiles refuses, on behalf of what reads or writes files itself, those in memory and those whose values have times.
func (d *DB) plainFiles() error {
	if err := d.onDiskOnly(); err != nil {
		return err
	}
	return d.untimedOnly()
}

// checkTimed refuses records of a batch that RocksDB's TTL loses, and a batch that has no room for the times.
func (d *DB) checkTimed(b *Batch) error {
	if !d.timed {
		return nil
	}
	if len(b.rep)+d.timesOf(int(b.count)) > MaxBatchSize {
		return dberr.New("", dberr.TooLarge, "with the times of TimedRows the batch exceeds MaxBatchSize")
	}
	for r := range batchrepr.Records(b.rep) {
		if r.Kind == KindSingleDelete {
			return errTimedSingle()
		}
	}
	return nil
}

// timesOf is how many bytes the times of so many records take when they are written.
func (d *DB) timesOf(records int) int {
	if !d.timed {
		return 0
	}
	return timedBytes * records
}

func errTimedSingle() error {
	return dberr.New("", dberr.Unsupported, "RocksDB's TTL (Options.TimedRows) loses SingleDelete: use Delete")
}
