package engine

import (
	"bytes"
	"math"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/entity"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Column is one column of a row of a family with WideColumns.
type Column = entity.Column

// DefaultColumn is the name of the column that reads of values show, and that Put sets.
const DefaultColumn = ""

// putEntity is an operation that goes down as a batch: RocksDB's C API has no call for it.
const putEntity = cbridge.Op(math.MaxUint32)

// PutEntity sets the row of key to the columns, which come in any order and replace whatever was there; none make a row
// without columns. Reads of values show that of DefaultColumn, or an empty one. ErrInvalidArgument if two have one
// name or the family has no FamilyOptions.WideColumns; ErrTooLarge if key or a name exceed MaxKeySize, or all together
// MaxValueSize.
func (c *ColumnFamily) PutEntity(key []byte, columns []Column, o *WriteOptions) error {
	value, err := encodeColumns(columns)
	return c.applyChecked(putEntity, "put entity", key, value, o, func() ([]byte, error) {
		if c.dropped.Load() {
			return nil, c.errDropped("put entity")
		}
		if err != nil {
			return nil, err
		}
		return key, c.check(putEntity, key, value)
	})
}

// GetEntity gives all columns of a row in bytewise order of their names, in Go memory that is the caller's and that they
// share. A row that has a value has one column, DefaultColumn. A miss is ErrNotFound itself; the other errors are those
// of Get, and ErrInvalidArgument for a family without FamilyOptions.WideColumns. One call into C.
func (c *ColumnFamily) GetEntity(key []byte, o *ReadOptions) ([]Column, error) {
	return view{cf: c}.getEntity(key, o)
}

// PutEntity is ColumnFamily.PutEntity of the default family.
func (d *DB) PutEntity(key []byte, columns []Column, o *WriteOptions) error {
	return d.family().PutEntity(key, columns, o)
}

// GetEntity is ColumnFamily.GetEntity of the default family.
func (d *DB) GetEntity(key []byte, o *ReadOptions) ([]Column, error) {
	return d.family().GetEntity(key, o)
}

// GetEntity reads as ColumnFamily.GetEntity does, in the snapshot's state.
func (s *Snapshot) GetEntity(key []byte, o *ReadOptions) ([]Column, error) {
	v, err := s.view()
	if err != nil {
		return nil, err
	}
	return v.getEntity(key, o)
}

// PutEntity adds a record that sets the columns of key: see ColumnFamily.PutEntity. Whether the family has
// FamilyOptions.WideColumns is looked at by Write, and here if In named the family.
func (b *Batch) PutEntity(key []byte, columns []Column) error {
	if rbdebug.On {
		defer b.inside("Batch.PutEntity")()
	}
	value, err := encodeColumns(columns)
	if err == nil {
		err = checkSizes(key, value)
	}
	if err == nil && b != nil && b.cf != nil && b.cf.db != nil {
		err = b.cf.wideOnly("")
	}
	if err == nil {
		var s *Batch
		if s, err = b.begin(len(key) + len(value)); err == nil {
			s.rep = batchrepr.AppendPutEntity(s.rep, b.id, key, value)
			s.uses[b.use].wide = true
			s.count++
			return nil
		}
	}
	return b.refuse("put entity", key, err)
}

// DecodeColumns reads what an iterator with IterOptions.Columns gives as a row's value, and a Record of KindPutEntity:
// columns in bytewise order of their names, which alias value. ErrCorruption for other bytes.
func DecodeColumns(value []byte) ([]Column, error) {
	columns, err := entity.Decode(value)
	if err != nil {
		return nil, dberr.Wrap("decode columns", dberr.Corruption, err)
	}
	return columns, nil
}

// encodeColumns puts columns into RocksDB's form, and refuses those that have none.
func encodeColumns(columns []Column) ([]byte, error) {
	for i := range columns {
		if len(columns[i].Name) > MaxKeySize {
			return nil, dberr.New("", dberr.TooLarge, "a column's name exceeds MaxKeySize")
		}
		if len(columns[i].Value) > MaxValueSize {
			return nil, dberr.New("", dberr.TooLarge, "a column's value exceeds MaxValueSize")
		}
	}
	sorted, err := entity.Sorted(columns)
	if err != nil {
		return nil, invalid("", err.Error())
	}
	size := entity.Size(sorted)
	if size > MaxValueSize {
		return nil, dberr.New("", dberr.TooLarge, "the columns exceed MaxValueSize")
	}
	return entity.Append(make([]byte, 0, size), sorted), nil
}

// getEntity is getAppend for all columns. No others join the lookup when it is cold.
func (v view) getEntity(key []byte, o *ReadOptions) ([]Column, error) {
	const op = opGetEntity
	r, err := v.enter(op, key, o)
	if err != nil {
		return nil, err
	}
	defer v.leave(op)
	if err := v.cf.wideOnly(""); err != nil {
		return nil, v.explain(err, op, nil, o)
	}
	buf := scratch.Get().(*[scratchSize]byte)
	defer scratch.Put(buf)
	var value []byte
	t := lookup{cacheOnly: r.Flags&cbridge.CacheOnly != 0, call: func(probe bool) bool {
		how := r
		if probe {
			how.Flags |= cbridge.CacheOnly | cbridge.Probe
		}
		if v.cf.db.observed() {
			defer v.cf.db.observe(o.context(), op, v.cf, len(key))()
		}
		value, err = v.cf.c.GetEntity(how, key, buf[:])
		if err == nil && entity.IsEmpty(value) && how.Flags&cbridge.CacheOnly != 0 {
			err = errUncached(probe) // as an empty value is none: see lookup
		}
		return probe && notCached(err)
	}}
	if waited := v.cf.db.guard.lanes.read(o.context(), t); waited != nil {
		err = waited
	}
	var columns []Column
	if err == nil {
		columns, err = DecodeColumns(bytes.Clone(value))
	}
	if err != nil {
		return nil, v.explain(err, op, key, o)
	}
	return columns, nil
}

// wideOnly refuses a family that may not hold entities.
func (c *ColumnFamily) wideOnly(op string) error {
	if c.ops.wide {
		return nil
	}
	return invalid(op, "the family is without FamilyOptions.WideColumns")
}

// plainReader refuses, on behalf of what takes a row's value for all of the row, families that may hold entities.
func plainReader(op string, r Reader) error {
	var c *ColumnFamily
	switch r := r.(type) {
	case *DB:
		c = r.family()
	case *ColumnFamily:
		c = r
	case *Snapshot:
		if v, err := r.view(); err == nil {
			c = v.cf
		}
	case *IndexedBatch:
		if r != nil {
			c = r.cf
		}
	}
	if c == nil || !c.ops.wide {
		return nil
	}
	return c.describe(dberr.New(op, dberr.Unsupported, "the family may hold entities (FamilyOptions.WideColumns), of which it would see one column only"), op, nil)
}

func errWideBlobs() error {
	return dberr.New("", dberr.Unsupported, "WideColumns excludes files of blobs: RocksDB 7.8 gives, for a row with a value there, its place as the value")
}

// validateWide refuses what does not go together with entities, in a family that may hold them. RocksDB says so of
// none of it.
//   - Merge operators: 7.8 merges nothing into an entity, and a flush or compaction that has to ends the database's
//     writes; later versions merge into the default column.
//   - Compaction filters: before 8.0 none sees an entity, and those of the C API never do: all are kept.
//   - Timestamps: no version takes an entity with one.
//   - Blob files: 7.8 gives, for a row with a value there, its place as the value. Later versions put columns there in a
//     form that earlier ones do not read. So a family that has such files, or gets them, is refused too.
func (o *operators) validateWide(f *FamilyOptions) error {
	if !o.wide {
		return nil
	}
	if !Supports(WideColumns) {
		return unsupported("", WideColumns)
	}
	why := ""
	switch {
	case o.merges():
		why = "a merge operator: RocksDB 7.8 cannot merge into entities"
	case o.c.Filter != cbridge.FilterNone || f.GoFilter != nil:
		why = "a compaction filter: RocksDB would keep all entities, whatever it says"
	case o.order.stamped:
		why = "Timestamps: RocksDB takes no entity with one"
	case f.RowTTL != 0:
		why = "RowTTL: RocksDB's TTL takes no entities"
	case f.BlobsFrom > 0 || blobsByName(settingsOf(f.Extra)):
		return errWideBlobs()
	}
	if why != "" {
		return invalid("", "WideColumns excludes "+why)
	}
	return nil
}

// blobsByName tells whether settings by RocksDB's names switch files of blobs on.
func blobsByName(settings map[string]string) bool {
	v, set := settings["enable_blob_files"]
	return set && v != "false" && v != "0"
}

// refuseWide refuses databases in which a family cannot hold entities: RocksDB's TTL writes no record of them and cuts
// four bytes off what it reads, and the batches of transactions take none in 7.8.
func (o *operators) refuseWide(timed bool, mode TxMode) error {
	switch {
	case !o.wide:
	case timed:
		return invalid("", "WideColumns and Options.TimedRows exclude each other: RocksDB's TTL takes no entities")
	case mode != NoTx:
		return invalid("", "WideColumns and Options.Transactions exclude each other: RocksDB 7.8 has no entities in transactions")
	}
	return nil
}
