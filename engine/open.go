package engine

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

const defaultFamily = "default"

// closeTimeout is how long Close waits for calls in flight.
const closeTimeout = 10 * time.Second

// DB is an open database. It is safe for concurrent use. A nil or zero DB answers as a closed one.
type DB struct {
	c        *cbridge.DB
	path     string
	readOnly bool
	guard    guard
	commits  commits
	children children
	def      *ColumnFamily

	familyMu  sync.Mutex                      // one create or drop at a time
	retired   retirement                      // of dropped ones
	families  atomic.Pointer[[]*ColumnFamily] // those not dropped, by id; replaced as a whole
	optionMu  sync.Mutex                      // one change of options at a time
	timeout   time.Duration                   // closeTimeout, but in tests
	memory    *MemoryBudget                   // nil: none
	share     int64                           // of memory, for memtables and the cache of rows
	rowCached bool                            // there is a cache of rows
	uncached  bool                            // there is no block cache
	closeMu   sync.Mutex
	closed    bool
	cancelled bool // RocksDB's background work has been told to end

	counters counters
	log      *slog.Logger  // nil: the default one
	follow   *follower     // of RocksDB's LOG; nil: nobody reads it
	slow     time.Duration // calls that take longer are logged; 0: none
	watched  *watched
	events   *eventQueue // nil: nobody asked for events

	recovery Recovery
	loads    loadFolders
	tx       txDB

	trouble trouble
	pauses  pauses
	traces  traces
	wakes   atomic.Uint64 // how often a compaction by hand may have been stopped for a stall to end
	disk    *DiskBudget   // nil: none
	jobs    *remoteJobs   // nil: RocksDB compacts itself

	operatorFailures operatorFailures // of operators written in Go

	timed     bool         // values have times behind them
	checksums bool         // Options.FileChecksums
	files     *MemoryFiles // nil: on disk
	entered   bool         // it must leave them

	lent bool // it belongs to a Secondary, which closes it
}

// Open opens the database in directory dir and creates it, with its families, if it does not exist
// and o allows it. Every family on disk is opened too. The errors are ErrLocked if another opener
// holds it, ErrCorruption (also for a write-ahead log that is damaged: see Options.AcceptDataLoss),
// ErrInvalidArgument for options that RocksDB does not know or that contradict each other, ErrUnsupported
// for a comparator or operator that cannot be made here, by name, and ErrIO. A failed Open leaves no new
// files behind; where there is a database that is locked or damaged, RocksDB may have begun a new LOG.
func Open(dir string, o *Options) (*DB, error) {
	if o == nil {
		o = &Options{}
	}
	d, err := open(dir, o)
	if err != nil {
		return nil, describe(err, "open", dir)
	}
	return d, nil
}

