package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

var recoverySeed = flag.Uint64("recovery.seed", 0, "seed of the places where logs are damaged; 0: a new one")

// walRecord is where a row's record lies: in which log, from where to where.
type walRecord struct {
	log        int
	begin, end int64
}

// walCase is a database that nothing was flushed of, in one log or two.
type walCase struct {
	dir     string
	logs    []string // base names
	records []walRecord
}

func walKey(i int) []byte { return fmt.Appendf(nil, "%04d", i) }

// newWALs writes rows in as many sessions as there are to be logs. Each begins one and flushes nothing.
func newWALs(t *testing.T, rows, logs int, r *rand.Rand) *walCase {
	t.Helper()
	w := &walCase{dir: filepath.Join(t.TempDir(), "db")}
	for session := range logs {
		db, err := engine.Open(w.dir, &engine.Options{
			Families: map[string]engine.FamilyOptions{"rows": {}}, Extra: "avoid_flush_during_recovery=true",
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := db.ColumnFamily("rows")
		if err != nil {
			t.Fatal(err)
		}
		for i := session * rows / logs; i < (session+1)*rows/logs; i++ {
			value := bytes.Repeat([]byte{byte(i), 0x55}, r.IntN(1200))
			if err := c.Put(walKey(i), value, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.read(t, rows, logs)
	return w
}

// read finds where the records lie.
func (w *walCase) read(t *testing.T, rows, logs int) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.dir, "*.log"))
	if err != nil || len(paths) != logs {
		t.Fatalf("logs %v, %v", paths, err)
	}
	for i, path := range paths {
		w.logs = append(w.logs, filepath.Base(path))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		l := ondisk.NewRecords(bytes.NewReader(b))
		for begin := int64(0); ; begin = l.Offset() {
			record, err := l.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(record) > 12 { // RocksDB's own have no rows
				w.records = append(w.records, walRecord{i, begin, l.Offset()})
			}
		}
	}
	if len(w.records) != rows {
		t.Fatalf("%d records of %d rows", len(w.records), rows)
	}
}

// damaged is a copy of the database, with what spoil makes of one of its logs.
func (w *walCase) damaged(t *testing.T, log int, spoil func(b []byte) []byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	if err := os.CopyFS(dir, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, w.logs[log])
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, spoil(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// rowsThatCameBack opens a database as mode says and tells which rows it has.
func rowsThatCameBack(t *testing.T, dir, mode string, accept bool) (rows []int, r engine.Recovery, err error) {
	t.Helper()
	db, err := engine.Open(dir, &engine.Options{
		AcceptDataLoss: accept, Extra: "wal_recovery_mode=" + mode, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, r, err
	}
	defer db.Close()
	c, err := db.ColumnFamily("rows")
	if err != nil {
		t.Fatal(err)
	}
	scan, done := engine.Scan(c, nil)
	for k := range scan {
		var i int
		if _, err := fmt.Sscanf(string(k), "%d", &i); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, i)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	return rows, db.Recovery(), nil
}

// prefix tells how many rows there are, if these are the first ones.
func prefix(rows []int) (n int, ok bool) {
	for i, row := range rows {
		if row != i {
			return 0, false
		}
	}
	return len(rows), true
}

const (
	tolerateTail = "kTolerateCorruptedTailRecords"
	absolute     = "kAbsoluteConsistency"
	pointInTime  = "kPointInTimeRecovery"
	skipAny      = "kSkipAnyCorruptedRecords"
)

// The golden table of recovery: in each of RocksDB's modes, with one log and with two, and damage of three
// kinds at places all over them. Rows are never lost without an error, but for the last record written, or what a
// power cut may take; and of these only zeros at the end are not told.
func TestADamagedLogIsNoSilentLoss(t *testing.T) {
	r, _ := seededRand(t, "recovery.seed", *recoverySeed)
	places := 48
	if testing.Short() {
		places = 6
	}
	for logs := 1; logs <= 2; logs++ {
		w := newWALs(t, 200, logs, r)
		for place := range places {
			i := (place*len(w.records) + r.IntN(len(w.records))) / places
			at := w.records[i]
			offset := at.begin + r.Int64N(at.end-at.begin)
			spoil, kind := flipAt(offset, r), "flip"
			switch place % 3 {
			case 1:
				offset = max(offset, at.begin+1) // between two records nothing shows that there were more
				spoil, kind = func(b []byte) []byte { return b[:offset] }, "cut"
			case 2:
				spoil, kind = zerosOver(offset), "zeros"
			}
			for _, mode := range []string{tolerateTail, absolute, pointInTime, skipAny} {
				t.Run(fmt.Sprintf("%d logs/%s/%s of record %d at %d", logs, mode, kind, i, offset), func(t *testing.T) {
					w.check(t, mode, kind, i, offset, spoil)
				})
			}
		}
		// The last record of each log: of the newest it may be lost without a word, of another not.
		for log := range logs {
			i := (log+1)*len(w.records)/logs - 1
			offset := w.records[i].end - 1
			for _, mode := range []string{tolerateTail, absolute, pointInTime, skipAny} {
				t.Run(fmt.Sprintf("%d logs/%s/the last record of log %d", logs, mode, log), func(t *testing.T) {
					w.check(t, mode, "flip", i, offset, flipAt(offset, r))
				})
				// Space that was set aside, or pages that were not written: from a record on all is zeros.
				n := i - r.IntN(50)
				begin := w.records[n].begin
				t.Run(fmt.Sprintf("%d logs/%s/zeros from record %d of log %d on", logs, mode, n, log), func(t *testing.T) {
					w.check(t, mode, "empty", n, begin, func(b []byte) []byte { clear(b[begin:]); return b })
				})
			}
		}
	}
}

// flipAt changes a bit.
func flipAt(offset int64, r *rand.Rand) func([]byte) []byte {
	bit := byte(1) << r.IntN(8)
	return func(b []byte) []byte { b[offset] ^= bit; return b }
}

// zerosOver is a page that was not written.
func zerosOver(offset int64) func([]byte) []byte {
	return func(b []byte) []byte {
		from := offset &^ 4095
		clear(b[from:min(from+4096, int64(len(b)))])
		return b
	}
}

// check damages record i, and looks at what comes of it.
func (w *walCase) check(t *testing.T, mode, kind string, i int, offset int64, spoil func([]byte) []byte) {
	log := w.records[i].log
	dir := w.damaged(t, log, spoil)
	first, last := w.taken(kind, i, offset)
	behind := len(w.records) - last
	if kind == "cut" {
		behind = 0
		if log == 0 && len(w.logs) == 2 {
			behind = len(w.records) - len(w.records)/2
		}
	}
	suffix := kind == "cut" && (behind == 0 || mode == pointInTime) // what a power cut leaves
	rows, rec, err := rowsThatCameBack(t, dir, mode, false)
	switch {
	case endless(err) && kind == "flip":
		return
	case first == last && behind >= 0 && err == nil && len(rows) == len(w.records):
		return // it was in a block's filling
	case behind > 0 && !suffix:
		if !errors.Is(err, engine.ErrCorruption) {
			t.Fatalf("%d rows, %v; %d records lie behind the damage", len(rows), err, behind)
		}
	case err != nil:
		if mode != absolute && mode != tolerateTail || !errors.Is(err, engine.ErrCorruption) {
			t.Fatalf("only the end is damaged: %v", err)
		}
	default:
		if n, ok := prefix(rows); !ok || n != first || rec.LostRecords != behind {
			t.Fatalf("%d rows, want the first %d; %+v", len(rows), first, rec)
		}
		// A torn end is told, however many rows stood there: that cannot be counted. Zeros from a record on are not.
		if told := rec.Break != ""; kind != "zeros" && told == (kind == "empty") {
			t.Fatalf("%d of %d rows; told: %v; %+v", len(rows), len(w.records), told, rec)
		}
	}
	w.accepted(t, mode, kind, dir, first, last)
}

// hasHole tells whether rows are all n but those from first to last-1, or some more behind these: RocksDB
// gives up the rest of a block in which there are zeros, and sometimes of the log.
func hasHole(rows []int, first, last, n int) bool {
	later := n - len(rows) + first // the first one behind the hole
	for i, row := range rows {
		if i < first && row != i || i >= first && row != later+i-first {
			return false
		}
	}
	return len(rows) > first && later >= last
}

// endless tells that RocksDB was kept from a log that it would not get through.
func endless(err error) bool {
	return errors.Is(err, engine.ErrCorruption) && strings.Contains(err.Error(), "without end")
}

// accepted opens a damaged database all the same. RocksDB ends at the damage then, or passes over it: over zeros,
// and to the next log where it takes the damage for the end of one.
func (w *walCase) accepted(t *testing.T, mode, kind, dir string, first, last int) {
	rows, rec, err := rowsThatCameBack(t, dir, mode, true)
	if err != nil {
		if mode == pointInTime || mode == skipAny || !errors.Is(err, engine.ErrCorruption) {
			t.Fatalf("with the loss accepted: %v", err)
		}
		return
	}
	if mode != pointInTime {
		return
	}
	if n, ok := prefix(rows); ok && n == first || kind != "cut" && hasHole(rows, first, last, len(w.records)) {
		return
	}
	t.Fatalf("with the loss accepted: %v, want the first %d, or all but %d to %d; %+v", rows, first, first, last-1, rec)
}

// taken are the records, from first up to last, that damage to record i takes.
func (w *walCase) taken(kind string, i int, offset int64) (first, last int) {
	log := w.records[i].log
	from, to := offset, offset+1
	switch kind {
	case "zeros":
		from = offset &^ 4095
		to = from + 4096
	case "cut", "empty":
		to = 1 << 60
	}
	first, last = i, i
	for n, r := range w.records {
		if r.log == log && r.begin < to && r.end > from {
			first, last = min(first, n), max(last, n+1)
		}
	}
	return first, last
}

// What would be if Open did not look: with the loss accepted a changed bit takes all rows from there on, without an error,
// and Recovery counts every one but that in the broken place. And the last record is lost so in any case: its break is told.
func TestWithoutTheLookRowsVanishWithoutAnError(t *testing.T) {
	r, _ := seededRand(t, "recovery.seed", *recoverySeed)
	places := 16
	if testing.Short() {
		places = 4
	}
	for logs := 1; logs <= 2; logs++ {
		w := newWALs(t, 200, logs, r)
		for place := range places {
			i := len(w.records) - 1
			if place > 0 {
				i = r.IntN(i)
			}
			spoil := flipAt(w.records[i].end-1, r) // in no piece's head, so that what stands behind is found
			behind := len(w.records) - i - 1
			_, _, err := rowsThatCameBack(t, w.damaged(t, w.records[i].log, spoil), pointInTime, false)
			if refused := errors.Is(err, engine.ErrCorruption); refused != (behind > 0) ||
				refused && !strings.Contains(err.Error(), fmt.Sprintf("%d whole records, %d operations,", behind, behind)) {
				t.Errorf("%d logs, record %d: %v, of %d records behind it", logs, i, err, behind)
			}
			rows, rec, err := rowsThatCameBack(t, w.damaged(t, w.records[i].log, spoil), pointInTime, true)
			n, ok := prefix(rows)
			if err != nil || !ok || n != i || rec.Records != i || rec.LostRecords != behind || rec.LostRows != uint64(behind) || rec.Break == "" {
				t.Errorf("%d logs, record %d: %d rows, %v; %+v", logs, i, len(rows), err, rec)
			}
		}
	}
}

// A database that is opened without transactions for the first time is opened with them once before: that
// one finds the damage, and may accept it.
func TestDamageIsFoundWhereTransactionsAreLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Transactions: engine.Pessimistic})
	const rows = 20
	for i := range rows {
		if err := db.Put(walKey(i), bytes.Repeat([]byte{'v'}, 100), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	b, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(logs[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	if _, err := engine.Open(dir, &engine.Options{Logger: quiet}); !errors.Is(err, engine.ErrCorruption) {
		t.Fatalf("without accepting it: %v", err)
	}
	db = openDir(t, dir, &engine.Options{AcceptDataLoss: true, Logger: quiet})
	defer db.Close()
	if r := db.Recovery(); r.Records+r.LostRecords != rows-1 || r.LostRecords == 0 || r.Break == "" {
		t.Errorf("%+v of %d rows", r, rows)
	}
}

// recycle changes the kind of a record to that of recycled logs: one bit, at which versions of RocksDB read
// without end.
func recycle(begin int64) func([]byte) []byte {
	return func(b []byte) []byte { b[begin+6] |= 4; return b }
}

// In each mode Open comes back, whether it is a record in the middle or the last one, and whatever is accepted.
func TestALogThatRocksDBWouldReadWithoutEndIsRefused(t *testing.T) {
	r, _ := seededRand(t, "recovery.seed", *recoverySeed)
	w := newWALs(t, 100, 1, r)
	v := engine.Version()
	for _, mode := range []string{tolerateTail, absolute, pointInTime, skipAny} {
		want := atLeast(t, v, "9.3") || mode == skipAny && !atLeast(t, v, "8.9")
		for _, i := range []int{50, 99} {
			dir := w.damaged(t, 0, recycle(w.records[i].begin))
			rows, _, err := rowsThatCameBack(t, dir, mode, true)
			if endless(err) != want {
				t.Errorf("%s, record %d: %d rows, %v", mode, i, len(rows), err)
			}
			if mode == pointInTime && !want {
				if n, ok := prefix(rows); !ok || n != i {
					t.Errorf("record %d: %v, %v", i, rows, err)
				}
			}
		}
	}
}

// A kind of piece at which RocksDB reads no further, or for ever, and zeros, which it passes over.
func TestADamagedManifestIsNoSilentLoss(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	if err := db.Put([]byte("key"), nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	path, err := ondisk.ManifestPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(b []byte, begin int64) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := engine.ListColumnFamilies(dir); !errors.Is(err, engine.ErrCorruption) {
			t.Errorf("damaged at %d: its families: %v", begin, err)
		}
		db, err := engine.Open(dir, nil)
		if err == nil {
			db.Close()
		}
		if !errors.Is(err, engine.ErrCorruption) {
			t.Errorf("damaged at %d: %v", begin, err)
		}
	}
	l, n := ondisk.NewRecords(bytes.NewReader(whole)), 0
	for ; ; n++ {
		begin := l.Offset()
		if _, err := l.Next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		refused(recycle(begin)(bytes.Clone(whole)), begin)
		if l.Offset() < int64(len(whole)) {
			b := bytes.Clone(whole)
			clear(b[begin:l.Offset()])
			refused(b, begin)
		}
	}
	if n < 3 {
		t.Errorf("a manifest of %d records", n)
	}
}
