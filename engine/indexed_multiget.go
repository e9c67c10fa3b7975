package engine

import "github.com/rockbridge-db/rockbridge/cbridge"

// MultiGet reads keys as ColumnFamily.MultiGet does, with the values that they would have if the batch
// had been committed: one call into C brings the index the records it lacks, looks the keys up, in one
// state of the family, and merges. A key whose merge fails has the operator's error.
func (b *IndexedBatch) MultiGet(keys [][]byte, o *ReadOptions) ([]Value, error) {
	v, err := b.lockView()
	if err != nil {
		return nil, err
	}
	defer b.s.mu.Unlock()
	return b.s.layered(v).multiGet(keys, o)
}

// MultiGetFamilies reads keys of several families as MultiGet does those of one: in one call, over one
// state of them all. The family that the batch is aimed at does not matter. What is refused is refused
// as by DB.MultiGetFamilies.
func (b *IndexedBatch) MultiGetFamilies(keys []FamilyKey, o *ReadOptions) ([]Value, error) {
	if err := b.lock(); err != nil {
		return nil, err
	}
	defer b.s.mu.Unlock()
	return b.s.layered(view{cf: b.s.db.def, snap: b.s.base}).multiGetFamilies(keys, o)
}

// layered puts the batch over a view, unless it has nothing to say.
func (s *indexed) layered(v view) view {
	if !s.plain() {
		v.over = s
	}
	return v
}

// lookupMany is the call into C for a read of many keys, within the database's guard. s.mu is held
// until what waits in C is taken or freed: it may lie in the index.
func (s *indexed) lookupMany(m *cbridge.MultiGet, r cbridge.Read, buf []byte) (used int, need uint64, err error) {
	rep, err := s.replay()
	if err != nil {
		return 0, 0, err
	}
	used, need, taken, err := m.GetOver(s.over, rep, r, buf)
	if taken {
		s.taken(rep)
	}
	return used, need, err
}
