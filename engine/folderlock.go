package engine

import (
	"errors"
	"os"
	"syscall"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// folderLock keeps others out of a folder, in this process and in others, until unlock. It writes nothing, so
// a folder that cannot be written to is no obstacle. File systems that have no such locks are left unlocked.
type folderLock struct{ f *os.File }

// lockFolder locks a folder, for all that share it or for one alone. ErrLocked at once if it cannot.
func lockFolder(dir string, alone bool) (folderLock, error) {
	f, err := os.Open(dir)
	if err != nil {
		return folderLock{}, dberr.Wrap("", dberr.IO, err)
	}
	how := syscall.LOCK_SH
	if alone {
		how = syscall.LOCK_EX
	}
	for {
		err = syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err != syscall.EINTR {
			break
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		e := dberr.New("", dberr.Locked, "another call or process is at work in it")
		e.Path = dir
		return folderLock{}, e
	}
	return folderLock{f}, nil
}

func (l folderLock) unlock() { l.f.Close() }
