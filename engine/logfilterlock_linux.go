package engine

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// RocksDB locks the file LOCK for its process. Who closes any descriptor of that file lets go of the lock for the whole
// process, so a database that is open in it must not lose its lock by a look at the file. A lock of an open file
// description (Linux) excludes those of processes, the own one too, and ends with that description alone.
const setDescriptionLock = 37 // F_OFD_SETLK

// databaseLock keeps RocksDB from opening a database, in this process and in others, until unlock.
type databaseLock struct{ f *os.File }

// openElsewhere are LOCK files that could not be locked, which stay open: of a database that this process may have open.
var openElsewhere struct {
	sync.Mutex
	files []*os.File
}

// lockDatabase takes RocksDB's lock of the database in dir. ErrLocked if somebody has it open.
func lockDatabase(dir string) (databaseLock, error) {
	openElsewhere.Lock()
	defer openElsewhere.Unlock()
	path := filepath.Join(dir, "LOCK")
	f, at := knownLock(path)
	if f == nil {
		var err error
		if f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
			return databaseLock{}, fileFailure(path, err)
		}
	}
	whole := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	err := syscall.FcntlFlock(f.Fd(), setDescriptionLock, &whole)
	switch {
	case err == nil && at >= 0:
		openElsewhere.files = append(openElsewhere.files[:at], openElsewhere.files[at+1:]...)
	case err != nil && at < 0:
		openElsewhere.files = append(openElsewhere.files, f)
	}
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES):
		return databaseLock{}, dberr.New("", dberr.Locked, "somebody has it open, and its log is not filtered")
	case err != nil:
		return databaseLock{}, fileFailure(path, err)
	}
	return databaseLock{f}, nil
}

// knownLock finds the file among those that stay open; nil and -1 if it is none of them.
func knownLock(path string) (f *os.File, at int) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, -1
	}
	for i, f := range openElsewhere.files {
		if other, err := f.Stat(); err == nil && os.SameFile(info, other) {
			return f, i
		}
	}
	return nil, -1
}

func (l databaseLock) unlock() { l.f.Close() }
