package engine

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// u64ts is the name of RocksDB's own order of keys with timestamps of 64 bits.
const u64ts = "leveldb.BytewiseComparator.u64ts"

// Newest is the timestamp to read the newest versions as of. Nothing is written with it.
const Newest uint64 = math.MaxUint64

// stampSize is how many bytes a timestamp takes behind a key.
const stampSize = 8

// AsOf reads a family with timestamps as of one of them: of each key it sees the newest version that is not
// above, and no key whose newest version is a deletion. It is a Reader, so that Scan, Count and whatever else
// works on one works as of a timestamp too. It is safe for concurrent use, keeps nothing and need not be closed.
// A nil or zero AsOf answers as a closed one.
//
// Reads as of less than the beginning of the family's history answer ErrNoHistory, and those of a family without
// timestamps ErrInvalidArgument.
type AsOf struct {
	cf   *ColumnFamily
	snap *Snapshot // nil: the newest state
	at   uint64
}

// At reads the default family as of a timestamp: see ColumnFamily.At.
func (d *DB) At(timestamp uint64) *AsOf { return d.family().At(timestamp) }

// At reads the family, which has timestamps, as of one of them, Newest perhaps. It makes no call into C.
func (c *ColumnFamily) At(timestamp uint64) *AsOf { return &AsOf{cf: c, at: timestamp} }

// At reads as ColumnFamily.At does, in the snapshot's state: what is written later is not seen, whatever its
// timestamp.
func (s *Snapshot) At(timestamp uint64) *AsOf {
	if s == nil {
		return nil
	}
	return &AsOf{cf: s.cf, snap: s, at: timestamp}
}

// Timestamp is the one that it reads as of.
func (a *AsOf) Timestamp() uint64 {
	if a == nil {
		return 0
	}
	return a.at
}

// view is what the read calls go through.
func (a *AsOf) view() (view, error) {
	if a == nil || a.cf == nil {
		return view{}, ErrClosed
	}
	v := view{cf: a.cf}
	if a.snap != nil {
		var err error
		if v, err = a.snap.view(); err != nil {
			return view{}, err
		}
	}
	v.timed, v.at = true, a.at
	return v, nil
}

// Get reads as ColumnFamily.Get does, as of the timestamp.
func (a *AsOf) Get(key []byte, o *ReadOptions) ([]byte, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	return v.get(key, o)
}

// GetVersion reads as Get does, and tells the timestamp of the version found. That of a version below the
// family's history may have become 0.
func (a *AsOf) GetVersion(key []byte, o *ReadOptions) (value []byte, timestamp uint64, err error) {
	v, err := a.view()
	if err != nil {
		return nil, 0, err
	}
	return v.getVersion(key, o)
}

// GetAppend reads as ColumnFamily.GetAppend does, as of the timestamp.
func (a *AsOf) GetAppend(dst, key []byte, o *ReadOptions) ([]byte, error) {
	v, err := a.view()
	if err != nil {
		return dst, err
	}
	return v.getAppend(dst, key, o)
}

// GetPinned lends C memory to f, during f only, as ColumnFamily.GetPinned does.
func (a *AsOf) GetPinned(key []byte, o *ReadOptions, f func(value []byte) error) error {
	v, err := a.view()
	if err != nil {
		return err
	}
	return v.getPinned(key, o, f)
}

// Has reports whether key is there as of the timestamp.
func (a *AsOf) Has(key []byte, o *ReadOptions) (bool, error) {
	v, err := a.view()
	if err != nil {
		return false, err
	}
	return v.has(key, o)
}

// MultiGet reads as ColumnFamily.MultiGet does, as of the timestamp.
func (a *AsOf) MultiGet(keys [][]byte, o *ReadOptions) ([]Value, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	return v.multiGet(keys, o)
}

// NewIter makes an iterator over the family as of the timestamp, whose Timestamp tells those of the rows. It must
// be closed. It keeps what it sees, whatever becomes of the history; its Refresh answers ErrNoHistory if that
// begins later by then.
func (a *AsOf) NewIter(o *IterOptions) (*iterator.Iterator, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	return v.newIter(o)
}

