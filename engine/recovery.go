package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// Recovery tells what the write-ahead logs held when the database was opened. Rows are not counted in
// logs that RocksDB compressed.
type Recovery struct {
	Logs    int    // logs of which RocksDB replayed what no table held yet
	Bytes   int64  // their size
	Records int    // whole records in them that came back: each was one write, or one group of commits
	Rows    uint64 // operations in these

	// Break says where a log was broken off, and is empty if none was. A process that was killed leaves
	// none; a power cut does, in what was not synced.
	Break string
	// LostRecords and LostRows are the whole ones behind the break, which did not come back. What the
	// broken place itself held cannot be counted: it is at most one record where nothing else is lost.
	LostRecords int
	LostRows    uint64
}

// Recovery tells what Open found in the write-ahead logs. It is safe for concurrent use, also when the
// database is closed.
func (d *DB) Recovery() Recovery {
	if d == nil {
		return Recovery{}
	}
	return d.recovery
}

// RocksDB's ways to go on at a broken log. The first is what it does by default.
const (
	walMode         = "wal_recovery_mode"
	pointInTimeMode = "kPointInTimeRecovery"
)

// lookAtLogs reads the write-ahead logs before RocksDB does, which by default takes any broken place for
// the end of what was written, and throws away what stands behind. A broken place with whole records
// behind it is damage, though: ErrCorruption, unless the loss is accepted. A power cut leaves the same in
// one case only, when several logs were not synced: the older one then ends within a record.
func lookAtLogs(dir string, o *Options) (Recovery, error) {
	manifest, err := ondisk.ReadManifest(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Recovery{}, nil // there is no database yet
	case err != nil:
		manifest = &ondisk.Manifest{} // RocksDB has the say on it; no log is left out
	}
	settings := settingsOf(o.Extra)
	if folder := settings["wal_dir"]; folder != "" {
		dir = folder
	}
	logs, err := ondisk.ReadLogs(dir, manifest.Log)
	if errors.Is(err, fs.ErrNotExist) {
		return Recovery{}, nil
	}
	if err != nil {
		return Recovery{}, dberr.Wrap("", dberr.IO, err)
	}
	r, broken := recoveryOf(logs)
	if broken == nil || r.LostRecords == 0 || o.AcceptDataLoss {
		return r, nil
	}
	mode, ok := settings[walMode]
	cut := broken.Break.Torn && broken.Behind.Records == 0 // it ends there, and only later logs go on
	if cut && (!ok || mode == pointInTimeMode) {
		return r, nil
	}
	e := dberr.New("", dberr.Corruption, r.refusal())
	e.Path = broken.Path
	return Recovery{}, e
}

// tellOfBreak logs that a log was broken. To a reader beside a writer every log may look so.
func (d *DB) tellOfBreak() {
	if r := &d.recovery; r.Break != "" && !d.readOnly {
		say(d.log, slog.LevelWarn, "rockbridge: a write-ahead log is broken off", slog.String("db", d.path), slog.String("where", r.Break),
			slog.Int("records_lost", r.LostRecords), slog.Uint64("rows_lost", r.LostRows))
	}
}

// recoveryOf sums up what the logs hold, and gives the first that is broken.
func recoveryOf(logs []*ondisk.Log) (r Recovery, broken *ondisk.Log) {
	for _, l := range logs {
		r.Logs++
		r.Bytes += l.Size
		if broken != nil {
			r.LostRecords += l.Whole.Records
			r.LostRows += l.Whole.Rows
		} else {
			r.Records += l.Whole.Records
			r.Rows += l.Whole.Rows
		}
		r.LostRecords += l.Behind.Records
		r.LostRows += l.Behind.Rows
		if broken == nil && l.Break != nil {
			broken = l
			r.Break = fmt.Sprintf("%s: %v", l.Path[strings.LastIndexByte(l.Path, '/')+1:], l.Break)
		}
	}
	return r, broken
}

func (r *Recovery) refusal() string {
	return fmt.Sprintf("the write-ahead log is damaged (%s) and goes on behind: %d whole records, %d operations, would be lost; Options.AcceptDataLoss opens without them",
		r.Break, r.LostRecords, r.LostRows)
}
