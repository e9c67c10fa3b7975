package engine

import (
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// MemoryFiles is a file system in memory, for tests: databases that are opened with it as Options.InMemory have
// all their files there and touch none on disk. What they hold stays while the MemoryFiles, or one of the databases,
// is open, so that a database can be closed and opened again; the process takes it along when it ends. It is safe
// for concurrent use. A nil or zero MemoryFiles answers as a closed one.
//
// Directories are names only: they need not exist, and have nothing to do with those on disk. A relative one lies in
// the root: "db" is "/db".
//
// It is RocksDB's own environment for tests, and what rests on files that others can read is not there.
// ErrUnsupported answer OpenSecondary, Backups.Create, Ingest, loaders and SST writers of a family, UpdatesSince
// and UpdatesFrom, VerifyChecksums, and Options of a database and its families; SetOptions too for those options whose
// change depends on others. Recovery is always empty, and Options.Logger gets no lines of RocksDB's LOG. Checkpoint
// makes a copy in the same MemoryFiles. A database may be opened for reading by several, but not beside a writer:
// ErrLocked.
//
// Its clock stands still: what RocksDB itself times, such as Statistics and compactions by age, sees no time pass,
// and RocksDB notices no deadline, only rockbridge does, between rows. Nothing is lost in it by a crash, so it shows
// none: for that enginetest has copies of databases on disk.
type MemoryFiles struct {
	mu      sync.Mutex
	c       *cbridge.Files // nil: closed
	cleanup runtime.Cleanup
	dirs    map[string]*memoryDir
}

// memoryDir is a directory with a database.
type memoryDir struct {
	// said is what the OPTIONS file would tell, which RocksDB's C API does not read there. Nobody else writes the
	// database, so it is known; nil: there is none yet.
	said    *optionsFile
	readers int
	writing bool
	spoiled bool // its comparator failed
}

// NewMemoryFiles makes an empty file system in memory. Close gives it up; one that is garbage is closed.
func NewMemoryFiles() (*MemoryFiles, error) {
	c, err := cbridge.NewFiles()
	if err != nil {
		return nil, err
	}
	m := &MemoryFiles{c: c, dirs: map[string]*memoryDir{}}
	m.cleanup = runtime.AddCleanup(m, (*cbridge.Files).Free, c)
	return m, nil
}

// Close gives the files up: no database is opened in them any more. Those that are open live on, and the last that is
// closed frees the memory. It is idempotent.
func (m *MemoryFiles) Close() error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.c != nil {
		m.cleanup.Stop()
		m.c.Free()
		m.c = nil
	}
	return nil
}

// Databases lists the directories that have a database, in order; nil once it is closed.
func (m *MemoryFiles) Databases() []string {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.c == nil {
		return nil
	}
	var names []string
	for name, dir := range m.dirs {
		if dir.said != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Destroy deletes the database in directory dir, as the function Destroy does on disk. ErrLocked if it is open, for reading
// too; ErrInvalidArgument if there is none.
func (m *MemoryFiles) Destroy(dir string) error {
	if err := validatePath(dir); err != nil {
		return describe(err, "destroy", "")
	}
	return describe(m.destroy(inRoot(dir)), "destroy", dir)
}

func (m *MemoryFiles) destroy(dir string) error {
	if m == nil {
		return ErrClosed
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.dirs[dir]
	switch {
	case m.c == nil:
		return ErrClosed
	case at != nil && (at.writing || at.readers > 0):
		return dberr.New("", dberr.Locked, "the database is open")
	case at == nil || at.said == nil:
		return invalid("", "there is no database")
	}
	if err := cbridge.Destroy(m.c, dir, at.said.db["wal_dir"]); err != nil {
		return err
	}
	delete(m.dirs, dir)
	return nil
}

// inRoot is the one name of a directory. RocksDB knows no relative ones there.
func inRoot(dir string) string { return filepath.Join("/", dir) }

// open opens a database in the files.
func (m *MemoryFiles) open(dir string, o *Options) (d *DB, err error) {
	dir = inRoot(dir)
	if err := m.enter(dir, o); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.leave(dir, o.ReadOnly)
		}
	}()
	if !o.ReadOnly {
		if _, err := o.leaveTwoPhases(dir); err != nil {
			return nil, err
		}
	}
	if d, err = openPlanned(dir, o, nil); err != nil {
		return nil, err
	}
	d.entered = true
	if !o.ReadOnly {
		m.tellOptions(d, o)
	}
	return d, nil
}

// lie has the database of a plan lie in m, which may be nil: on disk.
func (m *MemoryFiles) lie(plan *cbridge.Plan) error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.c == nil {
		return errFilesClosed()
	}
	plan.Files(m.c)
	return nil
}

func errFilesClosed() error { return dberr.New("", dberr.Closed, "Options.InMemory is closed") }

