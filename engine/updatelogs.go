package engine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// RocksDB has an iterator over its logs. It is not used here: it begins behind a gap without a word, has no log to
// stand in where all are empty, and takes the rows of a prepared transaction for written ones, which a library with
// assertions does not survive.

// updateLogs reads the records of the logs of a database in their order, from one log to the next.
type updateLogs struct {
	dir      string
	path     string // of the current log; empty: none yet
	number   uint64
	tail     *ondisk.Tail
	failed   error              // what can be read no further, for good
	prepared map[string]section // transactions that were prepared, by name
	again    *loggedRecord      // that was read and not taken
}

// section is what a prepared transaction has written.
type section struct {
	records []byte
	count   uint32
}

// loggedRecord is a record of a log: rows, with those of a transaction where it was committed.
type loggedRecord struct {
	log      uint64
	sequence uint64
	data     []byte
	parts    []batchrepr.Part
}

// last is the number of the last row; that before the record if it has none.
func (r *loggedRecord) last() uint64 {
	n := r.sequence - 1
	for _, p := range r.parts {
		if p.Kind == batchrepr.PartRows {
			n += uint64(p.Count)
		}
	}
	return n
}

// open finds out where the logs are.
func (l *updateLogs) open(d *DB) error {
	if err := d.plainFiles(); err != nil {
		return err
	}
	file, err := readOptionsFile(d.path)
	if err != nil {
		return err
	}
	l.dir, l.prepared = d.path, map[string]section{}
	if file != nil && file.db["wal_dir"] != "" {
		l.dir = file.db["wal_dir"]
	}
	return nil
}

func (l *updateLogs) close() {
	if l.tail != nil {
		l.tail.Close()
		l.tail = nil
	}
}

// logFile is a log that is there.
type logFile struct {
	path   string
	number uint64
}

// files lists the logs from a number on, archived ones too, in their order.
func (l *updateLogs) files(from uint64) (logs []logFile, err error) {
	for _, dir := range []string{l.dir, filepath.Join(l.dir, "archive")} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, dberr.Wrap("", dberr.IO, err)
		}
		for _, e := range entries {
			if number, ok := ondisk.LogNumber(e.Name()); ok && number >= from {
				logs = append(logs, logFile{filepath.Join(dir, e.Name()), number})
			}
		}
	}
	// One that was archived between the two looks is there twice.
	slices.SortFunc(logs, func(a, b logFile) int { return cmp.Compare(a.number, b.number) })
	return slices.CompactFunc(logs, func(a, b logFile) bool { return a.number == b.number }), nil
}

// openLog opens a log, wherever it is now. fs.ErrNotExist if it is gone.
func (l *updateLogs) openLog(f logFile) (*ondisk.Tail, error) {
	t, err := ondisk.OpenTail(f.path, f.number)
	if errors.Is(err, fs.ErrNotExist) {
		t, err = ondisk.OpenTail(filepath.Join(l.dir, "archive", filepath.Base(f.path)), f.number)
	}
	return t, err
}

// record gives the next record, which begins with row number next at most: what begins later is one behind a gap. The
// first record is one of the log from, if that is not 0. io.EOF: there is none yet.
func (l *updateLogs) record(next, from uint64) (loggedRecord, error) {
	if l.failed != nil {
		return loggedRecord{}, l.failed
	}
	if l.again != nil {
		r := *l.again
		l.again = nil
		return r, nil
	}
	if l.tail == nil {
		if err := l.seek(next, from); err != nil {
			return loggedRecord{}, l.explain(err)
		}
	}
	for looked := false; ; {
		r, err := l.read(next)
		switch {
		case err == nil && r.sequence <= next:
			return r, nil
		case err == nil:
			err = gapAt(next)
		case err == io.EOF || errors.Is(err, ondisk.ErrDamaged):
			f, err := l.later(next, err)
			if err != io.EOF && !looked {
				looked = true // once more: records may have come before the later log did
				continue
			}
			if err == nil {
				err = l.enterLog(f)
				looked = false
			}
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return loggedRecord{}, l.explain(err)
		}
		l.failed = l.explain(err) // the record is passed
		return loggedRecord{}, l.failed
	}
}

func gapAt(next uint64) error {
	return dberr.New("", dberr.Gap, "row "+utoa64(next)+" is in no log")
}

// explain gives an error of reading its code and path.
func (l *updateLogs) explain(err error) error {
	if _, ok := err.(*Error); ok || err == nil || err == io.EOF {
		return err
	}
	code := dberr.IO
	if errors.Is(err, ondisk.ErrDamaged) {
		code = dberr.Corruption
	}
	e := dberr.Wrap("", code, err)
	e.Path = l.path
	return e
}

