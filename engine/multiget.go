package engine

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// Limits of one MultiGet: RocksDB and the C glue hold a few hundred bytes for each key while it runs.
const (
	MaxMultiGetKeys = 1 << 20  // keys
	MaxMultiGetSize = 64 << 30 // bytes of values together; keys together: MaxBatchSize
)

// multiGetMost is MaxMultiGetSize but in tests.
var multiGetMost uint64 = MaxMultiGetSize

// Value is what MultiGet gives for one key: Data, or an error. Data is not nil if the key is there,
// and nil with every error. ErrNotFound itself is the error of an absent key.
//
// The Data of one call lie in one buffer, or two, in Go memory that is the caller's: one that is kept
// keeps its buffer, so clone what is kept for long. None overlaps another, and cap is len.
type Value struct {
	Data []byte
	Err  error
}

// FamilyKey is a key in a column family.
type FamilyKey struct {
	Family *ColumnFamily
	Key    []byte
}

// MultiGet reads keys, in any order and as often as they are named, and answers in their order: one
// call into C, and a second one if the values exceed the buffer that was made for them. All come from
// one state of the family.
//
// The error of the call is for what concerns all keys: a closed handle, a dropped family, a context
// that has ended, ErrTooLarge beyond the limits. What concerns one key is in its Value: ErrNotFound,
// ErrTooLarge beyond MaxKeySize, ErrCorruption, ErrWouldBlock, ErrTimedOut. A file of which not even
// the index can be read fails up to 32 keys together, those beside the key too.
//
// The deadline of the context is looked at before each 32 keys, even if all are in memory. The buffer
// is made for what earlier calls on the family needed for a key, up to 4 MiB; what is not needed of
// it is given back when it is more than half.
func (c *ColumnFamily) MultiGet(keys [][]byte, o *ReadOptions) ([]Value, error) {
	return view{cf: c}.multiGet(keys, o)
}

// MultiGet reads keys of the default family: see ColumnFamily.MultiGet.
func (d *DB) MultiGet(keys [][]byte, o *ReadOptions) ([]Value, error) {
	return d.family().MultiGet(keys, o)
}

// MultiGetFamilies reads keys of several families as ColumnFamily.MultiGet does those of one: in one
// call, from one state of them all. Keys of a dropped family answer ErrFamilyDropped, those of another
// database's ErrInvalidArgument, those of a nil one ErrClosed.
func (d *DB) MultiGetFamilies(keys []FamilyKey, o *ReadOptions) ([]Value, error) {
	return view{cf: d.family()}.multiGetFamilies(keys, o)
}

// MultiGet reads as ColumnFamily.MultiGet does, in the snapshot's state.
func (s *Snapshot) MultiGet(keys [][]byte, o *ReadOptions) ([]Value, error) {
	v, err := s.view()
	if err != nil {
		return nil, err
	}
	return v.multiGet(keys, o)
}

// MultiGetFamilies reads as DB.MultiGetFamilies does, in the snapshot's state. The family that the
// snapshot is seen in does not matter.
func (s *Snapshot) MultiGetFamilies(keys []FamilyKey, o *ReadOptions) ([]Value, error) {
	if s == nil || s.s == nil || s.s.closed.Load() {
		return nil, ErrClosed
	}
	return view{cf: s.s.db.def, snap: s.s}.multiGetFamilies(keys, o)
}

// multiGet reads keys of the view's family.
func (v view) multiGet(keys [][]byte, o *ReadOptions) ([]Value, error) {
	r, err := v.enter(opMultiGet, nil, o)
	if err != nil {
		return nil, err
	}
	defer v.leave(opMultiGet)
	size := 0
	for _, key := range keys {
		size += len(key)
	}
	m, err := newMultiGet(v, o, len(keys), size)
	if err != nil {
		return nil, err
	}
	defer m.release()
	for i, key := range keys {
		m.add(i, v.cf, key)
	}
	return m.run(r)
}