// listFamilies lists the families of the database in dir, if there is one.
func (m *MemoryFiles) listFamilies(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.c == nil:
		return nil, errFilesClosed()
	case m.dirs[dir] == nil || m.dirs[dir].said == nil:
		return nil, nil
	}
	return cbridge.ListFamilies(m.c, dir)
}

// enter begins to open a database: it may be opened by many for reading, or by one.
func (m *MemoryFiles) enter(dir string, o *Options) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.c == nil {
		return errFilesClosed()
	}
	at := m.dirs[dir]
	if at == nil {
		at = &memoryDir{}
	}
	switch {
	case at.writing || at.readers > 0 && !o.ReadOnly:
		return dberr.New("", dberr.Locked, "it is open, and in memory there are no readers beside a writer")
	case at.spoiled:
		return dberr.New("", dberr.Aborted, "its comparator failed when it was last open, and in memory nothing brings it back: destroy it")
	case o.ErrorIfExists && at.said != nil:
		return invalid("", "the database exists and ErrorIfExists is set")
	case o.ErrorIfMissing && at.said == nil:
		return errMissing(fs.ErrNotExist)
	}
	if o.ReadOnly {
		at.readers++
	} else {
		at.writing = true
	}
	m.dirs[dir] = at
	return nil
}

// leave ends what enter began. What a failed opening has left of a new database goes.
func (m *MemoryFiles) leave(dir string, reader bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.dirs[dir]
	if reader {
		at.readers--
	} else {
		at.writing = false
	}
	if at.said != nil || at.readers > 0 || at.writing {
		return
	}
	delete(m.dirs, dir)
	if m.c != nil {
		_ = cbridge.Destroy(m.c, dir, "") // there may be nothing
	}
}

// leaving is leave for later; nothing for files on disk.
func (m *MemoryFiles) leaving(dir string, reader bool) func() {
	if m == nil {
		return func() {}
	}
	return func() { m.leave(dir, reader) }
}

// tellOptions notes what the OPTIONS file of a database that was opened, or has other families now, tells.
func (m *MemoryFiles) tellOptions(d *DB, o *Options) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.dirs[d.path]
	if o != nil {
		at.said = newOptionsFile()
		if o.Transactions == Pessimistic {
			at.said.db[allowTwoPhases] = "true"
		}
		at.said.db["wal_dir"] = settingsOf(o.Extra)["wal_dir"]
	}
	said := *at.said // readers look at the old one
	said.families = map[string]map[string]string{}
	for _, c := range *d.families.Load() {
		said.families[c.name] = c.ops.asOptions()
	}
	at.said = &said
}

// spoil notes that the comparator of the database in dir has failed.
func (m *MemoryFiles) spoil(dir string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dirs[dir].spoiled = true
}

// copyOptions notes that to has a copy of the database in from.
func (m *MemoryFiles) copyOptions(from, to string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dirs[to] == nil {
		m.dirs[to] = &memoryDir{said: m.dirs[from].said}
	}
}

// asOptions are the operators as the OPTIONS file names them.
func (o *operators) asOptions() map[string]string {
	said := map[string]string{"comparator": bytewise}
	if o.order.name != "" {
		said["comparator"] = o.order.name
	}
	if o.merge != "" {
		said["merge_operator"] = o.merge
	}
	if o.c.Filter != 0 {
		said["compaction_filter_factory"] = o.c.FilterName
	}
	if g := o.c.Go; g != nil && g.FilterName != "" {
		said["compaction_filter_factory"] = g.FilterName
	}
	return said
}

// lastOptions is what the database in dir was opened with the last time; nil if there is none.
func (o *Options) lastOptions(dir string) (*optionsFile, error) {
	m := o.InMemory
	if m == nil {
		return readOptionsFile(dir)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if at := m.dirs[dir]; at != nil {
		return at.said, nil
	}
	return nil, nil
}

// InMemory is where the database's files are; nil if they are on disk.
func (d *DB) InMemory() *MemoryFiles {
	if d == nil {
		return nil
	}
	return d.files
}

// onDiskOnly refuses what reads or writes files beside RocksDB.
func (d *DB) onDiskOnly() error {
	if d.files == nil {
		return nil
	}
	return dberr.New("", dberr.Unsupported, "the database is in memory (Options.InMemory), where this has no files to work on")
}

// refuseInMemory refuses options that go with files on disk only.
func (o *Options) refuseInMemory() error {
	if o.InMemory == nil {
		return nil
	}
	settings := settingsOf(o.Extra)
	switch {
	case o.DirectReads || o.DirectWrites || isTrue(settings["use_direct_reads"]) || isTrue(settings["use_direct_io_for_flush_and_compaction"]):
		return invalid("open", "InMemory excludes DirectReads and DirectWrites: there is no file system to pass by")
	case o.Disk != nil:
		return invalid("open", "InMemory and Disk exclude each other: a DiskBudget is of files on disk")
	case o.AcceptDataLoss:
		return invalid("open", "InMemory excludes AcceptDataLoss: no log is looked at")
	}
	return nil
}
