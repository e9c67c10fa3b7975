package engine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// A reader may open a database while another process writes it. The writer flushes, compacts, and
// begins new manifests and OPTIONS files, so that a file named a moment ago is gone: the next try sees
// what has taken its place. Worse, RocksDB would say nothing of a log that vanished between its look at
// the manifest and at the logs, and show later writes without those of that log. A log goes only after
// the manifest names what took its rows: so a state counts only if the manifest was the same before and
// after.

// besideTries is how often an open is tried; the pauses between add up to half a second.
const besideTries = 10

// openBeside opens a database for reading beside a writer. ErrTryAgain if the writer gave it no chance.
func openBeside(dir string, o *Options, prepare func(*cbridge.Plan) error) (d *DB, err error) {
	if err := refuseKept(dir); err != nil {
		return nil, err
	}
	if state, err := manifestState(dir); err == nil && state == "" {
		return openPlanned(dir, o, prepare) // there is nothing to wait for
	}
	err = besideWriter(func() error {
		before, err := manifestState(dir)
		if err != nil {
			return err
		}
		var failure error
		d, failure = openPlanned(dir, o, prepare)
		after, err := manifestState(dir)
		if err == nil && after != before && (failure == nil || replaced(failure)) {
			err = dberr.New("", dberr.TryAgain, "the database's files changed again and again while it was opened")
		}
		if failure != nil && (err == nil || !errors.Is(err, ErrTryAgain)) {
			return failure // also over a file that is gone from a database that nobody changes
		}
		if err != nil && d != nil {
			d.close()
			d = nil
		}
		return err
	})
	return d, err
}

// besideWriter tries f again while it fails over what a writer may just have replaced.
func besideWriter(f func() error) error {
	for try, pause := 1, time.Millisecond; ; try, pause = try+1, 2*pause {
		err := f()
		if err == nil || try == besideTries || !replaced(err) {
			return err
		}
		time.Sleep(pause)
	}
}

// replaced tells whether err is of a file or a family that is gone.
func replaced(err error) bool {
	var e *Error
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	return errors.As(err, &e) && (e.Code == dberr.TryAgain || strings.Contains(e.Msg, "No such file") ||
		strings.Contains(e.Msg, "Column family not found"))
}

// manifestState names the current manifest and its size; empty if there is no database, as RocksDB is
// to say.
func manifestState(dir string) (string, error) {
	name, err := os.ReadFile(filepath.Join(dir, "CURRENT"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fileError("", dir, err)
	}
	file := strings.TrimSpace(string(name))
	info, err := os.Stat(filepath.Join(dir, file))
	if err != nil {
		return "", fileError("", dir, err)
	}
	return file + " " + strconv.FormatInt(info.Size(), 10), nil
}

// writerState is manifestState and the logs with their sizes: while it stays the same, there is
// nothing new to see, if the logs are in dir.
func writerState(dir string) (string, error) {
	state, err := manifestState(dir)
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fileError("", dir, err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".log") {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return "", fileError("", dir, err)
		}
		state += " " + e.Name() + " " + strconv.FormatInt(info.Size(), 10)
	}
	return state, nil
}
