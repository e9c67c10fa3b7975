package engine

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// Backups is a folder of backups in RocksDB's own format, which its other programs read too. Table files that
// several backups have are there once: the second backup of a database copies what is new. One call at a time
// may add or delete backups of a folder, in all processes; whoever finds another at work gets ErrLocked. (File
// systems without flock do not tell: there the caller sees to it.) It holds nothing open between calls. It is
// safe for concurrent use; a nil or zero Backups answers as a closed one.
type Backups struct {
	dir     string
	o       BackupsOptions
	guard   guard
	timeout time.Duration // closeTimeout, but in tests
}

// BackupsOptions say how OpenBackups opens a folder. Nil and the zero value mean the defaults.
type BackupsOptions struct {
	ErrorIfMissing bool // the default is to make the folder, below one that exists

	CreateRate  int64 // bytes a second that Create copies at most; 0: no limit
	RestoreRate int64 // and Restore
	Threads     int   // files copied at once, up to 64; 0: 1
	NoSync      bool  // what was copied is in the operating system's hands when Create and Restore return
}

// BackupOptions say how Create makes a backup. Nil and the zero value mean the defaults.
type BackupOptions struct {
	// Flush has the memtables written to files first. Without, the write-ahead log is copied: it is quicker to
	// make, and rows that were written with DisableWAL are not in the backup.
	Flush bool
	// Note is kept with the backup, up to 1 MiB. ErrUnsupported before RocksDB 11.6 unless it is nil.
	Note []byte
	// Progress is called now and then, by another goroutine, with the bytes that were copied so far. Not after
	// Create has returned.
	Progress func(copied int64)
}

// RestoreOptions say how Restore copies a backup. Nil and the zero value mean the defaults.
type RestoreOptions struct {
	WALDir string // where the write-ahead logs go, for a database with wal_dir; empty: to the others
	// Progress is called as that of BackupOptions is.
	Progress func(copied int64)
}

// Backup is one backup of a folder.
type Backup struct {
	ID       uint32 // from 1 on; the newest has the highest
	Time     time.Time
	Sequence uint64 // of the newest write that its table files hold; its logs may hold later ones
	Size     int64  // bytes of all its files, shared ones included
	Files    int
	Note     []byte // nil: none
	Damaged  error  // its list of files or a file is missing or cannot be; nil says nothing of contents: see Verify
}

// maxNote is RocksDB's own limit.
const maxNote = 1 << 20

// OpenBackups opens the folder of backups dir. ErrInvalidArgument if it holds other things, ErrIO if it cannot
// be made or, with ErrorIfMissing, is not there.
func OpenBackups(dir string, o *BackupsOptions) (*Backups, error) {
	if o == nil {
		o = &BackupsOptions{}
	}
	b := &Backups{dir: dir, o: *o, timeout: closeTimeout}
	if err := b.open(); err != nil {
		return nil, describe(err, "open backups", dir)
	}
	return b, nil
}

func (b *Backups) open() error {
	if err := validatePath(b.dir); err != nil {
		return err
	}
	if o := &b.o; o.CreateRate < 0 || o.RestoreRate < 0 || o.Threads < 0 || o.Threads > 64 {
		return invalid("", "a rate is negative, or Threads is not between 0 and 64")
	}
	entries, err := os.ReadDir(b.dir)
	switch {
	case err == nil && len(entries) > 0:
		if info, err := os.Stat(filepath.Join(b.dir, "meta")); err != nil || !info.IsDir() {
			return invalid("", "the folder holds something else than backups")
		}
		return nil
	case err != nil && (b.o.ErrorIfMissing || !errors.Is(err, fs.ErrNotExist)):
		return dberr.Wrap("", dberr.IO, err)
	case b.o.ErrorIfMissing:
		return invalid("", "ErrorIfMissing is set and the folder is empty")
	}
	c, err := cbridge.OpenBackups(b.dir, b.plan())
	if err == nil {
		c.Close()
	}
	return err
}

func (b *Backups) plan() cbridge.BackupOptions {
	return cbridge.BackupOptions{
		CreateRate: uint64(b.o.CreateRate), RestoreRate: uint64(b.o.RestoreRate),
		Threads: uint32(b.o.Threads), NoSync: b.o.NoSync,
	}
}

// enter begins a call, alone in the folder or with others that change nothing. leave ends it.
func (b *Backups) enter(ctx context.Context, alone bool) (leave func(), err error) {
	if b == nil || b.dir == "" {
		return nil, ErrClosed
	}
	if err := b.guard.enter(ctx, opBackup); err != nil {
		return nil, err
	}
	lock, err := lockFolder(b.dir, alone)
	if err != nil {
		b.guard.leave(opBackup)
		return nil, err
	}
	return func() {
		lock.unlock()
		b.guard.leave(opBackup)
	}, nil
}

