package server

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// exec runs commands, one after the other, over one state of the keys that they name: what those before have done is seen
// by those behind, and by all others at once, when commit has written it.
type exec struct {
	s   *Server
	c   *client
	out *reply
	now int64 // milliseconds since 1970, the same for all
	db  int

	slots   []slot
	index   slotIndex
	named   []naming
	turn    int      // in named: where the command that runs has come to
	flushed []int    // databases that were emptied, -1 for all
	lost    []string // watched keys that were there then
	arena   []byte   // of keys and rows
	read    int      // bytes of rows that are not in the arena
	batch   *engine.Batch
}

// naming is an argument that names a key: a command that comes to it need not look for its slot. It is known by where it lies.
type naming struct {
	first        *byte
	size, db, at int // at: of the slot
}

// slot is a key, and what it holds by now.
type slot struct {
	key     []byte
	hash    uint64
	at      int  // in exec.slots
	asked   bool // it is to be read with others
	loaded  bool
	there   bool
	expired bool // its row is there
	dirty   bool
	now     value
	row     []byte // of now, if dirty
}

// execs are those that run nothing: clients that wait have none, and the next gets memory that is warm.
var execs = sync.Pool{New: func() any { return &exec{batch: &engine.Batch{}} }}

// begin gives what runs a client's commands until end.
func begin(c *client) *exec {
	x := execs.Get().(*exec)
	x.s, x.c, x.out, x.db = c.server, c, &c.out, c.db
	x.now = time.Now().UnixMilli()
	return x
}

// end forgets everything but some memory.
func (x *exec) end() {
	if x.batch.Size() > keptMemory || cap(x.arena) > keptMemory || cap(x.slots) > keptSlots || cap(x.named) > keptSlots {
		return
	}
	x.batch.Reset()
	clear(x.slots)
	clear(x.index)
	clear(x.named)
	*x = exec{
		slots: x.slots[:0], index: x.index, named: x.named[:0], flushed: x.flushed[:0], arena: x.arena[:0], batch: x.batch,
	}
	execs.Put(x)
}

// What of an exec is kept.
const (
	keptMemory = 1 << 20
	keptSlots  = 4096
)

// keep copies into the arena.
func (x *exec) keep(parts ...[]byte) []byte {
	from := len(x.arena)
	for _, p := range parts {
		x.arena = append(x.arena, p...)
	}
	return x.arena[from:len(x.arena):len(x.arena)]
}

// slot is that of a key of the selected database. The pointer is good until the next call.
func (x *exec) slot(key []byte) *slot {
	if s := x.foreseen(key); s != nil {
		return s
	}
	var prefix [1]byte
	full := x.keep(appendKey(prefix[:0], x.db, nil), key)
	hash := x.s.locks.hash(full)
	if i, ok := x.index.find(x.slots, hash, full); ok {
		x.arena = x.arena[:len(x.arena)-len(full)]
		return &x.slots[i]
	}
	x.slots = append(x.slots, slot{key: full, hash: hash, at: len(x.slots), loaded: x.emptied(x.db)})
	x.index.add(x.slots)
	return &x.slots[len(x.slots)-1]
}

// foreseen is the slot of an argument that foresee saw, if it is the one that the running command is at, or the next; or nil.
func (x *exec) foreseen(key []byte) *slot {
	for i := x.turn; i < min(x.turn+2, len(x.named)); i++ {
		if n := &x.named[i]; len(key) > 0 && n.first == &key[0] && n.size == len(key) && n.db == x.db {
			x.turn = i
			return &x.slots[n.at]
		}
	}
	return nil
}

// memory is what the commands before the next have read and made.
func (x *exec) memory() int { return x.read + len(x.arena) }

// load reads slots of which the state is not known, by one call unless rows are known to be large. What it leaves, as there is much
// already, is read when a command asks for it.
func (x *exec) load(read []int) error {
	for most := x.memory() + heldBytes; len(read) > 0 && x.memory() <= most; {
		n := min(len(read), x.s.rowsAtOnce())
		if err := x.loadAtOnce(read[:n]); err != nil {
			return err
		}
		read = read[n:]
	}
	return nil
}

func (x *exec) loadAtOnce(read []int) error {
	if len(read) == 1 {
		s := &x.slots[read[0]]
		from := len(x.arena)
		row, err := x.s.keys.GetAppend(x.arena, s.key, nil)
		if err == nil {
			x.arena = row
			x.s.noteRow(len(row) - from)
		}
		return s.take(row[min(from, len(row)):], err, x.now)
	}
	keys := make([][]byte, len(read))
	for i, at := range read {
		keys[i] = x.slots[at].key
	}
	rows, err := x.s.keys.MultiGet(keys, nil)
	if err != nil {
		return err
	}
	for i, at := range read {
		x.read += len(rows[i].Data)
		x.s.noteRow(len(rows[i].Data))
		if err := x.slots[at].take(rows[i].Data, rows[i].Err, x.now); err != nil {
			return err
		}
	}
	return nil
}

