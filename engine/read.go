package engine

import (
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// view is one family in one state: the newest, or a snapshot's. ColumnFamily and Snapshot read
// through it.
type view struct {
	cf   *ColumnFamily
	snap *snapshot // nil: the newest state
	over *indexed  // of MultiGet: a batch over that state; nil: none
	many bool      // keys of other families are read, too: each of them is looked at

	timed    bool // as of at
	at       uint64
	versions bool // all versions from since on
	since    uint64
}

// scratchSize is the longest value that Get copies twice rather than cross into C twice.
const scratchSize = 16 << 10

var scratch = sync.Pool{New: func() any { return new([scratchSize]byte) }}

// enter begins a read of a key. The guard comes first: once Close has begun, only it may free what a
// snapshot holds.
func (v *view) enter(op opKind, key []byte, o *ReadOptions) (cbridge.Read, error) {
	r := o.read()
	if err := v.cf.enter(o.context(), op); err != nil {
		return r, err
	}
	if err := v.timely(op); err != nil {
		v.cf.db.guard.leave(op)
		return r, v.cf.describe(err, opNames[op], nil)
	}
	r.Timed, r.At = v.timed, v.at
	if len(key) > MaxKeySize {
		v.cf.db.guard.leave(op)
		return r, v.cf.describe(dberr.New("", dberr.TooLarge, "the key exceeds MaxKeySize"), opNames[op], nil)
	}
	if v.snap != nil {
		if !v.snap.acquire() {
			v.cf.db.guard.leave(op)
			return r, ErrClosed
		}
		r.Snapshot = v.snap.c
	}
	return r, nil
}

// leave ends what enter began.
func (v *view) leave(op opKind) {
	if v.snap != nil {
		v.snap.release()
	}
	v.cf.db.guard.leave(op)
}

// explain completes an error of a read.
func (v *view) explain(err error, op opKind, key []byte, o *ReadOptions) error {
	if err == ErrNotFound {
		return err
	}
	if o != nil {
		err = timedOut(blocked(err, o.CacheOnly), o.Context)
	}
	return v.cf.describe(err, opNames[op], key)
}

// blind tells that no read of the cache only is made. RocksDB ends the process over one that meets an
// operand on top of a value in a blob file that is not in memory (seen on 7.8, where the library has
// assertions).
func (c *ColumnFamily) blind() bool { return c.merges && c.blobs.Load() }

func errBlind() error {
	return dberr.New("", dberr.WouldBlock, "a family that merges and has blob files is not read from the cache alone")
}

// lookup is the call into C, or, where many reads are cold, the two: see lanes. Asked to read the cache
// only, RocksDB gives an empty value for a key in a file that it would have to open (before 9.1), or in
// any file if there is no block cache: an empty value is then no answer.
func (v *view) lookup(r cbridge.Read, op opKind, key, buf []byte, o *ReadOptions) (n int, pinned cbridge.Pinned, err error) {
	cacheOnly, blind := r.Flags&cbridge.CacheOnly != 0, v.cf.blind()
	if cacheOnly && blind {
		return 0, cbridge.Pinned{}, v.explain(errBlind(), op, key, o)
	}
	if l := v.cf.db.guard.lanes; !cacheOnly && (l == nil || l.direct.try()) {
		n, pinned, err = v.call(&r, op, key, buf, o)
		if l != nil {
			l.direct.release()
		}
	} else {
		n, pinned, err = v.throughLanes(&r, op, key, buf, o)
	}
	if gone := v.unlessGone(nil, op); gone != nil {
		pinned.Free()
		err = gone
	}
	if err != nil {
		return 0, cbridge.Pinned{}, v.explain(err, op, key, o)
	}
	return n, pinned, nil
}

// call is the call into C.
func (v *view) call(r *cbridge.Read, op opKind, key, buf []byte, o *ReadOptions) (n int, pinned cbridge.Pinned, err error) {
	if v.cf.db.observed() {
		defer v.cf.db.observe(o.context(), op, v.cf, len(key))()
	}
	return v.cf.c.Get(r, key, buf)
}

// throughLanes is a lookup that is of the cache only, or finds many others under way.
func (v *view) throughLanes(r *cbridge.Read, op opKind, key, buf []byte, o *ReadOptions) (n int, pinned cbridge.Pinned, err error) {
	t := lookup{cacheOnly: r.Flags&cbridge.CacheOnly != 0, blind: v.cf.blind(), call: func(probe bool) bool {
		how := *r
		if probe {
			how.Flags |= cbridge.CacheOnly | cbridge.Probe
		}
		n, pinned, err = v.call(&how, op, key, buf, o)
		if err == nil && n == 0 && !pinned.Held() && how.Flags&cbridge.CacheOnly != 0 {
			err = errUncached(probe)
		}
		return probe && notCached(err)
	}}
	if *r == (cbridge.Read{}) {
		t.join = func(q *coldReads) (alone bool, waited error) {
			c, waited := q.get(o.context(), v.cf, key)
			if waited != nil {
				return false, waited
			}
			defer forget(c)
			err = c.err
			n, pinned = c.copyTo(buf)
			return c.alone, nil
		}
	}
	if waited := v.cf.db.guard.lanes.read(o.context(), t); waited != nil {
		err = waited
	}
	return n, pinned, err
}

// errUncached says that the cache alone does not answer. Of a probe nobody sees it.
func errUncached(probe bool) error {
	if probe {
		return cbridge.ErrUncached
	}
	return dberr.New("", dberr.WouldBlock, "")
}

// notCached reports that a read of the cache only would have had to go on to a file.
func notCached(err error) bool {
	if err == cbridge.ErrUncached {
		return true
	}
	e, ok := err.(*Error)
	return ok && (e.Code == dberr.Incomplete || e.Code == dberr.WouldBlock)
}

func (v *view) get(key []byte, o *ReadOptions) ([]byte, error) {
	r, err := v.enter(opGet, key, o)
	if err != nil {
		return nil, err
	}
	defer v.leave(opGet)
	buf := scratch.Get().(*[scratchSize]byte)
	defer scratch.Put(buf)
	n, pinned, err := v.lookup(r, opGet, key, buf[:], o)
	if err != nil {
		return nil, err
	}
	from := buf[:n]
	if pinned.Held() {
		defer pinned.Free()
		from = pinned.Data
	}
	value := make([]byte, len(from))
	copy(value, from)
	return value, nil
}

func (v *view) getAppend(dst, key []byte, o *ReadOptions) ([]byte, error) {
	r, err := v.enter(opGet, key, o)
	if err != nil {
		return dst, err
	}
	defer v.leave(opGet)
	n, pinned, err := v.lookup(r, opGet, key, dst[len(dst):cap(dst)], o)
	if err != nil {
		return dst, err
	}
	if pinned.Held() {
		defer pinned.Free()
		return append(dst, pinned.Data...), nil
	}
	if dst == nil {
		return []byte{}, nil // an empty value is there, unlike a missing one
	}
	return dst[:len(dst)+n], nil
}

func (v *view) getPinned(key []byte, o *ReadOptions, f func([]byte) error) error {
	r, err := v.enter(opGetPinned, key, o)
	if err != nil {
		return err
	}
	defer v.leave(opGetPinned)
	_, pinned, err := v.lookup(r, opGetPinned, key, nil, o)
	if err != nil {
		return err
	}
	if !pinned.Held() {
		return f([]byte{}) // an empty value
	}
	defer pinned.Free()
	if rbdebug.On {
		return lend(pinned.Data, f)
	}
	return f(pinned.Data)
}

func (v *view) has(key []byte, o *ReadOptions) (bool, error) {
	r, err := v.enter(opHas, key, o)
	if err != nil {
		return false, err
	}
	defer v.leave(opHas)
	if l := v.cf.db.guard.lanes; r.Flags&cbridge.CacheOnly == 0 && !v.timed && (l == nil || l.direct.try()) {
		if v.cf.db.observed() {
			end := v.cf.db.observe(o.context(), opHas, v.cf, len(key))
			err = v.cf.c.Has(r, key)
			end()
		} else {
			err = v.cf.c.Has(r, key)
		}
		err = v.explain(err, opHas, key, o)
		if l != nil {
			l.direct.release()
		}
	} else {
		var pinned cbridge.Pinned
		_, pinned, err = v.lookup(r, opHas, key, nil, o)
		pinned.Free()
	}
	if err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}
