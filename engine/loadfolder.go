package engine

import (
	"encoding/hex"
	"errors"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// loadFolders are the temporary folders of the bulk loads of an open database. As nobody else can have
// it open for writing, any other folder that bears its mark was left by a process that died.
type loadFolders struct {
	mu   sync.Mutex
	used map[string]bool
}

// loadMark begins the names of all folders of the database in dir.
func loadMark(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	h := fnv.New64a()
	h.Write([]byte(dir))
	return "rockbridge-load-" + hex.EncodeToString(h.Sum(nil)) + "-"
}

// parentOf is where the folders of the database in dir are, unless parent says so: beside it, on the same
// file system, so that files can be moved.
func parentOf(dir, parent string) string {
	if parent != "" {
		return parent
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Dir(dir)
}

// begin sweeps what dead processes left in parent and makes a new folder there, or takes over one of
// theirs that keep accepts.
func (l *loadFolders) begin(dir, parent string, keep func(folder string) bool) (folder string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	parent = parentOf(dir, parent)
	mark := loadMark(dir)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return "", dberr.Wrap("", dberr.IO, err)
	}
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), mark) || l.used[path] {
			continue
		}
		if folder == "" && keep != nil && keep(path) {
			folder = path
			continue
		}
		err = errors.Join(err, os.RemoveAll(path))
	}
	if err == nil && folder == "" {
		folder, err = os.MkdirTemp(parent, mark)
	}
	if err != nil {
		return "", dberr.Wrap("", dberr.IO, err)
	}
	if l.used == nil {
		l.used = map[string]bool{}
	}
	l.used[folder] = true
	return folder, nil
}

// end removes a folder, unless it is to be kept for a later load.
func (l *loadFolders) end(folder string, keep bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.used, folder)
	if keep {
		return nil
	}
	if err := os.RemoveAll(folder); err != nil {
		return dberr.Wrap("", dberr.IO, err)
	}
	return nil
}
