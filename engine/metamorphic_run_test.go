package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/metamorphic"
)

// metaRun carries a list of operations out on a database of its own, with one set of options and one way to read. What
// each operation answers is one line, the same in every run.
type metaRun struct {
	set  *metaSet
	read metaReader
	dir  string
	made int // folders and files

	db       *engine.DB
	families [metamorphic.Families]*engine.ColumnFamily
	singles  [metamorphic.Families]map[string]bool // keys that are there and are deleted singly
	snaps    [metamorphic.Snapshots]*engine.Snapshot
	batches  [metamorphic.Batches]*engine.IndexedBatch
	cursors  [metamorphic.Iterators]*metaCursor

	foreign func(dir string) error // looks at the database when the run has closed it; may be nil

	n       int // of the operation under way
	plant   metaFault
	merged  map[string][]byte // the last operand, for a planted fault
	earlier metamorphic.Range // the range of the scan before, for another
}

// metaMerges says which families have an operator. That of the default family is RocksDB's own; both give the same.
var metaMerges = [metamorphic.Families]string{engine.Uint64Add, engine.Int64Add, engine.Int64Add, ""}

func metaFamily(i int) string {
	if i == 0 {
		return "default"
	}
	return "family " + strconv.Itoa(i)
}

// errMeta is what only the run itself can be blamed for.
var errMeta = errors.New("the run is at fault")

// run gives the lines to each, until that is false. The error is of what must not fail in any run.
func (m *metaRun) run(list []metamorphic.Op, each func(n int, line string) bool) (err error) {
	for i := range m.singles {
		m.singles[i] = map[string]bool{}
	}
	m.merged = map[string][]byte{}
	if err := m.open(); err != nil {
		return err
	}
	defer func() {
		m.endCursors()
		var leak *engine.LeakError
		if e := m.db.Close(); err == nil && e != nil && !errors.As(e, &leak) {
			err = e
		}
	}()
	for n, o := range list {
		m.n = n
		line, err := m.do(o)
		if err != nil {
			return fmt.Errorf("operation %d, %v: %w", n, o, err)
		}
		if !each(n, line) {
			return nil
		}
	}
	if m.foreign == nil {
		return nil
	}
	if _, err := m.close(); err != nil {
		return err
	}
	return m.foreign(m.db.Path())
}

var metaOperations = map[string]func(m *metaRun, o metamorphic.Op) (string, error){
	"put": (*metaRun).change, "delete": (*metaRun).change, "single": (*metaRun).change, "range": (*metaRun).change,
	"merge": (*metaRun).change, "batch": (*metaRun).batch, "atomic": (*metaRun).atomic, "get": (*metaRun).get,
	"multiget": (*metaRun).multiGet, "scan": (*metaRun).scan, "sum": (*metaRun).sum, "snapshot": (*metaRun).snapshot,
	"unsnapshot": (*metaRun).unsnapshot, "iterator": (*metaRun).iterator, "uniterator": (*metaRun).uniterator,
	"move": (*metaRun).move, "stage": (*metaRun).stage, "commit": (*metaRun).commit, "unstage": (*metaRun).unstage,
	"deletewhere": (*metaRun).deleteWhere, "copyrange": (*metaRun).copyRange, "ingest": (*metaRun).ingest,
	"create": (*metaRun).create, "drop": (*metaRun).drop, "set": (*metaRun).setOptions, "flush": (*metaRun).flush,
	"compact": (*metaRun).compact, "reopen": (*metaRun).reopen, "checkpoint": (*metaRun).checkpoint,
}

func (m *metaRun) do(o metamorphic.Op) (string, error) {
	f := metaOperations[o.Do]
	if f == nil || max(o.Family, o.Slot) >= metamorphic.Families || min(o.Family, o.Slot) < 0 {
		return "", fmt.Errorf("%w: it knows no such operation", errMeta)
	}
	return f(m, o)
}

var metaSentinels = []struct {
	err  error
	name string
}{
	{engine.ErrNotFound, "not found"},
	{engine.ErrClosed, "closed"},
	{engine.ErrFamilyDropped, "family dropped"},
	{engine.ErrFamilyNotFound, "family not found"},
	{engine.ErrTooLarge, "too large"},
	{engine.ErrCorruption, "corruption"},
	{engine.ErrInvalidArgument, "invalid argument"},
	{engine.ErrUnsupported, "unsupported"},
	{engine.ErrReadOnly, "read only"},
	{engine.ErrWouldBlock, "would block"},
	{engine.ErrBusy, "busy"},
	{engine.ErrTryAgain, "try again"},
	{engine.ErrTimedOut, "timed out"},
	{engine.ErrAborted, "aborted"},
	{engine.ErrNoSpace, "no space"},
	{engine.ErrSyncFailed, "sync failed"},
	{engine.ErrIO, "input or output"},
}