var _ Reader = (*AsOf)(nil)

func (v view) getVersion(key []byte, o *ReadOptions) ([]byte, uint64, error) {
	r, err := v.enter(opGet, key, o)
	if err != nil {
		return nil, 0, err
	}
	defer v.leave(opGet)
	var value []byte
	var timestamp uint64
	t := lookup{cacheOnly: r.Flags&cbridge.CacheOnly != 0, blind: true, call: func(bool) bool {
		if v.cf.db.observed() {
			defer v.cf.db.observe(o.context(), opGet, v.cf, len(key))()
		}
		value, timestamp, err = v.cf.c.GetStamped(r, key)
		return false
	}}
	if waited := v.cf.db.guard.lanes.read(o.context(), t); waited != nil {
		err = waited
	}
	if err == nil && len(value) == 0 && t.cacheOnly {
		err = errUncached(false) // as in view.lookup
	}
	if err = v.unlessGone(err, opGet); err != nil {
		return nil, 0, v.explain(err, opGet, key, o)
	}
	return value, timestamp, nil
}

// stamped tells whether the family's keys have timestamps.
func (c *ColumnFamily) stamped() bool { return c != nil && c.ops.order.stamped }

// errStamped refuses what has no timestamp, of a family whose keys have one.
func errStamped(op string) *Error {
	return invalid(op, "the family has timestamps: it is read by At, and written by PutAt and DeleteAt")
}

// errUnstamped refuses what has a timestamp, of a family whose keys have none.
func errUnstamped(op string) *Error { return invalid(op, "the family has no timestamps") }

// timely refuses a read with a timestamp where there are none, and the other way round, and one of before the
// history.
func (v *view) timely(op opKind) error {
	switch {
	case v.many || v.over != nil:
		return nil
	case v.timed && !v.cf.stamped():
		return errUnstamped(opNames[op])
	case !v.timed && v.cf.stamped():
		return errStamped(opNames[op])
	}
	return v.unlessGone(nil, op)
}

// unlessGone is err, or that the history begins behind what was read. It is asked for after a read too: RocksDB
// may have looked before the history was raised, and read after.
func (v *view) unlessGone(err error, op opKind) error {
	first := v.at
	if v.versions {
		first = min(first, v.since)
	}
	if low := v.cf.history.Load(); v.timed && first < low {
		return dberr.New(opNames[op], dberr.NoHistory, "it begins at timestamp "+utoa64(low))
	}
	return err
}

// PutAt sets key of the default family to value as of a timestamp: see ColumnFamily.PutAt.
func (d *DB) PutAt(key []byte, timestamp uint64, value []byte, o *WriteOptions) error {
	return d.family().PutAt(key, timestamp, value, o)
}

// DeleteAt deletes a key of the default family as of a timestamp: see ColumnFamily.DeleteAt.
func (d *DB) DeleteAt(key []byte, timestamp uint64, o *WriteOptions) error {
	return d.family().DeleteAt(key, timestamp, o)
}

// PutAt sets key to value as of a timestamp, in a family with timestamps: reads as of less do not see it. The
// timestamps of one key must not decrease from one write to the next: RocksDB does not look, and of an older
// version that is written later some reads know and others do not. A write with the timestamp of an earlier one
// takes its place. The key must not be empty, nor longer than MaxKeySize less 8, and the timestamp is below Newest.
func (c *ColumnFamily) PutAt(key []byte, timestamp uint64, value []byte, o *WriteOptions) error {
	return c.applyAt(cbridge.Put, "put", key, timestamp, value, o)
}

// DeleteAt deletes key as of a timestamp; see PutAt.
func (c *ColumnFamily) DeleteAt(key []byte, timestamp uint64, o *WriteOptions) error {
	return c.applyAt(cbridge.Delete, "delete", key, timestamp, nil, o)
}

func (c *ColumnFamily) applyAt(op cbridge.Op, name string, key []byte, timestamp uint64, value []byte, o *WriteOptions) error {
	return c.applyChecked(op, name, key, value, o, func() ([]byte, error) {
		switch {
		case c.dropped.Load():
			return nil, c.errDropped("")
		case !c.stamped():
			return nil, errUnstamped("")
		}
		return stampedKey(key, timestamp, value)
	})
}

