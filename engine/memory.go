package engine

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// MemoryBudget is memory that several databases share: one block cache for the blocks of all of
// them, index and filter blocks too, out of which comes the memory of their memtables, up to half of
// the budget. Databases join it by Options.Memory. It is safe for concurrent use. A nil or zero
// MemoryBudget answers as a closed one.
//
// The budget is what RocksDB steers to, not a wall: blocks in use cannot be dropped, memtables that
// iterators pin cannot be freed, and writes go on while a flush makes room. Nothing ever waits for
// room in it.
//
// It counts what malloc hands out, not what the process holds: glibc keeps what the cache drops, in each of its arenas up
// to as much as the budget. With MALLOC_ARENA_MAX=2 in the environment of a process that is twice the budget, with the
// usual number of arenas several times. See docs/allocator.md.
//
// With RocksDB 8.9 and later, and before with the build tag rb_cxx (feature SharedMemtables), the memtables of all databases share their
// half, and the cache uses what they leave. Before, RocksDB limits memtables only database by
// database: each that is open for writing takes its Options.MemtableShare away from the cache for as
// long as it is open.
//
// A database's Options.RowCacheSize is taken away from the cache too, for as long as it is open.
//
// Families that Options.Families does not list are opened with the options in the OPTIONS file: their
// index and filter blocks stay outside the cache if they were made without a budget.
type MemoryBudget struct {
	mu     sync.Mutex
	c      *cbridge.Memory // nil: closed
	bytes  int64
	shares int64 // of databases that take part of the cache away, for memtables and rows
	users  map[*DB]bool
}

// MemoryUsage is what of a budget is in use, in bytes.
type MemoryUsage struct {
	Capacity  int64 // the budget
	Cache     int64 // blocks in the cache
	Pinned    int64 // of these, blocks in use, which cannot be dropped
	Memtables int64 // memtables of all databases
	Rows      int64 // rows in the caches that databases have for them: Options.RowCacheSize
}

const (
	leastBudget = 1 << 20
	mostBudget  = 1 << 40
)

// NewMemoryBudget makes a budget of so many bytes, from 1 MiB to 1 TiB: beyond is ErrInvalidArgument.
// The cache takes memory only as it fills.
func NewMemoryBudget(bytes int64) (*MemoryBudget, error) {
	if bytes < leastBudget || bytes > mostBudget {
		return nil, invalid("memory budget", "the budget is out of range")
	}
	c, err := cbridge.NewMemory(uint64(bytes), uint64(bytes/2))
	if err != nil {
		return nil, err
	}
	return &MemoryBudget{c: c, bytes: bytes, users: map[*DB]bool{}}, nil
}

// SetCapacity changes the budget, in bytes. A smaller one has the cache drop blocks at once and
// memtables flushed by the next writes. The sizes of single memtables stay as they were chosen when
// the databases were opened. ErrInvalidArgument beyond the range of NewMemoryBudget and below twice the
// row caches and, before RocksDB 8.9, the shares of the databases that are open.
func (m *MemoryBudget) SetCapacity(bytes int64) error {
	if m == nil {
		return ErrClosed
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.c == nil:
		return ErrClosed
	case bytes < leastBudget || bytes > mostBudget || bytes/2 < m.shares:
		return invalid("memory budget", "the budget is out of range")
	}
	m.bytes = bytes
	m.resize()
	return nil
}

// resize tells RocksDB how the budget is divided now.
func (m *MemoryBudget) resize() { m.c.Resize(uint64(m.bytes-m.shares), uint64(m.bytes/2)) }

// Usage looks at what is in use; all zero once the budget is closed.
func (m *MemoryBudget) Usage() MemoryUsage {
	if m == nil {
		return MemoryUsage{}
	}
	m.mu.Lock()
	if m.c == nil {
		m.mu.Unlock()
		return MemoryUsage{}
	}
	used := m.c.Used()
	u := MemoryUsage{
		Capacity: m.bytes, Cache: int64(used.Cache) - int64(used.Charge),
		Pinned: int64(used.Pinned) - int64(used.Charge), Memtables: int64(used.Memtables),
	}
	users := slices.Collect(maps.Keys(m.users))
	m.mu.Unlock() // Close of a database takes it, and waits for what is asked of that database
	for _, d := range users {
		if !Supports(SharedMemtables) {
			u.Memtables += d.memtableBytes()
		}
		u.Rows += d.rowBytes()
	}
	return u
}

