package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// place is the folder DST.importing, in which the database is made, held by a lock on a file in it as long as the process lives.
type place struct {
	folder string
	dir    string // of the database, in it
	dst    string
	lock   *os.File
}

// lockName is the file that tells a folder of ours from any other.
const lockName = "ROCKBRIDGE-IMPORT"

// checkDestination refuses a destination that holds something.
func checkDestination(dst string) error {
	entries, err := os.ReadDir(dst)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s: it exists and is not empty", dst)
	}
	return nil
}

// claim makes the folder, or takes over that of an import that died, whose files it removes.
func claim(dst string) (*place, error) {
	dst = filepath.Clean(dst)
	p := &place{folder: dst + ".importing", dst: dst}
	p.dir = filepath.Join(p.folder, "db")
	err := os.Mkdir(p.folder, 0o777)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	flags := os.O_RDWR
	if entries, dirErr := os.ReadDir(p.folder); err == nil || dirErr == nil && len(entries) == 0 {
		flags |= os.O_CREATE
	}
	p.lock, err = os.OpenFile(filepath.Join(p.folder, lockName), flags, 0o666)
	if err != nil {
		return nil, fmt.Errorf("%s is in the way, and not of an import: %w", p.folder, err)
	}
	if err := syscall.Flock(int(p.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		p.lock.Close()
		return nil, fmt.Errorf("%s: another import is at work: %w", p.folder, err)
	}
	if err := errors.Join(p.held(), os.RemoveAll(p.dir)); err != nil {
		p.lock.Close()
		return nil, err
	}
	return p, nil
}

// held looks that the lock is on the file that is there: another import may have ended, and removed it, just before.
func (p *place) held() error {
	now, err := os.Stat(p.lock.Name())
	if err != nil {
		return err
	}
	ours, err := p.lock.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(now, ours) {
		return fmt.Errorf("%s: another import is at work", p.folder)
	}
	return nil
}

// publish has the database appear in its place, whole, also over a power cut.
func (p *place) publish() error {
	// An empty folder may be there; what is not empty stays.
	if err := os.Remove(p.dst); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(p.dir, p.dst); err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(p.dst))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// release removes the folder and whatever an import that failed has left in it. The lock is given up last.
func (p *place) release() error {
	return errors.Join(os.RemoveAll(p.dir), os.RemoveAll(p.folder), p.lock.Close())
}