// stampedKey is a key with its timestamp, as RocksDB has it.
func stampedKey(key []byte, timestamp uint64, value []byte) ([]byte, error) {
	if err := checkSizes(key, value); err != nil {
		return nil, err
	}
	if err := checkStamp(len(key)+stampSize, timestamp); err != nil {
		return nil, err
	}
	stored := append(make([]byte, 0, len(key)+stampSize), key...)
	return binary.LittleEndian.AppendUint64(stored, timestamp), nil
}

// checkStamp refuses a key, whose length counts the timestamp, and a timestamp that cannot be.
func checkStamp(length int, timestamp uint64) error {
	switch {
	case length <= stampSize:
		return invalid("", "a key with a timestamp must not be empty")
	case length > MaxKeySize:
		return dberr.New("", dberr.TooLarge, "key and timestamp exceed MaxKeySize")
	case timestamp == Newest:
		return invalid("", "Newest is a timestamp for reads only")
	}
	return nil
}

// SplitTimestamp splits the key of a Record of a family with timestamps into the key that was written, an alias,
// and its timestamp. ErrInvalidArgument for one that has none.
func SplitTimestamp(key []byte) (user []byte, timestamp uint64, err error) {
	n := len(key) - stampSize
	if n <= 0 {
		return nil, 0, invalid("split timestamp", "the key is too short to have one")
	}
	return key[:n:n], binary.LittleEndian.Uint64(key[n:]), nil
}

// PutAt adds a record that sets key to value as of a timestamp; see ColumnFamily.PutAt. Whether the family has
// timestamps is looked at by Write, and here if In named the family.
func (b *Batch) PutAt(key []byte, timestamp uint64, value []byte) error {
	return b.addAt("put", key, timestamp, value, batchrepr.AppendPut)
}

// DeleteAt adds a record that deletes key as of a timestamp; see PutAt.
func (b *Batch) DeleteAt(key []byte, timestamp uint64) error {
	return b.addAt("delete", key, timestamp, nil, func(rep []byte, family uint32, key, _ []byte) []byte {
		return batchrepr.AppendDelete(rep, family, key)
	})
}

// resolveStamps refuses records for a family that have a timestamp where they must not, or the other way round.
func (c *ColumnFamily) resolveStamps(u *familyUse, b *Batch) error {
	switch {
	case u.stamped && !c.stamped():
		return describeFamily(errUnstamped(""), c.name)
	case !c.stamped():
		return nil
	case u.plain || u.merges:
		return describeFamily(errStamped(""), c.name)
	case !u.foreign:
		return nil
	}
	for r := range batchrepr.Records(b.rep) {
		if r.Kind == KindLogData || r.Family != c.c.ID {
			continue
		}
		switch r.Kind {
		case KindDeleteRange:
			return describeFamily(errStampedRange(), c.name)
		case KindSingleDelete:
			return describeFamily(errStampedSingle(), c.name)
		}
		n, last := len(r.Key), uint64(0)
		if n > stampSize {
			last = binary.LittleEndian.Uint64(r.Key[n-stampSize:])
		}
		if err := checkStamp(n, last); err != nil {
			return describeFamily(err, c.name)
		}
	}
	return nil
}

// unstampedWrite refuses a write without a timestamp.
func (c *ColumnFamily) unstampedWrite(op cbridge.Op) error {
	switch op {
	case cbridge.DeleteRange:
		return errStampedRange()
	case cbridge.SingleDelete:
		return errStampedSingle()
	case cbridge.Merge:
		return dberr.New("", dberr.Unsupported, "nothing is merged in a family with timestamps")
	}
	return errStamped("")
}

func errStampedRange() *Error {
	return dberr.New("", dberr.Unsupported, "no ranges are deleted in a family with timestamps: its versions would be lost to Versions")
}

// errStampedSingle: where the same key is put again with the deletion's timestamp, a compaction takes the version before
// the deletion along, though it belongs to the history (CompactionIterator, all versions).
func errStampedSingle() *Error {
	return dberr.New("", dberr.Unsupported, "there are no single deletes in a family with timestamps: RocksDB may lose older versions by them")
}

