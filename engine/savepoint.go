package engine

import (
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// LogData adds a record that goes to the write-ahead log only and touches no key.
func (b *Batch) LogData(blob []byte) error {
	if rbdebug.On {
		defer b.inside("Batch.LogData")()
	}
	if b == nil {
		return ErrClosed
	}
	s := b.state()
	if uint64(len(s.rep))+uint64(len(blob))+recordRoom > MaxBatchSize || len(blob) > MaxValueSize {
		return b.refuse("log data", nil, dberr.New("", dberr.TooLarge, "the batch exceeds MaxBatchSize"))
	}
	if len(s.rep) == 0 {
		s.rep = batchrepr.AppendHeader(s.rep)
	}
	s.rep = batchrepr.AppendLogData(s.rep, blob)
	return nil
}

// SetSavepoint remembers the present state for RollbackToSavepoint. Savepoints nest. It never fails.
func (b *Batch) SetSavepoint() error {
	if rbdebug.On {
		defer b.inside("Batch.SetSavepoint")()
	}
	if b == nil {
		return ErrClosed
	}
	s := b.state()
	s.saves = append(s.saves, savepoint{max(len(s.rep), batchrepr.HeaderLen), s.count})
	return nil
}

// RollbackToSavepoint takes back the records since the newest savepoint and forgets that savepoint.
// ErrInvalidArgument if there is none. The error of a refused record stays.
func (b *Batch) RollbackToSavepoint() error {
	if rbdebug.On {
		defer b.inside("Batch.RollbackToSavepoint")()
	}
	s := b.state()
	if len(s.saves) == 0 {
		return b.refuse("rollback to savepoint", nil, invalid("", "there is no savepoint"))
	}
	p := s.saves[len(s.saves)-1]
	s.saves = s.saves[:len(s.saves)-1]
	if len(s.rep) <= p.size {
		return nil
	}
	s.rep = s.rep[:p.size]
	s.count = p.count
	s.recountUses()
	return nil
}

// recountUses finds out again which families the records name.
func (b *Batch) recountUses() {
	known := append([]familyUse(nil), b.uses...)
	b.forgetUses()
	b.seal()
	for r := range batchrepr.Records(b.rep) {
		if r.Kind == KindLogData {
			continue
		}
		i := b.useOf(nil, r.Family)
		b.uses[i].saw(r.Kind)
	}
	for i := range b.uses {
		for _, k := range known {
			if k.id != b.uses[i].id {
				continue
			}
			b.uses[i].also(k)
			if k.cf != nil {
				b.uses[i].cf, b.db = k.cf, k.cf.db
			}
		}
	}
}

// Append adds the records of other, which is unchanged, in their families. It is ErrInvalidArgument if
// the two name families of different databases, and other's refused record is refused here too.
func (b *Batch) Append(other *Batch) error {
	if rbdebug.On {
		defer b.around("Batch.Append")()
	}
	if b == nil || other == nil {
		return b.refuse("append", nil, invalid("", "the batch is nil"))
	}
	s, o := b.state(), other.state()
	if rbdebug.On && s != o {
		defer other.around("Batch.Append of it")()
	}
	switch {
	case o.err != nil:
		return b.refuse("append", nil, refused(o.err))
	case s.db != nil && o.db != nil && s.db != o.db:
		return b.refuse("append", nil, invalid("", "the batches name families of different databases"))
	case uint64(len(s.rep))+uint64(len(o.rep)) > MaxBatchSize || uint64(s.count)+uint64(o.count) > 1<<32-1:
		return b.refuse("append", nil, dberr.New("", dberr.TooLarge, "the batch exceeds MaxBatchSize"))
	case len(o.rep) == 0:
		return nil
	}
	if len(s.rep) == 0 {
		s.rep = batchrepr.AppendHeader(s.rep)
	}
	s.rep = append(s.rep, o.rep[batchrepr.HeaderLen:]...)
	s.count += o.count
	if o.db != nil {
		s.db = o.db
	}
	for _, u := range append([]familyUse(nil), o.uses...) {
		i := s.useOf(u.cf, u.id)
		s.uses[i].merges = s.uses[i].merges || u.merges
		s.uses[i].unchecked = s.uses[i].unchecked || u.unchecked
		s.uses[i].wide = s.uses[i].wide || u.wide
		s.uses[i].also(u)
		if s.uses[i].cf == nil {
			s.uses[i].cf = u.cf
		}
	}
	return nil
}