func open(dir string, o *Options) (*DB, error) {
	if err := validatePath(dir); err != nil {
		return nil, err
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.InMemory != nil {
		return o.InMemory.open(dir, o)
	}
	if err := o.expects(dir); err != nil {
		return nil, err
	}
	if o.ReadOnly {
		return openBeside(dir, o, nil)
	}
	if err := bringBackState(dir, o); err != nil {
		return nil, err
	}
	bringBackManifest(dir)
	before, err := o.leaveTwoPhases(dir)
	if err != nil {
		return nil, err
	}
	d, err := openPlanned(dir, o, nil)
	if err == nil && before != nil {
		d.recovery = *before
	}
	return d, err
}

// openPlanned opens what planOpen decides and prepare, which may be nil, adds to it.
func openPlanned(dir string, o *Options, prepare func(*cbridge.Plan) error) (*DB, error) {
	plan, err := cbridge.NewPlan(dir, o.plan())
	if err != nil {
		return nil, err
	}
	defer plan.Free()
	d := &DB{
		path: dir, readOnly: o.ReadOnly, timeout: closeTimeout, memory: o.Memory, uncached: o.BlockCacheSize < 0,
		disk: o.Disk, files: o.InMemory, timed: o.TimedRows, checksums: o.FileChecksums, rowCached: o.RowCacheSize > 0,
	}
	if err := d.files.lie(plan); err != nil {
		return nil, err
	}
	d.retired.wake = make(chan struct{}, 1)
	d.observeAs(o)
	d.operatorFailures.kept.of(dir, o)
	if err := d.watchEvents(plan, o); err != nil {
		return nil, err
	}
	if err := o.Disk.join(plan); err != nil {
		return nil, err
	}
	d.handJobs(plan, o)
	if d.memory == nil {
		if err := d.openPlan(plan, o, prepare); err != nil {
			return nil, err
		}
		return d, nil
	}
	if d.share, err = d.memory.join(plan, o); err != nil {
		return nil, err
	}
	if err := d.openPlan(plan, o, prepare); err != nil {
		d.memory.leave(d, d.share)
		return nil, err
	}
	d.memory.use(d)
	return d, nil
}

// openPlan opens d as o says.
func (d *DB) openPlan(plan *cbridge.Plan, o *Options, prepare func(*cbridge.Plan) error) error {
	names, ops, err := planOpen(plan, d.path, o, &d.operatorFailures)
	if err != nil {
		return err
	}
	if prepare != nil {
		if err := prepare(plan); err != nil {
			return err
		}
	}
	undo, done := func(error) {}, func() {}
	if d.files == nil {
		if d.recovery, err = lookAtLogs(d.path, o); err != nil {
			return err
		}
		if err = d.filterLogs(o); err != nil {
			return err
		}
		undo = trackNewFiles(d.path)
		before, _ := newestOptionsFile(d.path) // an error is the database's to have
		done = func() {
			forgetManifests(d.path)
			learnVersion(d.path, before)
		}
	}
	c, err := plan.Open()
	if err != nil {
		undo(err)
		d.operatorFailures.kept.release()
		return d.operatorFailures.explain(err)
	}
	d.c = c
	d.tellOfBreak()
	d.guard.lanes = newLanes(o)
	d.commits.start(d, o.Commit, d.guard.lanes)
	d.tx.start(o)
	if err := d.adoptFamilies(names, ops); err != nil {
		c.Close()
		d.operatorFailures.kept.release()
		return err
	}
	if !d.readOnly {
		done()
	}
	return nil
}

func validatePath(dir string) error {
	if len(dir) > maxPath {
		return invalid("", "the directory's name is longer than any system takes")
	}
	if dir == "" || slices.Contains([]byte(dir), 0) {
		return invalid("", "the directory's name is empty or contains a zero byte")
	}
	return nil
}

// maxPath is far more than a system takes, and few enough bytes to copy.
const maxPath = 1 << 16

// tolerant keeps a misused SingleDelete from ruining the database: by RocksDB's default a flush or
// compaction that meets one beside a Delete or Merge of the same key fails, so do all writes after
// it, and the database cannot be opened again.
const tolerant = "enforce_single_del_contracts=false"

// quietLog is set for a RocksDB whose own LOG can end the process: before 8.3, once a full disk has
// refused a line, the next one meets an assertion where the library was built with them, as
// distributions build it. Nothing below FATAL is then written, unless Extra sets info_log_level.
const quietLog = "info_log_level=FATAL_LEVEL"

// logOptions is quietLog where it is needed: the nearest later version that can be told has the fix.
func logOptions() string {
	if Supports(WaitForCompact) {
		return ""
	}
	return quietLog
}

// expects looks for the database before RocksDB does, which would begin a new LOG file first.
func (o *Options) expects(dir string) error {
	_, err := os.Stat(filepath.Join(dir, "CURRENT"))
	switch {
	case o.ErrorIfExists && err == nil:
		return invalid("open", "the database exists and ErrorIfExists is set")
	case o.ErrorIfMissing && errors.Is(err, fs.ErrNotExist):
		return errMissing(err)
	}
	return nil
}

// errMissing is the answer to ErrorIfMissing where there is no database; err says what is missing.
func errMissing(err error) error {
	return dberr.Wrap("open", dberr.InvalidArgument, fmt.Errorf("ErrorIfMissing is set and there is no database: %w", err))
}

// planOpen decides which families are opened, with what options.
func planOpen(plan *cbridge.Plan, dir string, o *Options, failures *operatorFailures) (names []string, ops map[string]operators, err error) {
	disk, err := o.lastOptions(dir)
	if err != nil {
		return nil, nil, err
	}
	names, onDisk, err := familiesToOpen(dir, o)
	if err != nil {
		return nil, nil, err
	}
	if disk == nil {
		disk = &optionsFile{}
	}
	for _, name := range onDisk {
		if err := o.timesAgree(disk, name); err != nil {
			return nil, nil, describeFamily(err, name)
		}
		if what := disk.unknownOperator(name, o.family(name)); what != "" {
			e := dberr.New("open", dberr.Unsupported, what+" is not known here")
			e.Family = name
			return nil, nil, e
		}
	}
	ops = map[string]operators{}
	for _, extra := range []string{tolerant, logOptions(), o.writeModes(), o.twoPhases(disk), o.direct(), o.fileChecksums(), o.openingThreads(dir), o.Extra} {
		if err == nil && extra != "" {
			err = plan.Extra(extra)
		}
	}
	for i := 0; i < len(names) && err == nil; i++ {
		ops[names[i]], err = planFamily(plan, o, disk, names[i], failures)
	}
	return names, ops, err
}

// family is what the options say of a family; nothing if they do not name it.
func (o *Options) family(name string) FamilyOptions {
	if name == defaultFamily {
		return o.FamilyOptions
	}
	return o.Families[name]
}

// planFamily adds one family to the plan and tells with what operators.
func planFamily(plan *cbridge.Plan, o *Options, disk *optionsFile, name string, failures *operatorFailures) (ops operators, err error) {
	f, listed := o.Families[name]
	above := ""
	if name == defaultFamily {
		f, listed, above = o.FamilyOptions, true, o.Extra
	}
	extra := f.Extra
	if ops, err = f.operatorsOver(disk, name); err != nil {
		return ops, describeFamily(err, name)
	}
	whole := f
	whole.Extra = above + ";" + f.Extra
	if err = ops.validateStamps(&whole); err != nil {
		return ops, describeFamily(err, name)
	}
	if err = ops.validateWide(&whole); err != nil {
		return ops, describeFamily(err, name)
	}
	if err = refuseAligned(o.FileChecksums, aligned.MatchString(whole.Extra) || !listed && isTrue(disk.tables[name]["block_align"])); err != nil {
		return ops, describeFamily(err, name)
	}
	ops.c.RowTTL = int32(f.RowTTL / time.Second)
	if !listed {
		ops.c.RowTTL = int32(disk.rowTTL(name) / time.Second)
	}
	if !listed && o.TimedRows && ops.builtin != "" {
		return ops, describeFamily(dberr.New("open", dberr.Unsupported, "TimedRows: the family has RocksDB's own "+cut(ops.merge)+": name it in Options.Families"), name)
	}
	ops.serve(name, failures)
	if err = ops.refuseTimed(o.TimedRows); err != nil {
		return ops, describeFamily(err, name)
	}
	if err = ops.refuseOrder(o.Transactions); err != nil {
		return ops, describeFamily(err, name)
	}
	if err = ops.refuseWide(o.TimedRows, o.Transactions); err != nil {
		return ops, describeFamily(err, name)
	}
	if !listed {
		if err = plan.FamilyFromDisk(name); err == nil {
			err = plan.Operators(name, ops.c)
		}
	}
	// RocksDB notes a new family in the manifest before it writes the OPTIONS file: after a crash between
	// the two the family is empty and has no options.
	if listed || errors.Is(err, ErrNotFound) {
		c := f.plan()
		c.Operators = ops.c
		o.Memory.fit(&c, above, f.Extra)
		if ops.builtin != "" {
			extra = ops.builtin + ";" + extra
		}
		err = plan.Family(name, c, extra)
	}
	return ops, describeFamily(err, name)
}

// familiesOnDisk lists the families that the manifest has.
func familiesOnDisk(dir string) ([]string, error) {
	if err := lookAtManifest(dir); err != nil {
		return nil, err
	}
	return cbridge.ListFamilies(nil, dir)
}

// familiesToOpen lists the families to open, the default one first, and those on disk among them.
func familiesToOpen(dir string, o *Options) (names, onDisk []string, err error) {
	if o.InMemory != nil {
		onDisk, err = o.InMemory.listFamilies(dir)
	} else if _, missing := os.Stat(filepath.Join(dir, "CURRENT")); missing == nil {
		onDisk, err = familiesOnDisk(dir)
	}
	if err != nil {
		return nil, nil, err
	}
	names = []string{defaultFamily}
	for _, name := range onDisk {
		if name != defaultFamily {
			names = append(names, name)
		}
	}
	for name := range o.Families {
		if slices.Contains(names, name) {
			continue
		}
		if o.ReadOnly {
			e := dberr.New("open", dberr.FamilyNotFound, "it cannot be created in a read-only database")
			e.Family = name
			return nil, nil, e
		}
		names = append(names, name)
	}
	slices.Sort(names[1:])
	return names, onDisk, nil
}

// trackNewFiles remembers what dir held. The function returned removes what a failed Open added, if
// the directory held no database: unless another opener holds it, whose files these then are.
func trackNewFiles(dir string) func(error) {
	before := map[string]bool{}
	_, err := os.Lstat(dir)
	missing := errors.Is(err, fs.ErrNotExist) // a file, or a link to nowhere, is not ours to remove
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		before[e.Name()] = true
	}
	return func(failure error) {
		if before["CURRENT"] || errors.Is(failure, ErrLocked) {
			return
		}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			switch path := filepath.Join(dir, e.Name()); {
			case before[e.Name()]:
			case e.Name() == keptFolder:
				os.RemoveAll(path)
			case !e.IsDir():
				os.Remove(path)
			}
		}
		if missing {
			os.Remove(dir)
		}
	}
}

