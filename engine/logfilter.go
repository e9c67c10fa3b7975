package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// LogVerdict is what a LogFilter says of a write.
type LogVerdict int

// The verdicts.
const (
	KeepWrite LogVerdict = iota // the write comes back, as it does without a filter
	DropWrite                   // it does not, as if it had never been made
	DropRest                    // nor does any later one; the filter is not asked any more
)

// LoggedWrite is a write, or several that RocksDB wrote together, as a write-ahead log has it. What it gives is the
// filter's to keep.
type LoggedWrite struct {
	Log      uint64 // number of the log's file
	Sequence uint64 // of the first row; the others follow
	Rows     int    // operations; LogData is none
	Batch    []byte // as Batch.Repr gives it

	families map[uint32]string
}

// Records are the operations, and LogData, in their order, each with the name of its family; empty for one that has been
// dropped since. Keys of families with timestamps have these behind them: see SplitTimestamp.
func (w LoggedWrite) Records() iter.Seq2[string, Record] {
	return func(yield func(string, Record) bool) {
		for r := range batchrepr.Records(w.Batch) {
			if !yield(w.families[r.Family], r) {
				return
			}
		}
	}
}

// blankedEnding is behind the name of a log's copy that is being made.
const blankedEnding = ".rockbridge"

// validateLogFilter refuses what there is no filter with.
func (o *Options) validateLogFilter() error {
	switch {
	case o.LogFilter == nil:
	case o.ReadOnly || o.InMemory != nil || o.Transactions == Pessimistic:
		return invalid("open", "LogFilter excludes ReadOnly, InMemory and Pessimistic transactions")
	case isTrue(settingsOf(o.Extra)["allow_2pc"]):
		return invalid("open", "LogFilter excludes allow_2pc")
	}
	return nil
}

// logFiltering is one run of a filter over the logs of a database.
type logFiltering struct {
	filter   func(LoggedWrite) (LogVerdict, error)
	families map[uint32]string
	ended    bool
	logs     []*filteredLog
	records  int
	rows     uint64
}

// filteredLog is a log and the writes of it that are dropped.
type filteredLog struct {
	*ondisk.Log
	dropped map[int]bool // by how many records are before it
	rows    uint64
}

// filterLogs has o.LogFilter look at what RocksDB is about to replay, and takes what it drops out of the logs. Nothing
// is changed unless all verdicts are there.
func (d *DB) filterLogs(o *Options) error {
	if o.LogFilter == nil {
		return nil
	}
	if _, err := os.Stat(filepath.Join(d.path, "CURRENT")); errors.Is(err, fs.ErrNotExist) {
		return nil // there is no database yet
	}
	lock, err := lockDatabase(d.path)
	if err != nil {
		return err
	}
	defer lock.unlock()
	f, err := d.logsToFilter(o)
	if err != nil {
		return err
	}
	for _, l := range f.logs {
		if err := f.ask(l); err != nil {
			return describe(err, "", l.Path)
		}
	}
	if err := f.apply(); err != nil {
		return err
	}
	d.recovery.DroppedRecords, d.recovery.DroppedRows = f.records, f.rows
	d.recovery.Records -= f.records
	d.recovery.Rows -= f.rows
	if f.records > 0 {
		say(d.log, slog.LevelInfo, "rockbridge: a filter dropped writes of the log", slog.String("db", d.path),
			slog.Int("records", f.records), slog.Uint64("rows", f.rows))
	}
	return nil
}

// logsToFilter finds the logs, which must be whole.
func (d *DB) logsToFilter(o *Options) (*logFiltering, error) {
	m, err := ondisk.ReadManifest(d.path)
	if err != nil {
		return nil, logFailure(err)
	}
	f := &logFiltering{filter: o.LogFilter, families: map[uint32]string{}}
	for _, family := range m.Families {
		f.families[family.ID] = family.Name
	}
	settings, dir := settingsOf(o.Extra), d.path
	if folder := settings["wal_dir"]; folder != "" {
		dir = folder
	}
	logs, err := ondisk.ReadLogs(dir, m.Log)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, logFailure(err)
	}
	if r, broken := recoveryOf(logs, isTrue(settings["allow_mmap_writes"])); broken != nil && r.LostRecords > 0 {
		return nil, dberr.New("", dberr.Corruption, "LogFilter: "+r.refusal()+", and then the filter can see them")
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Clean(dir), "*.log"+blankedEnding))
	for _, path := range left { // by a process that was killed
		os.Remove(path)
	}
	for _, l := range logs {
		f.logs = append(f.logs, &filteredLog{Log: l, dropped: map[int]bool{}})
	}
	return f, nil
}

