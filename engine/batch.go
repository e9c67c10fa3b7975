package engine

import (
	"iter"
	"math"
	"strconv"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Record is one record of a batch; its slices alias the batch. Key and Value are start and end for
// KindDeleteRange, Value is the operand for KindMerge, the blob for KindLogData, and for KindPutEntity what Columns gives.
type Record = batchrepr.Record

// RecordKind tells what a record does.
type RecordKind = batchrepr.Kind

// The kinds of records.
const (
	KindPut          = batchrepr.KindPut
	KindDelete       = batchrepr.KindDelete
	KindSingleDelete = batchrepr.KindSingleDelete
	KindMerge        = batchrepr.KindMerge
	KindDeleteRange  = batchrepr.KindDeleteRange
	KindLogData      = batchrepr.KindLogData
	KindPutEntity    = batchrepr.KindPutEntity
)

// Batch collects writes that DB.Write commits atomically. It is built in Go, in RocksDB's own format,
// without a call into C. The zero value is ready; it must not be copied. One goroutine at a time may
// use it. It suits any database, unless In named a family: then that family's.
type Batch struct {
	_ noCopy

	// A view made by In has the batch it belongs to and its family; all else lives in that batch.
	root *Batch
	cf   *ColumnFamily
	id   uint32 // number of its family
	use  int    // index of its family in the root's uses, while mark is the root's epoch
	mark uint32

	rep   []byte // RocksDB's WriteBatch; empty or with a header, whose count seal sets
	count uint32
	epoch uint32 // counts what makes views look their family up again; never 0 once used
	db    *DB    // of the families named so far
	uses  []familyUse
	views []*Batch
	saves []savepoint
	err   error // of the first record refused
}

// noCopy lets go vet find copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// familyUse is a family that a batch's records name. cf is nil where only the number is known.
type familyUse struct {
	cf        *ColumnFamily
	id        uint32
	merges    bool
	unchecked bool // operands were merged that the family's operator has not seen
	wide      bool // entities were put

	plain, stamped, foreign bool // there are records without a timestamp, with one, of which that is not known
}

// also notes what there is of another use of the family.
func (u *familyUse) also(o familyUse) {
	u.plain, u.stamped, u.foreign = u.plain || o.plain, u.stamped || o.stamped, u.foreign || o.foreign
}

// saw notes a record from elsewhere.
func (u *familyUse) saw(kind RecordKind) {
	switch kind {
	case KindMerge:
		u.merges, u.unchecked = true, true
	case KindPutEntity:
		u.wide = true
	}
}

// savepoint is a length to return to.
type savepoint struct {
	size  int
	count uint32
}

// newBatchRoom is the space that NewBatch provides.
const newBatchRoom = 4 << 10

// keepBatch is how much memory Reset keeps.
const keepBatch = 1 << 20

// NewBatch makes a batch with room for some records. It makes no call into C and needs no open
// database.
func (d *DB) NewBatch() *Batch { return &Batch{rep: make([]byte, 0, newBatchRoom)} }

// ParseBatch makes a batch from bytes in RocksDB's format, such as Repr gives, which are copied. Every
// record is checked: RocksDB would log a malformed batch before it looked at it, and the database
// could not be opened again. ErrCorruption says where it is malformed, ErrTooLarge that it exceeds
// MaxBatchSize.
func ParseBatch(repr []byte) (*Batch, error) {
	if len(repr) > MaxBatchSize {
		return nil, dberr.New("parse batch", dberr.TooLarge, "the batch exceeds MaxBatchSize")
	}
	sum, err := batchrepr.Check(repr)
	if err != nil {
		return nil, dberr.Wrap("parse batch", dberr.Corruption, err)
	}
	if sum.MaxKey > MaxKeySize || sum.MaxValue > MaxValueSize {
		return nil, dberr.New("parse batch", dberr.TooLarge, "a record exceeds MaxKeySize or MaxValueSize")
	}
	b := &Batch{rep: append(make([]byte, 0, len(repr)), repr...), count: sum.Count}
	for r := range batchrepr.Records(b.rep) {
		if err := b.note(r); err != nil {
			return nil, dberr.Wrap("parse batch", dberr.Corruption, err)
		}
	}
	return b, nil
}

// note records the family that a record from outside names, and refuses what RocksDB would notice
// after logging it.
func (b *Batch) note(r Record) error {
	switch r.Kind {
	case KindLogData:
		return nil
	case KindDeleteRange:
		if err := checkRange(r.Key, r.Value); err != nil {
			return err
		}
	}
	i := b.useOf(nil, r.Family)
	b.uses[i].saw(r.Kind)
	b.uses[i].foreign = true
	return nil
}

// state is the batch that holds the records: itself, or that of a view.
func (b *Batch) state() *Batch {
	if b == nil {
		return new(Batch)
	}
	if b.root != nil {
		return b.root
	}
	return b
}

// In returns the same batch aimed at family c: its Put, Delete and so on name c, while Size, Count,
// Reset and Repr are of the whole. It allocates at most once for each family of a batch.
func (b *Batch) In(c *ColumnFamily) *Batch {
	if rbdebug.On {
		defer b.inside("Batch.In")()
	}
	if b == nil {
		return nil
	}
	s := b.state()
	for _, v := range s.views {
		if v.cf == c {
			return v
		}
	}
	v := &Batch{root: s, cf: c}
	s.views = append(s.views, v)
	return v
}

// useOf finds or adds a family among those the batch names.
func (b *Batch) useOf(cf *ColumnFamily, id uint32) int {
	for i := range b.uses {
		if b.uses[i].id == id {
			return i
		}
	}
	b.uses = append(b.uses, familyUse{cf: cf, id: id})
	return len(b.uses) - 1
}

// begin prepares for a record of up to n bytes more in the family that b is aimed at.
func (b *Batch) begin(n int) (s *Batch, err error) {
	if b == nil {
		return nil, ErrClosed
	}
	s = b.state()
	if b.mark == 0 || b.mark != s.epoch {
		if err := b.register(s, false); err != nil {
			return s, err
		}
	}
	return s, s.fits(n)
}

// fits refuses a record of up to n bytes more that the batch cannot hold.
func (b *Batch) fits(n int) error {
	if uint64(len(b.rep))+uint64(n)+recordRoom > MaxBatchSize || b.count == math.MaxUint32 {
		return dberr.New("", dberr.TooLarge, "the batch exceeds MaxBatchSize")
	}
	return nil
}

// addAt adds a record with a timestamp.
func (b *Batch) addAt(op string, key []byte, timestamp uint64, value []byte, add func(rep []byte, family uint32, key, value []byte) []byte) error {
	if rbdebug.On {
		defer b.inside("Batch." + op + " with a timestamp")()
	}
	if b == nil {
		return ErrClosed
	}
	s := b.state()
	stored, err := stampedKey(key, timestamp, value)
	if err == nil {
		err = b.register(s, true)
	}
	if err == nil {
		err = s.fits(len(stored) + len(value))
	}
	if err != nil {
		return b.refuse(op, key, err)
	}
	s.rep = add(s.rep, b.id, stored, value)
	s.count++
	return nil
}

// recordRoom is more than tag, family number and two lengths take.
const recordRoom = 32

// register notes in s that records of b's family follow, without a timestamp until it is called again, or one
// that has one.
func (b *Batch) register(s *Batch, stamped bool) error {
	if b.root != nil {
		if b.cf == nil || b.cf.db == nil {
			return ErrClosed
		}
		if s.db != nil && s.db != b.cf.db {
			return invalid("", "the batch names families of another database")
		}
		switch {
		case stamped && !b.cf.stamped():
			return errUnstamped("")
		case !stamped && b.cf.stamped():
			return errStamped("")
		}
		b.id, s.db = b.cf.c.ID, b.cf.db
	}
	if len(s.rep) == 0 {
		s.rep = batchrepr.AppendHeader(s.rep)
	}
	b.use = s.useOf(b.cf, b.id)
	if b.cf != nil {
		s.uses[b.use].cf = b.cf
	}
	if s.epoch == 0 {
		s.epoch = 1
	}
	b.mark = s.epoch
	if stamped {
		s.uses[b.use].stamped = true
		b.mark = 0 // so that the next record without one is noticed
	} else {
		s.uses[b.use].plain = true
	}
	return nil
}

// seal writes the count into the header, so that rep is a whole batch.
func (b *Batch) seal() {
	if len(b.rep) == 0 {
		b.rep = batchrepr.AppendHeader(b.rep)
	}
	batchrepr.SetCount(b.rep, b.count)
}

// forgetUses makes b and its views look their families up again.
func (b *Batch) forgetUses() {
	b.db, b.uses = nil, b.uses[:0]
	if b.epoch++; b.epoch == 0 {
		b.epoch = 1
		b.mark = 0
		for _, v := range b.views {
			v.mark = 0
		}
	}
}

// refuse remembers the error of a record that was not taken: Write will fail with it.
func (b *Batch) refuse(op string, key []byte, err error) error {
	if b == nil {
		return ErrClosed
	}
	s := b.state()
	if e, ok := err.(*Error); ok {
		e.Op = op
		if len(key) <= MaxKeySize {
			e.Key = append([]byte{}, key...)
		}
		if b.cf != nil {
			e.Family = b.cf.name
		}
	}
	if s.err == nil {
		s.err = err
	}
	return err
}

// Put adds a record that sets key to value. A record that is refused, with ErrTooLarge or ErrClosed,
// leaves the batch as it was, and Write of it fails too.
func (b *Batch) Put(key, value []byte) error {
	if rbdebug.On {
		defer b.inside("Batch.Put")()
	}
	if b == nil {
		return ErrClosed
	}
	s := b
	if b.root != nil {
		s = b.root
	}
	// The common case, without a call but to copy: the family is known and everything fits.
	if b.mark != 0 && b.mark == s.epoch && len(key) <= MaxKeySize && len(value) <= MaxValueSize &&
		len(s.rep)+len(key)+len(value) <= MaxBatchSize-recordRoom && s.count != math.MaxUint32 {
		s.rep = batchrepr.AppendPut(s.rep, b.id, key, value)
		s.count++
		return nil
	}
	return b.putFirst(key, value)
}

// putFirst is Put for the first record of a family, and for what is refused.
func (b *Batch) putFirst(key, value []byte) error {
	if len(key) > MaxKeySize || len(value) > MaxValueSize {
		return b.refuse("put", key, checkSizes(key, value))
	}
	s, err := b.begin(len(key) + len(value))
	if err != nil {
		return b.refuse("put", key, err)
	}
	s.rep = batchrepr.AppendPut(s.rep, b.id, key, value)
	s.count++
	return nil
}

// Delete adds a record that deletes key.
func (b *Batch) Delete(key []byte) error {
	if rbdebug.On {
		defer b.inside("Batch.Delete")()
	}
	err := checkSizes(key, nil)
	if err == nil {
		var s *Batch
		if s, err = b.begin(len(key)); err == nil {
			s.rep = batchrepr.AppendDelete(s.rep, b.id, key)
			s.count++
			return nil
		}
	}
	return b.refuse("delete", key, err)
}

// SingleDelete adds a record that deletes a key that was put once; see ColumnFamily.SingleDelete.
func (b *Batch) SingleDelete(key []byte) error {
	if rbdebug.On {
		defer b.inside("Batch.SingleDelete")()
	}
	err := checkSizes(key, nil)
	if err == nil {
		var s *Batch
		if s, err = b.begin(len(key)); err == nil {
			s.rep = batchrepr.AppendSingleDelete(s.rep, b.id, key)
			s.count++
			return nil
		}
	}
	return b.refuse("single delete", key, err)
}

// Merge adds a record that merges operand into key. Whether the family has a merge operator, and
// whether the operand is fit for it, is looked at by Write, and here if In named the family.
func (b *Batch) Merge(key, operand []byte) error {
	if rbdebug.On {
		defer b.inside("Batch.Merge")()
	}
	err := checkSizes(key, operand)
	if err == nil && b != nil && b.cf != nil && b.cf.db != nil {
		err = b.cf.checkMerge(operand)
	}
	if err == nil {
		var s *Batch
		if s, err = b.begin(len(key) + len(operand)); err == nil {
			s.rep = batchrepr.AppendMerge(s.rep, b.id, key, operand)
			u := &s.uses[b.use]
			u.merges, u.unchecked = true, u.unchecked || b.cf == nil
			s.count++
			return nil
		}
	}
	return b.refuse("merge", key, err)
}

// DeleteRange adds a record that deletes the keys in [start, end). A nil end and a start above end are
// ErrInvalidArgument.
func (b *Batch) DeleteRange(start, end []byte) error {
	if rbdebug.On {
		defer b.inside("Batch.DeleteRange")()
	}
	err := ErrClosed
	if b != nil {
		err = b.cf.checkRange(start, end)
	}
	if err == nil {
		var s *Batch
		if s, err = b.begin(len(start) + len(end)); err == nil {
			s.rep = batchrepr.AppendDeleteRange(s.rep, b.id, start, end)
			s.count++
			return nil
		}
	}
	return b.refuse("delete range", start, err)
}

// Size is the length of Repr in bytes.
func (b *Batch) Size() int {
	if rbdebug.On {
		defer b.inside("Batch.Size")()
	}
	return max(len(b.state().rep), batchrepr.HeaderLen)
}

// Count is the number of records that touch keys.
func (b *Batch) Count() int {
	if rbdebug.On {
		defer b.inside("Batch.Count")()
	}
	return int(b.state().count)
}

// Repr is the batch in RocksDB's format. It aliases the batch until its next change.
func (b *Batch) Repr() []byte {
	if rbdebug.On {
		defer b.inside("Batch.Repr")()
	}
	s := b.state()
	s.seal()
	return s.rep[:len(s.rep):len(s.rep)]
}

// Records ranges over the records in order. It cannot fail: only valid batches exist.
func (b *Batch) Records() iter.Seq[Record] { return batchrepr.Records(b.Repr()) }

// Reset empties the batch, keeps memory up to 1 MiB, and forgets the error of a refused record, the
// savepoints and the database it was tied to.
func (b *Batch) Reset() {
	if rbdebug.On {
		defer b.inside("Batch.Reset")()
	}
	s := b.state()
	if cap(s.rep) > keepBatch {
		s.rep = nil
	}
	s.rep = s.rep[:0]
	s.forgetUses()
	s.count, s.saves, s.err = 0, s.saves[:0], nil
}

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