func (d *DB) adoptFamilies(names []string, ops map[string]operators) error {
	var all []*ColumnFamily
	for _, name := range names {
		c, err := d.c.Family(name)
		if err != nil {
			return describeFamily(err, name)
		}
		f := &ColumnFamily{db: d, c: c, name: name, merges: ops[name].merges(), operand: ops[name].check, ops: ops[name]}
		f.blobs.Store(c.Blobs)
		if f.ops.wide && c.Blobs {
			return describeFamily(errWideBlobs(), name)
		}
		if err := cmp.Or(f.refuseRows(), f.learnHistory()); err != nil {
			return err
		}
		all = append(all, f)
	}
	d.def = all[0]
	d.setFamilies(all)
	if err := d.recoverTxs(); err != nil {
		return err
	}
	d.watchDB()
	return nil
}

// Close closes the database. It refuses new calls and those that wait for others, with ErrClosed, stops
// Compact, waits up to 10 seconds for what else is in flight, frees iterators, snapshots, indexed batches
// and transactions that were left open, and then answers a *LeakError that counts them. Traces end, and what EndTrace would
// answer is an error of Close, after all is closed. If calls are still
// in flight it frees nothing and answers ErrBusy, naming them; Close may then be called again. Then it waits
// for what RocksDB's own threads have in hand, a flush on a disk that hangs for example. It is idempotent.
// Writes that were not synced are in the operating system's hands; rows without log are flushed, if the disk takes them.
func (d *DB) Close() error {
	if d == nil || d.c == nil {
		return nil
	}
	if d.lent {
		return describe(invalid("close", "the database belongs to a Secondary, which closes it"), "", d.path)
	}
	return d.close()
}

