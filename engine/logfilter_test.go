package engine_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var logFilterSeed = flag.Uint64("logfilter.seed", 0, "seed of the tests of LogFilter; 0: a new one")

// filterable skips where no log is filtered.
func filterable(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("LogFilter is for Linux only")
	}
}

// loggedModel is a database whose newest rows are in logs, and the writes that are there.
type loggedModel struct {
	r      *rand.Rand
	dir    string
	o      engine.Options
	base   map[string]map[string]string // rows in tables, by family
	writes []map[string][][2]string     // since then: keys and values, by family; an empty value deletes
	counts []int
}

var loggedFamilies = []string{"a", "b", "default"}

func newLoggedModel(t *testing.T, r *rand.Rand, extra string) *loggedModel {
	m := &loggedModel{r: r, dir: filepath.Join(t.TempDir(), "db"), base: map[string]map[string]string{}}
	m.o = engine.Options{Extra: extra, Families: map[string]engine.FamilyOptions{"a": {}, "b": {}}}
	for _, name := range loggedFamilies {
		m.base[name] = map[string]string{}
	}
	return m
}

// write makes n writes, of some of which the values are longer than a block of the log.
func (m *loggedModel) write(t *testing.T, n int) {
	t.Helper()
	db := openDir(t, m.dir, &m.o)
	for range n {
		b, write, count := db.NewBatch(), map[string][][2]string{}, 1+m.r.IntN(4)
		for range count {
			name, key := loggedFamilies[m.r.IntN(3)], fmt.Sprint("k", m.r.IntN(20))
			cf, err := db.ColumnFamily(name)
			mustDo(t, err)
			value := fmt.Sprint("v", m.r.Uint64())
			switch m.r.IntN(10) {
			case 0:
				value += string(make([]byte, m.r.IntN(80000)))
			case 1, 2:
				value = ""
			}
			if value == "" {
				mustDo(t, b.In(cf).Delete([]byte(key)))
			} else {
				mustDo(t, b.In(cf).Put([]byte(key), []byte(value)))
			}
			write[name] = append(write[name], [2]string{key, value})
		}
		mustDo(t, db.Write(b, nil))
		m.writes, m.counts = append(m.writes, write), append(m.counts, count)
	}
	mustDo(t, db.Close())
}

// rows are those that the kept writes make.
func (m *loggedModel) rows(kept func(i int) bool) map[string]map[string]string {
	rows := map[string]map[string]string{}
	for name, base := range m.base {
		rows[name] = maps.Clone(base)
	}
	for i, write := range m.writes {
		for name, puts := range write {
			for _, p := range puts {
				if !kept(i) {
					continue
				}
				if rows[name][p[0]] = p[1]; p[1] == "" {
					delete(rows[name], p[0])
				}
			}
		}
	}
	return rows
}

func expectLoggedRows(t *testing.T, what string, db *engine.DB, want map[string]map[string]string) {
	t.Helper()
	for name, rows := range want {
		cf, err := db.ColumnFamily(name)
		mustDo(t, err)
		got := map[string]string{}
		all, done := engine.Scan(cf, nil)
		for k, v := range all {
			got[string(k)] = string(v)
		}
		if mustDo(t, done()); !maps.Equal(got, rows) {
			t.Errorf("%s: family %s has %d rows, want %d, or others", what, name, len(got), len(rows))
		}
	}
}

// What a filter drops is as if it had never been written: at this opening and, without it, at the next ones, whether
// RocksDB flushed what it replayed or not.
func TestAFilterOfTheLogDropsWhatItSays(t *testing.T) {
	filterable(t)
	for name, extra := range map[string]string{
		"plain": "", "kept in logs": "avoid_flush_during_recovery=true", "recycled": "recycle_log_file_num=3;wal_recovery_mode=kTolerateCorruptedTailRecords",
		"elsewhere": "wal_dir=", "mapped": "allow_mmap_writes=true",
	} {
		t.Run(name, func(t *testing.T) {
			r, seed := seededRand(t, "logfilter.seed", *logFilterSeed)
			if name == "elsewhere" {
				extra += t.TempDir()
			}
			m := newLoggedModel(t, r, extra)
			m.write(t, r.IntN(20))
			db := openDir(t, m.dir, &m.o)
			mustDo(t, db.Flush(), db.Close())
			m.base = m.rows(func(int) bool { return true })
			m.writes, m.counts = nil, nil
			m.write(t, 1+r.IntN(15))
			if name == "kept in logs" { // then each opening has a log of its own
				m.write(t, 1+r.IntN(15))
				m.write(t, 1+r.IntN(15))
			}
			m.filter(t, seed)
		})
	}
}