// describe completes an error of a call.
func (b *Backups) describe(err error, op string) error {
	if b == nil {
		return err
	}
	return describe(err, op, b.dir)
}

// Create adds a backup of db to the folder and tells what it is. Readers and writers go on meanwhile; the
// backup is the database's state at a moment between call and return. After an error there is none, and
// earlier ones are untouched. When ctx, which may be nil, ends, the caller leaves at once; copying stops soon with
// RocksDB 11.5 and later, and is finished before, and what was copied is removed behind the caller. Close of db
// waits for that. ErrReadOnly for a database that was opened so.
func (b *Backups) Create(ctx context.Context, db *DB, o *BackupOptions) (Backup, error) {
	if o == nil {
		o = &BackupOptions{}
	}
	made, err := b.create(ctx, db, o)
	return made, b.describe(err, "create backup")
}

func (b *Backups) create(ctx context.Context, db *DB, o *BackupOptions) (made Backup, err error) {
	leave, err := b.enter(ctx, true)
	if err != nil {
		return made, err
	}
	err = o.check(db)
	if err == nil {
		err = db.enterWrite(ctx, opBackup)
	}
	if err != nil {
		leave()
		return made, err
	}
	c, err := cbridge.OpenBackups(b.dir, b.plan())
	if err != nil {
		db.guard.leave(opBackup)
		leave()
		return made, err
	}
	var id uint32
	flush, note := o.Flush, o.Note
	defer watchFolders(o.Progress, b.dir)()
	err = detached{
		call: func() (err error) {
			if db.observed() {
				defer db.observe(ctx, opBackup, nil, noKey)()
			}
			if flush {
				if err := db.pauses.begin(); err != nil {
					return err
				}
				defer db.pauses.done()
			}
			id, err = c.Create(db.c, flush, note)
			return shutDown(err)
		},
		stop: c.Stop,
		undo: func() {
			if err := b.remove(id); err != nil {
				say(db.log, slog.LevelWarn, "rockbridge: a backup that nobody waits for is left behind", slog.Any("error", err))
			}
		},
		end: func(bool) {
			c.Close()
			db.guard.leave(opBackup)
			leave()
		},
	}.run(ctx)
	if err != nil {
		return made, err
	}
	l, err := readBackup(b.dir, id)
	if err != nil {
		return made, err
	}
	return l.Backup, l.Damaged
}

// check refuses what RocksDB does not take.
func (o *BackupOptions) check(db *DB) error {
	switch {
	case db == nil || db.c == nil:
		return ErrClosed
	case len(o.Note) > maxNote:
		return dberr.New("", dberr.TooLarge, "a note exceeds 1 MiB")
	case o.Note != nil && !Supports(BackupNote):
		return unsupported("", BackupNote)
	}
	return db.onDiskOnly()
}

// List tells what backups there are, the oldest first. Damaged ones are among them: RocksDB passes over them, and
// the next Purge or Delete removes what files they still have. ctx may be nil.
func (b *Backups) List(ctx context.Context) ([]Backup, error) {
	lists, err := b.lists(ctx)
	if err != nil {
		return nil, b.describe(err, "list backups")
	}
	all := make([]Backup, len(lists))
	for i, l := range lists {
		l.Damaged = b.describe(l.Damaged, "list backups")
		all[i] = l.Backup
	}
	return all, nil
}

// lists reads the lists. It takes no lock: they come and go whole.
func (b *Backups) lists(ctx context.Context) ([]*backupList, error) {
	if b == nil || b.dir == "" {
		return nil, ErrClosed
	}
	if err := b.guard.enter(ctx, opBackup); err != nil {
		return nil, err
	}
	defer b.guard.leave(opBackup)
	return readBackups(b.dir)
}

// find gives a backup by its number, 0: the newest, which is an error if it is damaged. The folder is locked.
func (b *Backups) find(id uint32) (*backupList, error) {
	all, err := readBackups(b.dir)
	if err != nil {
		return nil, err
	}
	if id == 0 && len(all) > 0 {
		id = all[len(all)-1].ID
	}
	for _, l := range all {
		if l.ID == id {
			return l, l.Damaged
		}
	}
	return nil, errNoBackup(id)
}