func (d *DB) close() error {
	d.closeMu.Lock()
	defer d.closeMu.Unlock()
	if d.closed {
		return nil
	}
	if running := d.shut(); running != "" {
		e := dberr.New("close", dberr.Busy, "still running: "+running)
		e.Path = d.path
		return e
	}
	d.retired.close()
	leaks := d.children.freeAll()
	cut := d.closeTraces()
	d.closeC()
	d.closed = true
	d.unobserve()
	if d.memory != nil {
		d.memory.leave(d, d.share)
	}
	if d.entered {
		d.files.leave(d.path, d.readOnly)
	}
	if leaks.Iterators+leaks.Snapshots+leaks.Batches+leaks.Txs > 0 {
		if cut != nil {
			return errors.Join(&leaks, cut)
		}
		return &leaks
	}
	return cut
}

// closeC closes the database in C, and sees to it that it can be opened again.
func (d *DB) closeC() {
	d.noteBackground()
	d.flushUnlogged()
	d.c.Close()
	d.operatorFailures.kept.release()
	if d.trouble.met.Load() && !d.readOnly && d.files == nil {
		bringBackManifest(d.path)
		forgetManifests(d.path)
	}
}

// flushUnlogged flushes the families in which full memtables wait to be flushed together, if they may hold rows that are in no
// log: RocksDB, which flushes such rows when it is closed, passes by a family whose newest memtable is empty.
func (d *DB) flushUnlogged() {
	if !d.commits.unlogged.Load() || d.readOnly || d.cancelled || d.stopped() != nil {
		return
	}
	var waiting []*cbridge.Family
	for _, c := range *d.families.Load() {
		if n, ok := c.c.Property("rocksdb.num-immutable-mem-table"); ok && n != "0" && !c.dropped.Load() {
			waiting = append(waiting, c.c)
		}
	}
	if len(waiting) == 0 {
		return
	}
	if err := d.c.Flush(waiting); err != nil {
		say(d.log, slog.LevelError, "rockbridge: rows without log could not be flushed", slog.Any("error", err))
	}
}

// shut refuses new calls and waits for those in flight, or names them. Compactions by hand are stopped at
// once. What is still there after half the time, a write that waits in a stall for example, RocksDB is
// made to give up: it has nothing to wait for any more.
func (d *DB) shut() (running string) {
	d.guard.refuse()
	d.tx.locks.close()
	d.commits.close()
	d.pauses.close()
	if d.guard.running[opCompact].running() > 0 {
		d.guard.aside(opCancel, d.pauseCompaction)
	}
	return d.guard.shut(d.timeout, func() {
		if !d.cancelled {
			d.cancelled = true
			d.guard.aside(opCancel, d.c.CancelBackground)
		}
	})
}

// Path is the directory that the database was opened in.
func (d *DB) Path() string {
	if d == nil {
		return ""
	}
	return d.path
}