// filter opens the database with a filter, and then without.
func (m *loggedModel) filter(t *testing.T, seed uint64) {
	t.Helper()
	end := len(m.writes)
	if m.r.IntN(2) == 0 {
		end = m.r.IntN(end + 1)
	}
	drops := make([]bool, len(m.writes))
	dropped, rows := 0, 0
	for i := range drops {
		if drops[i] = i >= end || m.r.IntN(2) == 0; drops[i] {
			dropped++
			rows += m.counts[i]
		}
	}
	asked, last := 0, uint64(0)
	o := m.o
	o.LogFilter = func(w engine.LoggedWrite) (engine.LogVerdict, error) {
		i := asked
		asked++
		got := map[string][][2]string{}
		for name, r := range w.Records() {
			got[name] = append(got[name], [2]string{string(r.Key), string(r.Value)})
		}
		if i >= len(m.writes) || !reflect.DeepEqual(got, m.writes[i]) || w.Rows != m.counts[i] || w.Sequence <= last || w.Log == 0 {
			return 0, fmt.Errorf("write %d is another, of %d rows, number %d behind %d", i, w.Rows, w.Sequence, last)
		}
		switch last = w.Sequence; {
		case i >= end:
			return engine.DropRest, nil
		case drops[i]:
			return engine.DropWrite, nil
		}
		return engine.KeepWrite, nil
	}
	want := m.rows(func(i int) bool { return !drops[i] })
	db := openDir(t, m.dir, &o)
	expectLoggedRows(t, fmt.Sprintf("seed %d, filtered", seed), db, want)
	rec := db.Recovery()
	if rec.DroppedRecords != dropped || rec.DroppedRows != uint64(rows) || rec.Records != len(drops)-dropped || asked != min(end+1, len(drops)) {
		t.Errorf("seed %d: recovered %+v, want %d of %d records dropped, %d rows; asked %d times", seed, rec, dropped, len(drops), rows, asked)
	}
	mustDo(t, db.Close())
	for range 2 {
		db = openDir(t, m.dir, &m.o)
		expectLoggedRows(t, fmt.Sprintf("seed %d, opened again", seed), db, want)
		mustDo(t, db.Put([]byte("after"), []byte("v"), nil), db.Delete([]byte("after"), nil), db.Health(), db.Close())
	}
}