// Restore copies a backup, the newest if id is 0, to the folder dir, which must be empty or not there, below a
// folder that is. The database that is then there is the one of Create's moment. Checksums are compared:
// ErrCorruption if a file is damaged. The newest backup is not replaced by an older one if it is damaged: name that
// then. After an error, and when ctx, which may be nil, has ended, what was copied is removed again; a process
// that is killed leaves a folder without the file CURRENT. ErrNotFound, in an *Error, if there is no such backup.
func (b *Backups) Restore(ctx context.Context, id uint32, dir string, o *RestoreOptions) error {
	if o == nil {
		o = &RestoreOptions{}
	}
	leave, err := b.enter(ctx, false)
	if err != nil {
		return b.describe(err, "restore backup")
	}
	wal := o.WALDir
	if wal == "" {
		wal = dir
	}
	undo, err := newFolders(dir, wal)
	var l *backupList
	var c *cbridge.Backups
	if err == nil {
		l, err = b.find(id)
	}
	if err == nil {
		c, err = cbridge.OpenBackups(b.dir, b.plan())
	}
	if err != nil {
		leave()
		return b.describe(err, "restore backup")
	}
	defer watchFolders(o.Progress, dir, wal)()
	return b.describe(detached{
		call: func() error {
			err := c.Restore(l.ID, dir, wal)
			c.Close() // RocksDB's threads may still copy after a failure
			if err != nil {
				undo()
			}
			return err
		},
		undo: undo,
		end:  func(bool) { leave() },
	}.run(ctx), "restore backup")
}

// newFolders looks whether folders are empty or not there, which they are again after undo.
func newFolders(dirs ...string) (undo func(), err error) {
	existed := make([]bool, len(dirs))
	for i, dir := range dirs {
		if err := validatePath(dir); err != nil {
			return nil, err
		}
		entries, err := os.ReadDir(dir)
		if existed[i] = err == nil; existed[i] && len(entries) > 0 {
			e := invalid("", "the folder is not empty")
			e.Path = dir
			return nil, e
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			e := invalid("", err.Error())
			e.Path = dir
			return nil, e
		}
	}
	return func() {
		for i, dir := range dirs {
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				os.RemoveAll(filepath.Join(dir, e.Name()))
			}
			if !existed[i] {
				os.Remove(dir)
			}
		}
	}, nil
}

// Purge deletes the oldest backups until keep are left, and all files that are no backup's. Damaged backups
// do not count, and stay in the list until they are deleted. It is not stopped: when ctx, which may be nil, ends,
// the caller leaves, and the rest is done behind it.
func (b *Backups) Purge(ctx context.Context, keep int) error {
	if keep < 0 || int64(keep) > int64(noPurge) {
		return b.describe(invalid("", "the number of backups to keep is negative or too high"), "purge backups")
	}
	return b.describe(b.change(ctx, func() error { return b.purge(keep) }), "purge backups")
}

// noPurge keeps every backup.
const noPurge = 1<<31 - 1

// Delete deletes one backup, damaged or not, and all files that are no backup's. ErrNotFound, in an *Error, if there
// is none. When ctx, which may be nil, ends, the caller leaves, and the rest is done behind it.
func (b *Backups) Delete(ctx context.Context, id uint32) error {
	return b.describe(b.change(ctx, func() error { return b.remove(id) }), "delete backup")
}

// change makes a call that is alone in the folder.
func (b *Backups) change(ctx context.Context, call func() error) error {
	leave, err := b.enter(ctx, true)
	if err != nil {
		return err
	}
	return detached{call: call, end: func(bool) { leave() }}.run(ctx)
}

// purge deletes all backups but keep, and what is no backup's.
func (b *Backups) purge(keep int) error {
	c, err := cbridge.OpenBackups(b.dir, b.plan())
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Purge(uint32(keep))
}

// remove deletes a backup as RocksDB does, whose C API has no call for it: its list first, and then what is
// no backup's any more.
func (b *Backups) remove(id uint32) error {
	path := filepath.Join(b.dir, "meta", utoa(id))
	if err := os.Remove(path); errors.Is(err, fs.ErrNotExist) {
		return errNoBackup(id)
	} else if err != nil {
		return dberr.Wrap("", dberr.IO, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return err
	}
	return b.purge(noPurge)
}

func errNoBackup(id uint32) error {
	if id == 0 {
		return dberr.New("", dberr.NotFound, "there is no backup")
	}
	return dberr.New("", dberr.NotFound, "there is no backup "+utoa(id))
}

// Path is the folder.
func (b *Backups) Path() string {
	if b == nil {
		return ""
	}
	return b.dir
}

// Close refuses new calls and waits up to 10 seconds for those in flight; ErrBusy if they have not ended then. It is
// idempotent, and frees nothing.
func (b *Backups) Close() error {
	if b == nil || b.dir == "" {
		return nil
	}
	b.guard.refuse()
	if running := b.guard.shut(b.timeout, nil); running != "" {
		return describe(dberr.New("close", dberr.Busy, "still running: "+running), "", b.dir)
	}
	return nil
}