// read gives the next record of the current log, and keeps account of transactions. io.EOF: there is none. That
// a transaction is not known is no harm as long as the record is one of before row number next.
func (l *updateLogs) read(next uint64) (loggedRecord, error) {
	data, err := l.tail.Next()
	if err != nil {
		return loggedRecord{}, err
	}
	if l.tail.Compressed {
		return loggedRecord{}, dberr.New("", dberr.Unsupported, "the write-ahead log is compressed")
	}
	parts, err := batchrepr.Parts(data)
	if err != nil {
		return loggedRecord{}, l.malformed(err)
	}
	r := loggedRecord{log: l.number, sequence: binary.LittleEndian.Uint64(data), data: data, parts: parts}
	for i := range r.parts {
		switch p := &r.parts[i]; p.Kind {
		case batchrepr.PartPrepared:
			l.prepared[string(p.Name)] = section{p.Records, p.Count}
		case batchrepr.PartRollback:
			delete(l.prepared, string(p.Name))
		case batchrepr.PartCommit:
			s, known := l.prepared[string(p.Name)]
			if !known && r.sequence >= next {
				return loggedRecord{}, dberr.New("", dberr.Gap, "the rows of transaction "+strconv.Quote(string(p.Name))+" are in no log")
			}
			delete(l.prepared, string(p.Name))
			*p = batchrepr.Part{Kind: batchrepr.PartRows, Records: s.records, Count: s.count}
		}
	}
	return r, nil
}

// malformed is a record that is no batch, or has what no batch may have here.
func (l *updateLogs) malformed(err error) error {
	code := dberr.Corruption
	if strings.Contains(err.Error(), "not supported") {
		code = dberr.Unsupported
	}
	e := dberr.Wrap("", code, err)
	e.Path = l.path
	return e
}

// first gives the number of a log's first row; io.EOF if it has no record.
func (l *updateLogs) first(f logFile) (uint64, error) {
	t, err := l.openLog(f)
	if err != nil {
		return 0, err
	}
	defer t.Close()
	data, err := t.Next()
	switch {
	case err != nil:
		return 0, err
	case t.Compressed:
		return 0, dberr.New("", dberr.Unsupported, "the write-ahead log is compressed")
	case len(data) < batchrepr.HeaderLen:
		return 0, dberr.New("", dberr.Corruption, "a record is too short")
	}
	return binary.LittleEndian.Uint64(data), nil
}

// seek goes to the log from or, if that is 0, the one that has row number next. The ones before it are read for what
// transactions have prepared. io.EOF: it has no record yet.
func (l *updateLogs) seek(next, from uint64) error {
	all, err := l.files(0)
	if err != nil {
		return err
	}
	at, err := l.find(all, next, from)
	if err != nil {
		return err
	}
	for _, f := range all[:at+1] {
		if err := l.enterLog(f); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if f == all[at] {
				return gapAt(next) // deleted meanwhile
			}
			continue
		}
		for f != all[at] {
			if _, err := l.read(math.MaxUint64); err != nil {
				break // what was prepared behind a break is unknown, and is missed if it is committed
			}
		}
	}
	return nil
}

// find tells which of the logs to begin with.
func (l *updateLogs) find(all []logFile, next, from uint64) (at int, err error) {
	if from != 0 {
		if at = slices.IndexFunc(all, func(f logFile) bool { return f.number == from }); at >= 0 {
			return at, nil
		}
		l.number = from - 1
		f, err := l.later(next, io.EOF) // it was read to its end, or there is a gap
		return slices.Index(all, f), err
	}
	for at = len(all) - 1; at >= 0; at-- {
		switch sequence, err := l.first(all[at]); {
		case err == io.EOF || errors.Is(err, fs.ErrNotExist) || errors.Is(err, ondisk.ErrDamaged):
		case err != nil:
			return 0, err
		case sequence <= next:
			return at, nil
		}
	}
	return 0, gapAt(next)
}

// enterLog makes a log the current one.
func (l *updateLogs) enterLog(f logFile) error {
	t, err := l.openLog(f)
	if err != nil {
		return err
	}
	l.close()
	l.tail, l.path, l.number = t, f.path, f.number
	return nil
}

// later gives the log that goes on with row number next, where the current one has ended. why it has: io.EOF,
// which is the answer too if there is no later log, or damage, which is the end of a log only if another goes on
// there: RocksDB has then given up what stood behind.
func (l *updateLogs) later(next uint64, why error) (f logFile, err error) {
	all, err := l.files(l.number + 1)
	if err != nil {
		return f, err
	}
	for _, f := range all {
		switch sequence, err := l.first(f); {
		case err == io.EOF || errors.Is(err, fs.ErrNotExist): // it is empty, or has gone with what it had
		case err != nil:
			return f, err
		case sequence <= next:
			return f, nil
		case why == io.EOF:
			why = gapAt(next)
		}
	}
	return f, why
}
