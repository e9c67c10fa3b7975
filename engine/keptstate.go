package engine

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// keptFolder is in the folder of a database whose comparator failed: its files as they were then. RocksDB leaves it
// alone.
const keptFolder = "rockbridge.kept"

// keptState keeps the files of a database as they are at the moment when a comparator written in Go fails, before
// RocksDB has an answer to build on: as a crash at that moment would leave them. RocksDB cannot be stopped there. It may
// hold its lock, move a table to where it does not belong, drop a deletion that still hides a row, or write a table
// in disorder, and note it in the manifest. None of it counts: the next Open brings the files back.
//
// Tables, blobs and logs get a second name, as they are only removed or appended to; of the manifest the bytes that it
// has are copied. CURRENT comes last, and says that the folder is whole. Whoever has the database open holds a
// lock on the folder, and so nobody brings it back under another's feet.
type keptState struct {
	dir, logs string       // empty: there is nothing to keep, in a database that is only read
	memory    *MemoryFiles // where no files can be kept; nil: dir is on disk
	once      sync.Once
	failed    atomic.Bool
	lock      folderLock
	err       error // why nothing was kept
}

// of says which files are to be kept: those of the database in dir, with options o.
func (k *keptState) of(dir string, o *Options) {
	if o.ReadOnly {
		return
	}
	k.dir, k.logs, k.memory = dir, dir, o.InMemory
	if folder := settingsOf(o.Extra)["wal_dir"]; folder != "" {
		k.logs = folder
	}
}

// keep keeps the files, the first time that it is called. Who calls it meanwhile waits.
func (k *keptState) keep() {
	k.failed.Store(true)
	if k.dir != "" {
		k.once.Do(func() { k.err = k.keepFiles() })
	}
}

// whyNot tells why nothing was kept, once the comparator has failed.
func (k *keptState) whyNot() error {
	k.keep()
	return k.err
}

// refusal is what calls that change the database answer from then on: it would not outlive Close.
func (k *keptState) refusal() error {
	if !k.failed.Load() {
		return nil
	}
	return dberr.New("", dberr.Aborted, "the comparator failed: close the database and open it again")
}

// release lets others bring the files back.
func (k *keptState) release() {
	if k.lock.f != nil {
		k.lock.unlock()
		k.lock.f = nil
	}
}

// keptTries is how often the files are gone through while RocksDB's other threads change the manifest.
const keptTries = 100

func (k *keptState) keepFiles() (err error) {
	if k.memory != nil {
		k.memory.spoil(k.dir)
		return nil
	}
	kept := filepath.Join(k.dir, keptFolder)
	if err := os.MkdirAll(filepath.Join(kept, "logs"), 0o755); err != nil {
		return err
	}
	if k.lock, err = lockFolder(kept, true); err != nil {
		return err
	}
	for range keptTries {
		manifest, err := ondisk.ManifestPath(k.dir)
		if err != nil {
			return err // there is no database yet
		}
		size, err := copyPresent(manifest, filepath.Join(kept, filepath.Base(manifest)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = errors.Join(linkAll(k.dir, kept, ".sst", ".blob"), linkAll(k.logs, filepath.Join(kept, "logs"), ".log"))
		}
		if err != nil {
			return err
		}
		if stillIs(k.dir, manifest, size) {
			return endKept(k.dir, kept, manifest)
		}
	}
	return errors.New("the manifest changed again and again")
}

// stillIs tells whether a manifest is the one in force and has that size.
func stillIs(dir, manifest string, size int64) bool {
	now, err := ondisk.ManifestPath(dir)
	if err != nil || now != manifest {
		return false
	}
	info, err := os.Stat(manifest)
	return err == nil && info.Size() == size
}

// endKept makes what was kept whole.
func endKept(dir, kept, manifest string) error {
	current := filepath.Join(kept, "CURRENT")
	if err := os.WriteFile(current, []byte(filepath.Base(manifest)+"\n"), 0o644); err != nil {
		return err
	}
	return errors.Join(syncPath(current), syncPath(filepath.Join(kept, "logs")), syncPath(kept), syncPath(dir))
}

// copyPresent copies the bytes that a file has now.
func copyPresent(from, to string) (int64, error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return 0, err
	}
	out, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	_, err = io.CopyN(out, in, info.Size())
	return info.Size(), errors.Join(err, out.Sync(), out.Close())
}

// linkAll gives the files of folder from that end so a second name in folder to, where they have none. Those that go
// meanwhile are left out.
func linkAll(from, to string, ends ...string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		for _, end := range ends {
			if filepath.Ext(e.Name()) != end {
				continue
			}
			err := os.Link(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
			if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// hasKept tells whether a comparator failed in the database the last time that it was open, or is open.
func hasKept(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, keptFolder, "CURRENT"))
	return err == nil
}

// refuseKept refuses to read a database whose files are not what they are to be.
func refuseKept(dir string) error {
	if !hasKept(dir) {
		return nil
	}
	return dberr.New("", dberr.Aborted, "its comparator failed when it was last open: only Open for writing puts it in order")
}

// bringBackState puts the files back that were kept. It may be killed and called again.
func bringBackState(dir string, o *Options) error {
	kept := filepath.Join(dir, keptFolder)
	if _, err := os.Lstat(kept); err != nil {
		return nil
	}
	lock, err := lockFolder(kept, true)
	if err != nil {
		return err
	}
	defer lock.unlock()
	if hasKept(dir) {
		var k keptState
		k.of(dir, o)
		if err := k.bringBack(kept); err != nil {
			return fileError("", kept, err)
		}
	}
	if err := os.RemoveAll(kept); err != nil {
		return fileError("", kept, err)
	}
	return nil
}

func (k *keptState) bringBack(kept string) error {
	manifest, err := ondisk.ManifestPath(kept)
	if err != nil {
		return err
	}
	err = errors.Join(linkAll(kept, k.dir, ".sst", ".blob"), linkAll(filepath.Join(kept, "logs"), k.logs, ".log"))
	for _, name := range []string{filepath.Base(manifest), "CURRENT"} {
		if err == nil {
			err = replaceBy(filepath.Join(kept, name), filepath.Join(k.dir, name))
		}
	}
	if err == nil {
		err = errors.Join(syncPath(k.logs), syncPath(k.dir))
	}
	if err == nil {
		err = errors.Join(os.Remove(filepath.Join(kept, "CURRENT")), syncPath(kept))
	}
	return err
}

// replaceBy gives the file at path from the name to, in the place of another.
func replaceBy(from, to string) error {
	between := to + keptManifest
	if err := os.Remove(between); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Link(from, between); err != nil {
		return err
	}
	return os.Rename(between, to)
}
