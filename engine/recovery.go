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
	// none. A power cut may, in what was not synced; most leave a log that ends between two records, or in
	// zeros, and looks whole then: that nothing was lost, an empty Break does not say.
	Break string
	// LostRecords and LostRows are the whole ones behind the break, which did not come back. Neither the
	// record at the break is counted, nor what never came to the disk.
	LostRecords int
	LostRows    uint64

	// DroppedRecords and DroppedRows are what Options.LogFilter dropped. They are in none of the other numbers.
	DroppedRecords int
	DroppedRows    uint64
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
	skipMode        = "kSkipAnyCorruptedRecords"
)

// lookAtLogs reads the write-ahead logs before RocksDB does, which by default takes any broken place for
// the end of what was written, and throws away what stands behind. A broken place with whole records
// behind it is damage, though: ErrCorruption, unless the loss is accepted. A power cut leaves the same in
// one case only, when several logs were not synced: the older one then ends within a record, and RocksDB
// leaves out the later ones. (Zeros at its end RocksDB takes for a clean one, and goes on with the later
// ones behind a hole: refused.)
func lookAtLogs(dir string, o *Options) (Recovery, error) {
	manifest, err := ondisk.ReadManifest(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Recovery{}, nil // there is no database yet
	case err != nil:
		manifest = &ondisk.Manifest{} // RocksDB has the say on it; no log is left out
	}
	settings := settingsOf(o.Extra)
	mapped := isTrue(settings["allow_mmap_writes"]) // a log then ends in zeros if its writer was killed
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
	mode, ok := settings[walMode]
	for _, l := range logs {
		if err := refuseEndless(l, mode); err != nil {
			return Recovery{}, err
		}
	}
	r, broken := recoveryOf(logs, mapped)
	if broken == nil || r.LostRecords == 0 || o.AcceptDataLoss {
		return r, nil
	}
	cut := broken.Break.Cut && broken.Behind.Records == 0 // it ends there, and only later logs go on
	if cut && (!ok || mode == pointInTimeMode) {
		return r, nil
	}
	e := dberr.New("", dberr.Corruption, r.refusal())
	e.Path = broken.Path
	return Recovery{}, e
}

// refuseEndless answers ErrCorruption if the linked RocksDB would read a log again and again, whatever loss is
// accepted: before 8.9 in its mode of skipping, at a piece of an older log; from 9.3 on in every mode, at a
// piece of a recycled log's kind in one that is not (RocksDB's issues 11968 and 13333). One changed bit is
// enough.
func refuseEndless(l *ondisk.Log, mode string) error {
	endless := l.Mixed && linkedSince("9.3") || l.Older && mode == skipMode && !linkedSince("8.9")
	if !endless {
		return nil
	}
	what := "the log has pieces of an older one" // a recycled log is not damaged by that
	if l.Break != nil {
		what = "the log is damaged (" + l.Break.String() + ")"
	}
	e := dberr.New("", dberr.Corruption, what+", and RocksDB "+Version()+" would read it without end")
	e.Path = l.Path
	return e
}

// lookAtManifest refuses a manifest that is damaged in a way that RocksDB does not see: at a piece of an older
// log it ends without a word, or never, and over zeros it goes on. What files there are is then anyone's guess.
func lookAtManifest(dir string) error {
	path, err := ondisk.ManifestPath(dir)
	if err != nil {
		return nil // RocksDB has the say on it
	}
	l, err := ondisk.ReadLog(path, 0)
	if err != nil || !l.Older && l.Behind.Records == 0 {
		return nil
	}
	e := dberr.New("", dberr.Corruption, "the manifest is damaged")
	if l.Break != nil {
		e.Msg += ": " + l.Break.String()
	}
	e.Path = path
	return e
}

// tellOfBreak logs that a log was broken. To a reader beside a writer every log may look so.
func (d *DB) tellOfBreak() {
	if r := &d.recovery; r.Break != "" && !d.readOnly {
		say(d.log, slog.LevelWarn, "rockbridge: a write-ahead log is broken off", slog.String("db", d.path), slog.String("where", r.Break),
			slog.Int("records_lost", r.LostRecords), slog.Uint64("rows_lost", r.LostRows))
	}
}

// recoveryOf sums up what the logs hold, and gives the first that is broken. Zeros at the end break the
// newest log in no case, and mapped ones never.
func recoveryOf(logs []*ondisk.Log, mapped bool) (r Recovery, broken *ondisk.Log) {
	for i, l := range logs {
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
		ends := l.Break != nil && l.Break.Zeros && l.Behind.Records == 0 && (mapped || i == len(logs)-1)
		if broken == nil && l.Break != nil && !ends {
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