// memtableBytes is what the memtables of all families take; 0 on a closed database.
func (d *DB) memtableBytes() (sum int64) {
	for _, c := range d.ColumnFamilies() {
		if v, err := c.Property("rocksdb.size-all-mem-tables"); err == nil {
			n, _ := strconv.ParseInt(v, 10, 64)
			sum += n
		}
	}
	return sum
}

// Close closes the budget: no database can join it from then on. Those that have joined go on sharing
// it, and the last of them to be closed frees it. It is idempotent and returns nil.
func (m *MemoryBudget) Close() error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.c != nil {
		m.c.Free()
		m.c = nil
	}
	return nil
}

// memtable is the size of one memtable, unless options give one.
func (m *MemoryBudget) memtable() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(max(leastWriteBuffer, min(m.bytes/16, defaultWriteBuffer)))
}

// join has the database of a plan share the budget. What it returns must be given to leave.
func (m *MemoryBudget) join(plan *cbridge.Plan, o *Options) (share int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.c == nil {
		return 0, ErrClosed
	}
	var memtables int64
	if !o.ReadOnly && !Supports(SharedMemtables) {
		if memtables = o.MemtableShare; memtables == 0 {
			memtables = m.bytes / 8
		}
	}
	share = memtables + o.RowCacheSize
	switch {
	case m.shares+share <= m.bytes/2:
	case o.RowCacheSize > 0:
		return 0, invalid("", "the shares and row caches of the databases in Options.Memory would exceed half of it: RowCacheSize is too large")
	case memtables > 0:
		return 0, invalid("", "the shares of the databases in Options.Memory would exceed half of it: set MemtableShare")
	}
	m.shares += share
	m.resize()
	plan.Share(m.c, uint64(memtables))
	return share, nil
}

// use counts an open database among those that share the budget.
func (m *MemoryBudget) use(d *DB) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users[d] = true
}

// leave gives back what join took. d is nil if its opening failed.
func (m *MemoryBudget) leave(d *DB, share int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.users, d)
	m.shares -= share
	if m.c != nil {
		m.resize()
	}
}

// validateMemory refuses what would break the budget.
func (o *Options) validateMemory() error {
	switch {
	case o.Memory == nil && o.MemtableShare != 0:
		return invalid("open", "MemtableShare needs Memory")
	case o.Memory == nil:
		return nil
	case o.BlockCacheSize != 0:
		return invalid("open", "BlockCacheSize and Memory exclude each other")
	case o.MemtableShare < 0 || (o.MemtableShare > 0 && o.MemtableShare < leastWriteBuffer):
		return invalid("open", "MemtableShare is out of range")
	}
	err := refuseOwnMemory("Options.Extra", o.Extra)
	if err == nil {
		err = refuseOwnMemory("FamilyOptions.Extra", o.FamilyOptions.Extra)
	}
	for name, f := range o.Families {
		if err == nil {
			err = describeFamily(refuseOwnMemory("FamilyOptions.Extra", f.Extra), name)
		}
	}
	return err
}

// refuseOwnMemory refuses option strings that would give a database in a budget a cache of its own or
// limits of its own.
func refuseOwnMemory(field, extra string) error {
	for _, s := range strings.FieldsFunc(extra, func(r rune) bool { return r == ';' || r == '{' || r == '}' }) {
		name, _, _ := strings.Cut(s, "=")
		name = strings.TrimSpace(name)
		switch name[strings.LastIndexByte(name, '.')+1:] {
		case "block_cache", "no_block_cache", "db_write_buffer_size":
			return invalid("", field+" sets "+name+", which Options.Memory excludes")
		}
	}
	return nil
}

// fit makes the options of a family fit the budget of its database, if there is one.
func (m *MemoryBudget) fit(c *cbridge.FamilyOptions, extras ...string) {
	if m == nil {
		return
	}
	c.CacheIndex = true
	if c.WriteBufferSize == 0 && settingsOf(extras...)[arenaBlock] == "" {
		c.WriteBufferSize = m.memtable()
	}
}