// metaError is an error by its sentinel.
func metaError(err error) string {
	if err == nil {
		return "ok"
	}
	for _, s := range metaSentinels {
		if errors.Is(err, s.err) {
			return s.name
		}
	}
	return "an error without a sentinel: " + err.Error()
}

func metaValue(v []byte, err error) string {
	if err != nil {
		return metaError(err)
	}
	return show(v)
}

// path is a new name in the run's folder.
func (m *metaRun) path(kind string) string {
	m.made++
	return filepath.Join(m.dir, kind+" "+strconv.Itoa(m.made))
}

// open opens the database, a new one the first time.
func (m *metaRun) open() (err error) {
	dir := m.dir + "/db 0"
	if m.db != nil {
		dir = m.db.Path()
	}
	return m.openAt(dir)
}

func (m *metaRun) openAt(dir string) (err error) {
	first := m.db == nil
	o := m.set.options(func(i int) bool { return first && i < 2 || m.families[i] != nil })
	if m.db, err = engine.Open(dir, o); err != nil {
		return err
	}
	for i := range m.families {
		m.families[i], err = m.db.ColumnFamily(metaFamily(i))
		if err != nil && !errors.Is(err, engine.ErrFamilyNotFound) {
			return err
		}
	}
	return nil
}

func (m *metaRun) endCursors() {
	for i, c := range m.cursors {
		if c != nil {
			c.c.close()
			m.cursors[i] = nil
		}
	}
}

// close closes the database, with snapshots and batches left open, which it must count.
func (m *metaRun) close() (string, error) {
	m.endCursors()
	err := m.db.Close()
	var leak *engine.LeakError
	if err != nil && !errors.As(err, &leak) {
		return "", err
	}
	if leak == nil {
		leak = &engine.LeakError{}
	}
	m.snaps, m.batches = [metamorphic.Snapshots]*engine.Snapshot{}, [metamorphic.Batches]*engine.IndexedBatch{}
	return fmt.Sprintf("%d iterators, %d snapshots, %d batches were open", leak.Iterators, leak.Snapshots, leak.Batches), nil
}

func (m *metaRun) reopen(metamorphic.Op) (string, error) {
	line, err := m.close()
	if err != nil {
		return "", err
	}
	return line, m.open()
}

// checkpoint goes on with a copy of the database.
func (m *metaRun) checkpoint(metamorphic.Op) (string, error) {
	dir, old := m.path("db"), m.db.Path()
	if err := m.db.Checkpoint(context.Background(), dir); err != nil {
		return "", err
	}
	line, err := m.close()
	if err == nil {
		err = m.openAt(dir)
	}
	return line, errors.Join(err, os.RemoveAll(old))
}

func (m *metaRun) create(o metamorphic.Op) (string, error) {
	f := m.set.family(o.Family)
	c, err := m.db.CreateColumnFamily(metaFamily(o.Family), &f)
	if err == nil {
		m.families[o.Family], m.singles[o.Family] = c, map[string]bool{}
	}
	return metaError(err), nil
}

func (m *metaRun) drop(o metamorphic.Op) (string, error) {
	c := m.families[o.Family]
	if c == nil {
		return "none", nil
	}
	err := m.db.DropColumnFamily(c)
	if err != nil {
		return metaError(err), nil
	}
	m.families[o.Family], m.singles[o.Family] = nil, map[string]bool{}
	_, read := c.Get([]byte("a"), nil)
	return metaError(c.Put([]byte("a"), nil, nil)) + ", " + metaError(read), nil
}

// metaSettings change how a family stores its rows.
var metaSettings = [metamorphic.Settings]string{
	"write_buffer_size=65536", "write_buffer_size=1M", "disable_auto_compactions=true", "disable_auto_compactions=false",
	"target_file_size_base=20000", "max_bytes_for_level_base=60000", "compression=kNoCompression",
	"max_sequential_skip_in_iterations=1", "memtable_whole_key_filtering=true", "memtable_prefix_bloom_size_ratio=0.1",
	"level0_file_num_compaction_trigger=2", "prefix_extractor=fixed:1", "prefix_extractor=nullptr", "num_levels=3",
}