// Whatever a filter does, or what is in its way, either all its verdicts hold or nothing has changed.
func TestAFilterThatFailsChangesNothing(t *testing.T) {
	filterable(t)
	r, _ := seededRand(t, "logfilter.seed", *logFilterSeed)
	m := newLoggedModel(t, r, "")
	m.write(t, 10)
	log := theLog(t, m.dir)
	before, err := os.ReadFile(log)
	mustDo(t, err)
	after := func(n int, then func() (engine.LogVerdict, error)) func(engine.LoggedWrite) (engine.LogVerdict, error) {
		return func(engine.LoggedWrite) (engine.LogVerdict, error) {
			if n--; n < 0 {
				return then()
			}
			return engine.DropWrite, nil
		}
	}
	mine := errors.New("mine")
	drop := after(1<<30, nil)
	try := func(what string, o engine.Options, want ...error) {
		t.Helper()
		db, err := engine.Open(m.dir, &o)
		if expectError(t, what, err, want...); err == nil {
			db.Close()
		}
		if now, err := os.ReadFile(log); err != nil || !slices.Equal(now, before) {
			t.Fatalf("%s: the log has changed: %v", what, err)
		}
	}
	with := func(f func(engine.LoggedWrite) (engine.LogVerdict, error)) engine.Options {
		o := m.o
		o.LogFilter = f
		return o
	}
	try("a panic", with(after(5, func() (engine.LogVerdict, error) { panic("p") })), engine.ErrAborted)
	try("an error", with(after(5, func() (engine.LogVerdict, error) { return 0, mine })), engine.ErrAborted, mine)
	try("no verdict", with(after(5, func() (engine.LogVerdict, error) { return 77, nil })), engine.ErrInvalidArgument)
	_, err = engine.Open(m.dir, &engine.Options{LogFilter: after(0, func() (engine.LogVerdict, error) { panic("p") })})
	var op *engine.OperatorError
	if !errors.As(err, &op) || op.Cause != "p" || len(op.Stack) == 0 {
		t.Errorf("a panic is told as %v", err)
	}

	o := with(drop)
	o.ReadOnly = true
	try("a reader", o, engine.ErrInvalidArgument)
	o = with(drop)
	o.Transactions = engine.Pessimistic
	try("transactions", o, engine.ErrInvalidArgument)
	o = with(drop)
	o.Extra = "allow_2pc=true"
	try("two phases", o, engine.ErrInvalidArgument)
	mustDo(t, os.MkdirAll(filepath.Join(log+".rockbridge", "full"), 0o700))
	try("no room for a copy", with(drop), engine.ErrIO)
	mustDo(t, os.RemoveAll(log+".rockbridge"))

	// A database that is open keeps its lock, whoever asks.
	db := openDir(t, m.dir, &m.o)
	log = theLog(t, m.dir)
	before, err = os.ReadFile(log)
	mustDo(t, err)
	for range 3 {
		try("an open database", with(drop), engine.ErrLocked)
		c := childCommand(t.Context(), t, "lock", m.dir)
		c.Stdin = strings.NewReader("open it\n")
		if out, err := c.Output(); err != nil || string(out) != "locked\n" {
			t.Errorf("another process: %q, %v", out, err)
		}
	}
	mustDo(t, db.Close())
	db = openDir(t, m.dir, &engine.Options{Families: m.o.Families, LogFilter: drop})
	mustDo(t, db.Close())
}

// theLog is the newest log of a database.
func theLog(t *testing.T, dir string) string {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs %q, %v", logs, err)
	}
	return slices.Max(logs)
}

// A log that is damaged, compressed or in two phases shows a filter not all there is.
func TestAFilterIsNotShownHalfALog(t *testing.T) {
	filterable(t)
	keep := func(engine.LoggedWrite) (engine.LogVerdict, error) { return engine.KeepWrite, nil }
	damaged := filepath.Join(t.TempDir(), "damaged")
	db := openDir(t, damaged, nil)
	for range 5 {
		mustDo(t, db.Put([]byte("k"), []byte("value"), nil))
	}
	mustDo(t, db.Close())
	log := theLog(t, damaged)
	bytes, err := os.ReadFile(log)
	mustDo(t, err)
	bytes[20] ^= 1
	mustDo(t, os.WriteFile(log, bytes, 0o600))
	_, err = engine.Open(damaged, &engine.Options{AcceptDataLoss: true, LogFilter: keep})
	expectError(t, "a damaged log", err, engine.ErrCorruption)

	prepared := filepath.Join(t.TempDir(), "prepared")
	db = openDir(t, prepared, &engine.Options{Transactions: engine.Pessimistic})
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil), db.Close())
	_, err = engine.Open(prepared, &engine.Options{LogFilter: keep})
	expectError(t, "a log of two phases", err, engine.ErrUnsupported)
	mustDo(t, openDir(t, prepared, nil).Close(), openDir(t, prepared, &engine.Options{LogFilter: keep}).Close())

	if engine.ZstdVersion() == "" {
		return
	}
	packed := filepath.Join(t.TempDir(), "packed")
	db = openDir(t, packed, &engine.Options{Extra: "wal_compression=kZSTD"})
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil), db.Close())
	_, err = engine.Open(packed, &engine.Options{LogFilter: keep})
	expectError(t, "a compressed log", err, engine.ErrUnsupported)
}

// A new database has no log to filter.
func TestAFilterIsNotAskedForANewDatabase(t *testing.T) {
	filterable(t)
	db := openDir(t, filepath.Join(t.TempDir(), "db"), &engine.Options{LogFilter: func(engine.LoggedWrite) (engine.LogVerdict, error) { panic("asked") }})
	mustDo(t, db.Close())
	var head [12]byte
	binary.LittleEndian.PutUint64(head[:], 5)
	for range (engine.LoggedWrite{Batch: head[:]}).Records() {
		t.Error("a write of nothing has a record")
	}
}
