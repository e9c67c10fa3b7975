package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// SetOptions changes options of the family while the database is open, by RocksDB's own names: all of
// them, or on ErrInvalidArgument none. That is the answer to a name that RocksDB does not know or
// cannot change, to a value that it does not take, to what FamilyOptions.Extra refuses, and to values
// that RocksDB would put right when it opens a database but takes as they are later, such as a
// level0_stop_writes_trigger below level0_file_num_compaction_trigger, which stops writes for ever.
// A write_buffer_size below the arena_block_size in force makes that smaller too.
// Options of the tables cannot be changed: they would change under reads and compactions. Of prefix_extractor and
// memtable_prefix_bloom_size_ratio above 0 a family can have one only while it is open: a memtable with a filter would ask an
// extractor that is freed.
//
// RocksDB writes what is in force to a new OPTIONS file. After a reopen it holds for a family that
// Options.Families does not list; a family that is listed, and the default one, get the options that
// Open is given. An error of another kind may mean that the options are in force, but not in the file:
// Options tells. SetOptions is safe for concurrent use and waits for the writes under way.
func (c *ColumnFamily) SetOptions(options map[string]string) error {
	if c == nil || c.db == nil {
		return ErrClosed
	}
	return c.describe(c.setOptions(options), "set options", nil)
}

func (c *ColumnFamily) setOptions(options map[string]string) error {
	if err := c.db.enterWrite(nil, opOptions); err != nil {
		return err
	}
	defer c.db.guard.leave(opOptions)
	settings, err := checkSettings(options)
	if err != nil {
		return err
	}
	if why := stampsExclude(options); c.stamped() && why != "" {
		return invalid("", "timestamps exclude "+why)
	}
	if c.ops.wide && blobsByName(options) {
		return errWideBlobs()
	}
	defer c.release()
	if err := c.hold(""); err != nil {
		return err
	}
	c.db.optionMu.Lock()
	defer c.db.optionMu.Unlock()
	prefixes := c.prefixes
	if needsPresent(options) || usesPrefixes(options) {
		file, err := c.db.readOptions()
		if err != nil {
			return err
		}
		present, why := file.families[c.name], ""
		if prefixes, why = prefixes.with(options, present); why != "" {
			return invalid("", "SetOptions "+why)
		}
		if why := refuseTriggers(options, present); why != "" {
			return invalid("", "SetOptions "+why)
		}
		arena, why := arenaFor(options, present)
		if why != "" {
			return invalid("", "SetOptions "+why)
		}
		settings = append(settings, arena...)
	}
	c.prefixes = prefixes // whatever comes of it
	if blobsByName(options) {
		c.blobs.Store(true) // for good: files stay
	}
	return c.db.manifestCall(func() error {
		return c.db.endingStalls(func() error {
			return c.setForGood(func() error { return c.c.SetOptions(settings) })
		})
	})
}

// SetOptions changes options of the database as a whole while it is open; those of its default family
// are changed by that family's SetOptions, see there for the errors. They hold until the database is
// closed: Open takes such options from Options only. ErrUnsupported before RocksDB 11.5.
func (d *DB) SetOptions(options map[string]string) error {
	if err := d.enterWrite(nil, opOptions); err != nil {
		return d.describe(err, "set options")
	}
	defer d.guard.leave(opOptions)
	if !Supports(SetDBOptions) {
		return d.describe(unsupported("set options", SetDBOptions), "")
	}
	settings, err := checkSettings(options)
	if err == nil {
		d.optionMu.Lock()
		defer d.optionMu.Unlock()
		err = d.manifestCall(func() error { return d.c.SetOptions(settings) })
	}
	if e, ok := err.(*Error); ok && e.Code == dberr.NotFound { // RocksDB 11.8 says so of a name that it does not know
		e.Code = dberr.InvalidArgument
	}
	return d.describe(err, "set options")
}

// Options are the family's options in force, by RocksDB's names, as the newest OPTIONS file has them:
// RocksDB writes one when the database is opened for writing and after each change. Those of its
// tables are named as in "block_based_table_factory.block_size". In a database that is open for
// reading only they are those of its last writer.
func (c *ColumnFamily) Options() (map[string]string, error) {
	if err := c.enter(nil, opOptions); err != nil {
		return nil, err
	}
	defer c.db.guard.leave(opOptions)
	defer c.release()
	if err := c.hold("options"); err != nil { // a drop that has begun may have left the file without it
		return nil, err
	}
	file, err := c.db.readOptions()
	if err != nil {
		return nil, c.describe(err, "options", nil)
	}
	o := maps.Clone(file.families[c.name])
	if o == nil {
		return nil, c.describe(dberr.New("options", dberr.NotFound, "the OPTIONS file does not name the family"), "", nil)
	}
	for name, value := range file.tables[c.name] {
		o[tableOptions+"."+name] = value
	}
	return o, nil
}

// Options are the options in force of the database as a whole, without those of its families. See
// ColumnFamily.Options.
func (d *DB) Options() (map[string]string, error) {
	if err := d.enter(nil, opOptions); err != nil {
		return nil, err
	}
	defer d.guard.leave(opOptions)
	file, err := d.readOptions()
	if err != nil {
		return nil, d.describe(err, "options")
	}
	return file.db, nil
}