func (m *metaRun) setOptions(o metamorphic.Op) (string, error) {
	c := m.families[o.Family]
	if c == nil {
		return "none", nil
	}
	name, value, _ := strings.Cut(metaSettings[o.N%metamorphic.Settings], "=")
	err := c.SetOptions(map[string]string{name: value})
	if name == "prefix_extractor" || name == "memtable_prefix_bloom_size_ratio" {
		return "perhaps", nil // some sets of options exclude it
	}
	return metaError(err), nil
}

func (m *metaRun) flush(o metamorphic.Op) (string, error) {
	if o.How == "all" {
		return metaError(m.db.Flush()), nil
	}
	if c := m.families[o.Family]; c != nil {
		return metaError(c.Flush()), nil
	}
	return "none", nil
}

func (m *metaRun) compact(o metamorphic.Op) (string, error) {
	if o.How == "all" {
		return metaError(m.db.Compact(context.Background(), o.Lower, o.Upper)), nil
	}
	if c := m.families[o.Family]; c != nil {
		if m.made++; m.made%2 == 0 { // rows do not depend on it
			return metaError(compactToALevel(c, o.Lower, o.Upper, m.made%7, engine.Bottommost(m.made%4))), nil
		}
		return metaError(c.Compact(context.Background(), o.Lower, o.Upper)), nil
	}
	return "none", nil
}

// reader is what a read is of: nil if that is not there.
func (m *metaRun) reader(o metamorphic.Op) lifecycleReader {
	c := m.families[o.Family]
	if c == nil {
		return nil
	}
	if s := m.snapshotOf(o); s != nil && m.plant != metaNewest {
		return s.In(c)
	}
	if b := m.batchOf(o); b != nil {
		return b.In(c)
	}
	return c
}

func (m *metaRun) snapshotOf(o metamorphic.Op) *engine.Snapshot {
	if n, ok := strings.CutPrefix(o.On, "s"); ok {
		i, _ := strconv.Atoi(n)
		return m.snaps[i%metamorphic.Snapshots]
	}
	return nil
}

func (m *metaRun) batchOf(o metamorphic.Op) *engine.IndexedBatch {
	if n, ok := strings.CutPrefix(o.On, "b"); ok {
		i, _ := strconv.Atoi(n)
		return m.batches[i%metamorphic.Batches]
	}
	return nil
}

// get reads a key in each of the ways.
func (m *metaRun) get(o metamorphic.Op) (string, error) {
	r := m.reader(o)
	if r == nil {
		return "none", nil
	}
	v, err := r.Get(o.Key, nil)
	line := metaValue(m.unmerge(o.Family, o.Key, v), err)
	added, err := r.GetAppend([]byte("dst"), o.Key, nil)
	if !bytes.HasPrefix(added, []byte("dst")) {
		return "", fmt.Errorf("GetAppend gave %s", show(added))
	}
	line += "; " + metaValue(added[3:], err)
	var lent []byte
	err = r.GetPinned(o.Key, nil, func(v []byte) error {
		lent = bytes.Clone(v)
		return nil
	})
	line += "; " + metaValue(lent, err)
	has, err := r.Has(o.Key, nil)
	return fmt.Sprintf("%s; %v %s", line, has, metaError(err)), nil
}

func (m *metaRun) multiGet(o metamorphic.Op) (string, error) {
	r := m.reader(o)
	if r == nil {
		return "none", nil
	}
	values, err := r.MultiGet(o.Keys, nil)
	if err != nil || len(values) != len(o.Keys) {
		return "", fmt.Errorf("%d values of %d keys: %w", len(values), len(o.Keys), err)
	}
	sum, missing := engine.RangeChecksum{}, 0
	for i, v := range values {
		if v.Err != nil {
			missing++
		}
		sum.Add(o.Keys[i], []byte(metaValue(m.unmerge(o.Family, o.Keys[i], v.Data), v.Err)))
	}
	return fmt.Sprintf("%d missing, %08x", missing, sum.CRC), nil
}

func (m *metaRun) snapshot(o metamorphic.Op) (string, error) {
	i := o.Slot % metamorphic.Snapshots
	if m.snaps[i] != nil {
		m.snaps[i].Close()
	}
	var err error
	m.snaps[i], err = m.db.NewSnapshot()
	return metaError(err), nil
}

func (m *metaRun) unsnapshot(o metamorphic.Op) (string, error) {
	i := o.Slot % metamorphic.Snapshots
	s := m.snaps[i]
	if s == nil {
		return "none", nil
	}
	m.snaps[i] = nil
	err := s.Close()
	_, after := s.Get(nil, nil)
	return metaError(err) + ", " + metaError(after), nil
}