func logFailure(err error) error {
	if errors.Is(err, ondisk.ErrDamaged) {
		return dberr.Wrap("", dberr.Corruption, err)
	}
	return fileFailure("", err)
}

// walk calls do with each whole record of a log.
func (l *filteredLog) walk(do func(n int, r *ondisk.Records, record []byte) error) error {
	file, err := os.Open(l.Path)
	if err != nil {
		return fileFailure(l.Path, err)
	}
	defer file.Close()
	r := ondisk.NewRecords(file)
	for n := 0; n < l.Whole.Records; n++ {
		record, err := r.Next()
		if err != nil {
			return logFailure(err)
		}
		if r.Compressed {
			return dberr.New("", dberr.Unsupported, "LogFilter: the log is compressed")
		}
		if err := do(n, r, record); err != nil {
			return err
		}
	}
	return nil
}

// ask asks the filter about each write of a log.
func (f *logFiltering) ask(l *filteredLog) error {
	return l.walk(func(n int, _ *ondisk.Records, record []byte) error {
		s, err := batchrepr.Check(record)
		if err != nil {
			return dberr.Wrap("", dberr.Unsupported, fmt.Errorf("LogFilter: the log has a write that is not known here: %w", err))
		}
		if s.Count == 0 && !f.ended {
			return nil // dropped before, or LogData alone
		}
		verdict := DropRest
		if !f.ended {
			w := LoggedWrite{Log: l.Number, Sequence: binary.LittleEndian.Uint64(record), Rows: int(s.Count), Batch: record, families: f.families}
			if verdict, err = f.verdict(w); err != nil {
				return err
			}
		}
		switch verdict {
		case KeepWrite:
			return nil
		case DropWrite:
		case DropRest:
			f.ended = true
		default:
			return invalid("", fmt.Sprintf("LogFilter answered %d, which is no verdict", verdict))
		}
		if s.Count > 0 {
			l.dropped[n] = true
			l.rows += uint64(s.Count)
		}
		return nil
	})
}

// verdict asks about one write.
func (f *logFiltering) verdict(w LoggedWrite) (v LogVerdict, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = dberr.Wrap("", dberr.Aborted, &OperatorError{Operator: "LogFilter", Cause: cause, Stack: debug.Stack()})
		}
	}()
	if v, err = f.filter(w); err != nil {
		err = dberr.Wrap("", dberr.Aborted, &OperatorError{Operator: "LogFilter", Cause: err})
	}
	return v, err
}

// apply puts copies without the dropped writes in the place of logs. The newest comes first, so that who dies between two
// leaves a beginning of what there should be.
func (f *logFiltering) apply() error {
	var changed []*filteredLog
	for _, l := range slices.Backward(f.logs) {
		if len(l.dropped) == 0 {
			continue
		}
		changed = append(changed, l)
		f.records += len(l.dropped)
		f.rows += l.rows
		if err := l.copyWithout(); err != nil {
			os.Remove(l.Path + blankedEnding)
			return describe(err, "", l.Path)
		}
	}
	for _, l := range changed {
		if err := os.Rename(l.Path+blankedEnding, l.Path); err != nil {
			return fileFailure(l.Path, err)
		}
		if err := syncDir(filepath.Dir(l.Path)); err != nil {
			return err
		}
	}
	return nil
}

// copyWithout makes a copy of a log in which the dropped writes have no rows. It is as long as the log: RocksDB may have
// noted how long that is.
func (l *filteredLog) copyWithout() error {
	to := l.Path + blankedEnding
	if err := copyLog(l.Path, to); err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_RDWR, 0)
	if err != nil {
		return fileFailure(to, err)
	}
	defer file.Close()
	err = l.walk(func(n int, r *ondisk.Records, record []byte) error {
		if !l.dropped[n] {
			return nil
		}
		return fileFailure(to, r.Blank(file, record))
	})
	if err == nil {
		err = fileFailure(to, file.Sync())
	}
	if err != nil {
		return err
	}
	made, err := ondisk.ReadLog(to, l.Number)
	if err != nil {
		return logFailure(err)
	}
	if made.Size != l.Size || made.Whole.Records != l.Whole.Records || made.Whole.Rows != l.Whole.Rows-l.rows {
		return dberr.New("", dberr.Corruption, "LogFilter: the log's copy is not what it should be; the log stays as it was")
	}
	return nil
}

func copyLog(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fileFailure(from, err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return fileFailure(from, err)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return fileFailure(to, err)
	}
	_, err = io.Copy(out, in)
	return fileFailure(to, errors.Join(err, out.Close()))
}