// multiGetFamilies reads keys of any families of the view's database, in the view's state.
func (v view) multiGetFamilies(keys []FamilyKey, o *ReadOptions) ([]Value, error) {
	v.many = true
	r, err := v.enter(opMultiGet, nil, o)
	if err != nil {
		return nil, err
	}
	defer v.leave(opMultiGet)
	size := 0
	for _, k := range keys {
		size += len(k.Key)
	}
	m, err := newMultiGet(v, o, len(keys), size)
	if err != nil {
		return nil, err
	}
	defer m.release()
	for i, k := range keys {
		if m.values[i].Err = v.refusal(k.Family); m.values[i].Err == nil {
			m.add(i, k.Family, k.Key)
		}
	}
	return m.run(r)
}

// refusal is why no key of the family can be read, or nil.
func (v view) refusal(c *ColumnFamily) error {
	switch {
	case c == nil || c.db == nil:
		return ErrClosed
	case c.db != v.cf.db:
		return c.describe(invalid("", "the family belongs to another database"), opNames[opMultiGet], nil)
	case v.over != nil && c.ordered():
		return c.bytewiseOnly("indexed batch")
	case c.dropped.Load():
		return c.errDropped(opNames[opMultiGet])
	case c.stamped():
		return c.describe(errStamped(opNames[opMultiGet]), "", nil)
	}
	return nil
}

// multiGet is one call of MultiGet.
type multiGet struct {
	c      cbridge.MultiGet
	v      view
	o      *ReadOptions
	parts  []multiGetPart // by the number that c gave the family
	values []Value        // those without an error are of the keys of c, in their order
}

// multiGetPart is what a call reads of one family.
type multiGetPart struct {
	cf    *ColumnFamily
	keys  int
	bytes uint64 // of the values
}

// multiGetKept is how much memory a multiGet keeps for the next call, in bytes.
const multiGetKept = 1 << 20

var multiGets = sync.Pool{New: func() any { return new(multiGet) }}

// newMultiGet begins a call for so many keys, of size bytes together.
func newMultiGet(v view, o *ReadOptions, keys, size int) (*multiGet, error) {
	switch {
	case keys > MaxMultiGetKeys:
		return nil, v.tooLarge("more than MaxMultiGetKeys keys")
	case size > MaxBatchSize:
		return nil, v.tooLarge("the keys together exceed MaxBatchSize")
	}
	m := multiGets.Get().(*multiGet)
	m.v, m.o, m.values = v, o, make([]Value, keys)
	return m, nil
}

func (v view) tooLarge(msg string) error {
	return v.cf.describe(dberr.New("", dberr.TooLarge, msg), opNames[opMultiGet], nil)
}

// release frees what waits in C and keeps the rest for another call.
func (m *multiGet) release() {
	m.c.Reset()
	clear(m.parts)
	m.parts, m.v, m.o, m.values = m.parts[:0], view{}, nil, nil
	if m.c.Size() <= multiGetKept {
		multiGets.Put(m)
	}
}

// add adds key i, or says why it cannot be looked up.
func (m *multiGet) add(i int, c *ColumnFamily, key []byte) {
	if len(key) > MaxKeySize {
		m.values[i].Err = view{cf: c}.tooLarge("the key exceeds MaxKeySize")
		return
	}
	if m.o != nil && m.o.CacheOnly && c.blind() {
		m.values[i].Err = (&view{cf: c}).explain(errBlind(), opMultiGet, key, m.o)
		return
	}
	n := len(m.parts) - 1
	if n < 0 || m.parts[n].cf != c {
		n = slices.IndexFunc(m.parts, func(p multiGetPart) bool { return p.cf == c })
	}
	if n < 0 {
		n = m.c.Family(c.c)
		m.parts = append(m.parts, multiGetPart{cf: c})
	}
	m.parts[n].keys++
	m.c.Add(n, key)
}

