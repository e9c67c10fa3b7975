package engine

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// trouble is what a database remembers, until it is closed, of a file system that has failed it. Mistakes that RocksDB
// makes afterwards are kept from doing harm.
//
// Before 9.10 (7.8.3 to 9.4.0 were looked at), when it can neither append to its manifest nor write a new one, it
// takes the new one for the one in force, and removes the old one, which CURRENT names, with the next obsolete files,
// at Close at the latest: the database cannot be opened any more. So the manifest gets a second name.
//
// In all versions, once it has stopped for an error and recovered by itself, it gives files that are ingested the
// number 0: the process ends where the library has assertions, and elsewhere a second file takes the place of the
// first. So nothing is ingested then.
type trouble struct {
	met      atomic.Bool
	manifest sync.Mutex // held by calls that write the manifest, once met
}

// keptManifest is what the second name of a manifest ends with. RocksDB leaves such a file alone.
const keptManifest = ".kept"

// note looks at what a call into C returned, and gives it on.
func (d *DB) note(err error) error {
	if ofFileSystem(err) && d.trouble.met.CompareAndSwap(false, true) {
		d.keepManifest()
	}
	return err
}

// noteWrite is note for a write to the log. Once it has met a full disk with all memtables empty, RocksDB before 9.4
// recovers without a new log, and the next write to the old one ends the process where the library has assertions. So
// there is none until the database is opened again. The error of another file, which stops all writes too, leaves the
// log alone, and memtables that a recovery has emptied since are no matter.
func (d *DB) noteWrite(err error) error {
	e, ok := d.note(err).(*Error)
	if ok && e.Code == dberr.NoSpace && d.files == nil && !linkedSince("9.4") && d.memtablesAreEmpty() && isNewestLog(logOf(e.Msg)) {
		d.commits.syncer.fail(err)
	}
	return err
}

// logOf is the path of the log in RocksDB's words on a write to it; empty if they are of another file.
func logOf(words string) string {
	_, after, _ := strings.Cut(words, "file: ")
	path, _, found := strings.Cut(after, ".log: ")
	if !found {
		return ""
	}
	return path + ".log"
}

// isNewestLog tells whether there is no log after the one at path: with memtables that are empty because RocksDB has
// recovered and flushed them, there is.
func isNewestLog(path string) bool {
	if path == "" {
		return false
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return true
	}
	number, _ := ondisk.LogNumber(filepath.Base(path)) // 0 of what is no log
	for _, e := range entries {
		if later, _ := ondisk.LogNumber(e.Name()); later > number {
			return false
		}
	}
	return true
}

func (d *DB) memtablesAreEmpty() bool {
	for _, c := range *d.families.Load() {
		if c.hasUnflushed() {
			return false
		}
	}
	return true
}

// hasUnflushed tells whether memtables of the family hold rows.
func (c *ColumnFamily) hasUnflushed() bool {
	for _, name := range []string{"rocksdb.num-entries-active-mem-table", "rocksdb.num-entries-imm-mem-tables"} {
		if n, ok := c.c.Property(name); ok && n != "0" {
			return true
		}
	}
	return false
}

// noteBackground is note for what failed in the background.
func (d *DB) noteBackground() {
	n, ok := d.def.c.Property("rocksdb.background-errors")
	if ok && n != "0" && d.trouble.met.CompareAndSwap(false, true) {
		d.keepManifest()
	}
}

func (d *DB) keepManifest() {
	if d.files != nil {
		return // it has no file system that fails
	}
	if path, err := ondisk.ManifestPath(d.path); err == nil && !d.readOnly {
		_ = os.Link(path, path+keptManifest) // nothing more can be done where that fails too
	}
}

// bringBackManifest gives the manifest that CURRENT names its name again, if it has only the second one.
func bringBackManifest(dir string) {
	path, err := ondisk.ManifestPath(dir)
	if err != nil {
		return // RocksDB has the say on it
	}
	if _, err := os.Lstat(path); os.IsNotExist(err) {
		_ = os.Link(path+keptManifest, path)
	}
}

// forgetManifests removes second names, once a database is open, or is closed and can be opened.
func forgetManifests(dir string) {
	if path, err := ondisk.ManifestPath(dir); err != nil {
		return
	} else if _, err := os.Lstat(path); err != nil {
		return
	}
	removeKept(dir)
}

// removeKept removes second names.
func removeKept(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "MANIFEST-") && strings.HasSuffix(e.Name(), keptManifest) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// whyBackground gives the cause of an error that RocksDB tells of by a count only: what a commit would answer now. The
// error stays where a commit would be taken, after an error that has passed already.
func (d *DB) whyBackground(err error) error {
	if e, ok := err.(*Error); !ok || e.Code != dberr.IO {
		return err
	}
	if cause := d.refusal(); cause != nil {
		return cause
	}
	return err
}

// refusal is the error of the file system that keeps RocksDB from taking commits; nil if none does.
func (d *DB) refusal() error {
	if err := d.commits.syncer.failure(); err != nil {
		return err
	}
	err := d.noteWrite(d.c.Write(cbridge.NoSlowdown, batchrepr.AppendHeader(nil)))
	if ofFileSystem(err) {
		return err
	}
	return nil
}

// ofFileSystem tells whether an error of RocksDB's is the file system's.
func ofFileSystem(err error) bool {
	e, ok := err.(*Error)
	return ok && (e.Is(ErrIO) || e.Is(ErrReadOnly))
}

// stopped is refusal where the file system has failed before. Calls that flush ask it first: before 9.4 RocksDB, where it
// has assertions, ends the process when it is asked once more to give up a memtable with range deletions, after it could
// make no new log for the next one.
func (d *DB) stopped() error {
	if err := d.operatorFailures.kept.refusal(); err != nil {
		return err
	}
	if !d.trouble.met.Load() {
		return nil
	}
	return d.refusal()
}

// manifestCall makes a call into C that writes the manifest, and notes its error. Once the file system has failed, none
// is made while RocksDB takes no commits: it may be recovering, and where it has assertions it ends the process if it then
// finds a manifest that a caller has begun (DBImpl::ResumeImpl, in all versions). One that waits its turn behind another
// that fails would come at the worst moment.
func (d *DB) manifestCall(call func() error) error {
	d.noteBackground()
	if d.trouble.met.Load() {
		d.trouble.manifest.Lock()
		defer d.trouble.manifest.Unlock()
		if err := d.refusal(); err != nil {
			return err
		}
	}
	return d.note(call())
}

// refuseIngestion answers an error if files must not be ingested any more.
func (d *DB) refuseIngestion() error {
	if err := d.operatorFailures.kept.refusal(); err != nil {
		return err
	}
	d.noteBackground()
	if !d.trouble.met.Load() {
		return nil
	}
	if err := d.refusal(); err != nil {
		return err
	}
	return dberr.New("", dberr.Aborted, "the file system has failed before, and RocksDB would give the files wrong numbers until the database is opened again")
}