// What commands that are executed together hold about at most, when there is more than one, and rows that none is afraid of.
const (
	heldBytes = 8 << 20
	smallRow  = heldBytes / segmentCalls
)

// noteRow remembers the largest row that was seen.
func (s *Server) noteRow(size int) {
	for size > smallRow {
		largest := s.largest.Load()
		if int64(size) <= largest || s.largest.CompareAndSwap(largest, int64(size)) {
			return
		}
	}
}

// rowsAtOnce is how many rows fit into what may be held, were they as large as the largest that was seen.
func (s *Server) rowsAtOnce() int {
	return max(1, heldBytes/max(smallRow, int(s.largest.Load())))
}

// take fills a slot with what was read. What has expired is not there.
func (s *slot) take(row []byte, err error, now int64) error {
	switch {
	case errors.Is(err, engine.ErrNotFound):
	case err != nil:
		return err
	default:
		v, ok := decodeValue(row)
		if !ok {
			return errForeignRow
		}
		s.now, s.there = v, v.expiry > now
		s.expired = !s.there
	}
	s.loaded = true
	return nil
}

// errForeignRow is the answer for what another program, or a later version, has written.
const errForeignRow failure = "ERR the value was not written by this server"

// get is a key's value, of any kind.
func (x *exec) get(key []byte) (*slot, error) {
	s := x.slot(key)
	if !s.loaded {
		if err := x.loadAtOnce([]int{s.at}); err != nil {
			return nil, err
		}
	}
	if s.there {
		x.s.stats.hits.Add(1)
	} else {
		x.s.stats.misses.Add(1)
		if s.expired {
			x.s.stats.expired.Add(1)
			x.s.expired.offer(s.key)
		}
	}
	return s, nil
}

// text is a key's string; an error if it holds something else.
func (x *exec) text(key []byte) (*slot, error) {
	s, err := x.get(key)
	if err == nil && s.there && s.now.kind != kindString {
		return nil, errWrongType
	}
	return s, err
}

// put gives a key a string. Data may be of the client's buffer; it is copied.
func (x *exec) put(key, data []byte, expiry int64) {
	s := x.slot(key)
	from := len(x.arena)
	x.arena = append(appendHeader(x.arena, kindString, expiry), data...)
	s.row = x.arena[from:len(x.arena):len(x.arena)]
	x.s.noteRow(len(s.row))
	s.now, _ = decodeValue(s.row)
	s.loaded, s.dirty, s.there, s.expired = true, true, true, false
	if expiry <= x.now {
		s.there = false
	}
}

// remove takes a key away that is there.
func (s *slot) remove() {
	s.there, s.expired, s.dirty, s.loaded, s.now = false, false, true, true, value{}
}

// flush empties a database, or all of them.
func (x *exec) flush(db int) error {
	if err := x.loseWatched(db); err != nil {
		return err
	}
	x.flushed = append(x.flushed, db)
	for i := range x.slots {
		if s := &x.slots[i]; db < 0 || int(s.key[0]) == db {
			s.there, s.expired, s.dirty, s.loaded, s.now = false, false, false, true, value{}
		}
	}
	return nil
}

// loseWatched notes the watched keys that are there, which their watchers are told of: they lose them.
func (x *exec) loseWatched(db int) error {
	selected := x.db
	defer func() { x.db = selected }()
	for _, full := range x.s.watches.of(db) {
		x.db = int(full[0])
		s, err := x.get([]byte(full[1:]))
		if err != nil {
			return err
		}
		if s.there {
			x.lost = append(x.lost, full)
		}
	}
	return nil
}

func (x *exec) emptied(db int) bool {
	return slices.ContainsFunc(x.flushed, func(f int) bool { return f < 0 || f == db })
}

// commit writes what the commands have done, at once, and tells those who watch. Locks of all keys that may have changed are
// the caller's.
func (x *exec) commit() error {
	for _, db := range x.flushed {
		if err := x.batch.DeleteRange(bounds(db)); err != nil {
			return err
		}
	}
	for i := range x.slots {
		s := &x.slots[i]
		var err error
		switch {
		case s.dirty && s.there:
			err = x.batch.Put(s.key, s.row)
		case s.dirty:
			err = x.batch.Delete(s.key)
		}
		if err != nil {
			return err
		}
	}
	if x.batch.Count() == 0 {
		return nil
	}
	if err := x.s.write(x.batch); err != nil {
		return err
	}
	x.tell()
	return nil
}

// tell marks the clients that watch what has changed.
func (x *exec) tell() {
	w := &x.s.watches
	if w.none() {
		return
	}
	for _, key := range x.lost {
		w.touched([]byte(key))
	}
	for i := range x.slots {
		if s := &x.slots[i]; s.dirty {
			w.touched(s.key)
		}
	}
}