// run looks the keys up and fills the values in.
func (m *multiGet) run(r cbridge.Read) ([]Value, error) {
	if m.c.Len() == 0 {
		return m.values, nil
	}
	room := 0
	for _, p := range m.parts {
		room += p.cf.valueSize.room(p.keys)
		// RocksDB's lookup of many keys that checks no sums fails over an empty blob (seen on 7.8).
		r.OneByOne = r.OneByOne || r.Flags&cbridge.NoVerify != 0 && p.cf.blobs.Load()
	}
	buf := make([]byte, min(room, multiGetRoom))
	used, need, err := m.look(r, buf)
	if !m.v.many {
		err = m.v.unlessGone(err, opMultiGet)
	}
	if err != nil {
		return nil, m.v.cf.describe(err, opNames[opMultiGet], nil)
	}
	if uint64(used)+need > multiGetMost {
		return nil, m.v.tooLarge("the values together exceed MaxMultiGetSize")
	}
	if used < len(buf)/2 {
		buf = append(make([]byte, 0, used), buf[:used]...)
	}
	var rest []byte
	if need > 0 {
		rest = make([]byte, need)
		m.c.Rest(rest)
	}
	m.deliver(buf, rest)
	return m.values, nil
}

// look takes the lookup through the lanes.
func (m *multiGet) look(r cbridge.Read, buf []byte) (used int, need uint64, err error) {
	blind := slices.ContainsFunc(m.parts, func(p multiGetPart) bool { return p.cf.blind() })
	cacheOnly := r.Flags&cbridge.CacheOnly != 0
	t := lookup{cacheOnly: cacheOnly, blind: blind && !cacheOnly, call: func(probe bool) bool {
		how := r
		if probe {
			how.Flags |= cbridge.CacheOnly
		}
		used, need, err = m.call(how, buf)
		if !probe || err != nil || !m.c.Uncached() {
			return false
		}
		m.c.Free()
		return true
	}}
	if waited := m.v.cf.db.guard.lanes.read(m.o.context(), t); waited != nil {
		err = waited
	}
	return used, need, err
}

// call is the call into C that looks the keys up.
func (m *multiGet) call(r cbridge.Read, buf []byte) (used int, need uint64, err error) {
	m.v.cf.db.counters.multiGetKeys.Add(uint64(m.c.Len()))
	if m.v.cf.db.observed() {
		defer m.v.cf.db.observe(m.o.context(), opMultiGet, m.v.cf, noKey)()
	}
	if m.v.over != nil {
		return m.v.over.lookupMany(&m.c, r, buf)
	}
	return m.c.Get(r, buf)
}

// deliver gives each key its part of the buffers, and learns from what they hold.
func (m *multiGet) deliver(buf, rest []byte) {
	next, at := 0, 0
	for i := range m.values {
		if m.values[i].Err != nil {
			continue // it was not looked up
		}
		part, key := &m.parts[m.c.FamilyOf(next)], m.c.Key(next, at)
		data, err := m.c.Value(next, buf, rest)
		if err == nil && len(data) == 0 && m.v.over == nil && m.o != nil && m.o.CacheOnly {
			err = dberr.New("", dberr.WouldBlock, "") // as in view.lookup
		}
		if err != nil {
			data, err = nil, (&view{cf: part.cf}).explain(err, opMultiGet, key, m.o)
		}
		m.values[i] = Value{data, err}
		part.bytes += uint64(len(data))
		next, at = next+1, at+len(key)
	}
	for _, p := range m.parts {
		p.cf.valueSize.learn(p.keys, p.bytes)
	}
}

const (
	multiGetRoom  = 4 << 20 // the largest buffer that is made before it is known what is needed
	multiGetGuess = 128     // bytes a value, before anything is known
)

// valueSize estimates how large the values of a family are that MultiGet reads, misses counted as
// empty ones.
type valueSize struct{ perKey atomic.Int64 }

// room is how many bytes n values will take, by the estimate and with a quarter to spare.
func (s *valueSize) room(n int) int {
	size := s.perKey.Load()
	if size == 0 {
		size = multiGetGuess
	}
	if most := int64(multiGetRoom / n); size > most {
		return multiGetRoom
	}
	return n*int(size)*5/4 + 64
}

// learn takes a result of n values into the estimate: a larger one at once, so that the next call of
// the kind needs no second crossing, a smaller one by an eighth of the difference.
func (s *valueSize) learn(n int, bytes uint64) {
	mean := int64(min(bytes/uint64(n)+1, math.MaxInt32))
	old := s.perKey.Load()
	if old > mean {
		mean = old - (old-mean+7)/8
	}
	if mean != old {
		s.perKey.Store(mean) // an estimate: two calls at once may overwrite each other
	}
}