// readOptions reads the newest OPTIONS file, which RocksDB may be replacing just now.
func (d *DB) readOptions() (file *optionsFile, err error) {
	if err := d.onDiskOnly(); err != nil {
		return nil, err
	}
	for range 10 {
		file, err = readOptionsFile(d.path)
		if err == nil && file == nil {
			err = dberr.New("", dberr.NotFound, "there is no OPTIONS file")
		}
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return file, err
}

// laterRefuses are the options that cannot be changed in an open database, beside extraRefuses.
var laterRefuses = map[string]string{
	tableOptions:          "options of the tables would change under reads and compactions",
	"compression_manager": "it names an object that cannot be made here",
}

// laterRanges are bounds, both included, of what RocksDB puts right when it opens a database, but not
// in an open one: beyond them writes stop for ever, or RocksDB divides by zero or ends the process.
var laterRanges = map[string]struct{ low, high int64 }{
	"write_buffer_size":                  {64 << 10, maxWriteBuffer},
	"max_write_buffer_number":            {2, 1 << 20},
	"level0_file_num_compaction_trigger": {1, math.MaxInt32},
	"level0_slowdown_writes_trigger":     {1, math.MaxInt32},
	"level0_stop_writes_trigger":         {1, math.MaxInt32},
	"target_file_size_base":              {1, math.MaxInt64},
	"target_file_size_multiplier":        {1, math.MaxInt32},
	"max_compaction_bytes":               {1, math.MaxInt64},
	"max_open_files":                     {20, math.MaxInt32},
	"delayed_write_rate":                 {1, math.MaxInt64},
	"max_subcompactions":                 {1, 1 << 10},
}

// laterFractions are the same for options that are no integers.
var laterFractions = map[string]struct{ low, high float64 }{
	"max_bytes_for_level_multiplier":   {1, 1 << 20},
	"memtable_prefix_bloom_size_ratio": {0, 0.25},
}

// checkSettings puts options in order for C, if none is refused.
func checkSettings(options map[string]string) ([]cbridge.Setting, error) {
	if len(options) == 0 {
		return nil, invalid("", "there are no options to set")
	}
	var settings []cbridge.Setting
	for _, name := range slices.Sorted(maps.Keys(options)) {
		value := options[name]
		if len(name)+len(value) > longestExtra {
			return nil, invalid("", "an option is longer than a mebibyte")
		}
		if strings.ContainsAny(name, "=;{}") {
			return nil, invalid("", name+" is not the name of an option")
		}
		if why := refuseLater(name, value); why != "" {
			return nil, invalid("", "SetOptions sets "+name+": "+why)
		}
		if err := validateExtra("SetOptions", name+"="+value); err != nil {
			return nil, err
		}
		settings = append(settings, cbridge.Setting{Name: name, Value: value})
	}
	return settings, nil
}

// refuseLater tells why an option cannot be changed in an open database, or is empty.
func refuseLater(name, value string) string {
	object, _, _ := strings.Cut(name, ".")
	if why, refused := laterRefuses[object]; refused {
		return why
	}
	if r, bounded := laterRanges[name]; bounded {
		if n, ok := extraNumber(value); !ok || n < r.low || n > r.high {
			return fmt.Sprintf("%s is not a number from %d to %d", value, r.low, r.high)
		}
	}
	if r, bounded := laterFractions[name]; bounded {
		if n, err := strconv.ParseFloat(value, 64); err != nil || math.IsNaN(n) || n < r.low || n > r.high {
			return fmt.Sprintf("%s is not a number from %g to %g", value, r.low, r.high)
		}
	}
	return ""
}

// triggers are the numbers of files at which compaction begins, and writes are slowed down and
// stopped: in this order, or else writes stop before compaction begins, and neither ever goes on.
var triggers = []string{
	"level0_file_num_compaction_trigger", "level0_slowdown_writes_trigger", "level0_stop_writes_trigger",
}

// needsPresent reports whether options are to be judged beside those in force.
func needsPresent(options map[string]string) bool {
	return slices.ContainsFunc(append([]string{writeBuffer, arenaBlock}, triggers...), func(name string) bool {
		return options[name] != ""
	})
}

// numberOf is an option's number after the change; false if it is not known.
func numberOf(name string, options, present map[string]string) (int64, bool) {
	value, set := options[name]
	if !set {
		value = present[name]
	}
	return extraNumber(value)
}

// refuseTriggers tells why options would put the triggers out of order, or is empty.
func refuseTriggers(options, present map[string]string) string {
	before := int64(math.MinInt64)
	for _, name := range triggers {
		n, ok := numberOf(name, options, present)
		if !ok || n < before {
			return "breaks " + strings.Join(triggers, " <= ")
		}
		before = n
	}
	return ""
}

// arenaFor keeps the blocks of memtables smaller than the memtables: RocksDB chooses their size when
// it opens a database, so a memtable that is made smaller later needs a new one. It is chosen here
// unless options do, which are refused if they choose one that is too large.
func arenaFor(options, present map[string]string) ([]cbridge.Setting, string) {
	memtable, known := numberOf(writeBuffer, options, present)
	block, ok := numberOf(arenaBlock, options, present)
	switch _, set := options[arenaBlock]; {
	case known && ok && block <= memtable:
		return nil, ""
	case !known || set:
		return nil, arenaTooLarge
	}
	const most, align = 1 << 20, 4 << 10
	block = (min(most, memtable/8) + align - 1) / align * align
	return []cbridge.Setting{{Name: arenaBlock, Value: strconv.FormatInt(block, 10)}}, ""
}