// HistoryLow is ColumnFamily.HistoryLow of the default family.
func (d *DB) HistoryLow() (uint64, error) { return d.family().HistoryLow() }

// RaiseHistory is ColumnFamily.RaiseHistory of the default family.
func (d *DB) RaiseHistory(low uint64) error { return d.family().RaiseHistory(low) }

// HistoryLow is the timestamp from which on the family, which has timestamps, keeps all versions: 0 until
// RaiseHistory is first called. It survives a reopen.
func (c *ColumnFamily) HistoryLow() (uint64, error) {
	if err := c.enter(nil, opFamily); err != nil {
		return 0, err
	}
	defer c.db.guard.leave(opFamily)
	if !c.stamped() {
		return 0, c.describe(errUnstamped("history low"), "", nil)
	}
	return c.history.Load(), nil
}

// RaiseHistory gives up the versions below low, but of each key the newest of them: reads as of less answer
// ErrNoHistory from now on, and flushes and compactions drop what nothing can read any more, but for snapshots
// taken before. ErrInvalidArgument if the history begins higher already, or the family has no timestamps. RocksDB
// writes it down, durably. Compact brings the space back.
func (c *ColumnFamily) RaiseHistory(low uint64) error {
	if c == nil || c.db == nil {
		return ErrClosed
	}
	return c.describe(c.raiseHistory(low), "raise history", nil)
}

func (c *ColumnFamily) raiseHistory(low uint64) error {
	if err := c.db.enterWrite(nil, opFamily); err != nil {
		return err
	}
	defer c.db.guard.leave(opFamily)
	defer c.release()
	if err := c.hold(""); err != nil {
		return err
	}
	if !c.stamped() {
		return errUnstamped("")
	}
	c.historyMu.Lock()
	defer c.historyMu.Unlock()
	before := c.history.Load()
	switch {
	case low < before:
		return invalid("", "the history begins at timestamp "+strconv.FormatUint(before, 10)+" already")
	case low == before:
		return nil
	}
	c.history.Store(low) // first: from the call on what is below may go
	err := c.db.manifestCall(func() error { return c.c.RaiseHistory(low) })
	if err != nil {
		if known, e := c.c.HistoryLow(); e == nil && known < low {
			c.history.Store(max(known, before))
		}
	}
	return err
}

// learnHistory finds out where the history of a family begins that was just opened.
func (c *ColumnFamily) learnHistory() error {
	if !c.stamped() {
		return nil
	}
	low, err := c.c.HistoryLow()
	c.history.Store(low)
	return c.describe(err, "open", nil)
}

// validateStamps refuses what does not go together with timestamps in a family that has them.
func (o *operators) validateStamps(f *FamilyOptions) error {
	if !o.order.stamped {
		return nil
	}
	why := stampsExclude(settingsOf(f.Extra))
	switch {
	case f.MergeOperator != "" || f.GoMerge != nil:
		why = "a merge operator"
	case o.c.Filter != cbridge.FilterNone || f.GoFilter != nil:
		why = "a compaction filter, which heeds no timestamps"
	case f.GoPrefix != nil:
		why = "a prefix extractor"
	case f.BlobsFrom > 0:
		why = "blob files"
	case f.PartitionPrefix > 0:
		why = "PartitionPrefix, by which versions of a short key would lie in two tables"
	}
	if why != "" {
		return invalid("", "timestamps exclude "+why)
	}
	return nil
}

// stampsExclude tells which of some settings by RocksDB's names does not go together with timestamps.
func stampsExclude(settings map[string]string) string {
	off := func(name string) bool { return settings[name] == "false" || settings[name] == "0" }
	switch {
	case settings["prefix_extractor"] != "" || settings["memtable_insert_with_hint_prefix_extractor"] != "":
		return "a prefix extractor"
	case settings["enable_blob_files"] != "" && !off("enable_blob_files"):
		return "blob files, which RocksDB before 8.1 reads wrongly with them"
	case off("persist_user_defined_timestamps"):
		return "persist_user_defined_timestamps off"
	}
	return ""
}
