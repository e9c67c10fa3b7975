package engine_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// faultRun is a process under faults, at its work: one goroutine that writes, flushes, compacts and so on, and notes
// in the record what it was told.
type faultRun struct {
	dir, mode string
	words     sharedWords
	record    faultRecord
	ops       faultOps
	db        *engine.DB
	session   int    // the first operation since the database was opened
	seen      uint64 // calls that had failed when it last looked
	healed    bool   // the fault is over, and the database was opened since
	step      string
	kind      uint64 // of the calls that fail
}

func faultOptions() *engine.Options {
	return &engine.Options{
		FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10, MergeOperator: engine.Uint64Add, Compression: engine.NoCompression},
		Families: map[string]engine.FamilyOptions{"other": {
			WriteBufferSize: 64 << 10, Compression: engine.NoCompression, Tuning: engine.Tuning{BlobsFrom: 500},
		}},
		BlockCacheSize: 1 << 20,
		Logger:         slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// faultChild's arguments are the folder that holds the database and what else is made, and words: "once" if one call
// fails only, "wait" to wait until there is space again, "stay" to end with the first session, "assert" to end before it
// reads as one of RocksDB's assertions would end it, "ingest" if only calls of an ingestion fail, of a file with "ranges"
// deleted or one that is "moved", and the faults that the harness must find: "lie" acknowledges writes that failed,
// "swallow" takes every flush for one that succeeded.
func faultChild(args []string) {
	f, err := os.OpenFile(os.Getenv(nthFaultFile), os.O_RDWR, 0)
	must(err)
	record, err := os.Create(args[1])
	must(err)
	w := &faultRun{dir: args[0], mode: args[2], words: sharedWords{f}, record: faultRecord{record}}
	w.kind = w.words.get(faultKind)
	if w.is("ingest") {
		w.words.set(faultKind, 0)
	}
	if !w.open("open") && (!w.is("once") || !w.open("open again")) {
		return
	}
	w.work()
	w.expect("close", w.db.Close())
	if w.is("stay") {
		return
	}
	if w.open("reopen") || w.is("once") && w.open("reopen again") {
		w.session = w.begin(faultReopen)
		w.healed = w.is("once") && w.words.get(faultFailed) > 0
		w.writes(4, engine.Sync)
		w.expect("flush", w.db.Flush())
		w.reads(lossOf(faultKinds[w.kind], w.words.get(faultFailed)))
		w.expect("close", w.db.Close())
	}
}

func (w *faultRun) is(word string) bool { return strings.Contains(w.mode, word) }

// found tells of something that must not be.
func (w *faultRun) found(format string, args ...any) {
	fmt.Printf("FOUND in %s: %s\n", w.step, fmt.Sprintf(format, args...))
}

func (w *faultRun) open(step string) bool {
	w.step = step
	db, err := engine.Open(filepath.Join(w.dir, "db"), faultOptions())
	w.db = db
	return w.expect(step, err)
}

// expect looks at what a call returned: nil, or an error of the kind that was planted.
func (w *faultRun) expect(step string, err error) bool {
	w.step = step
	if err == nil {
		return true
	}
	var e *engine.Error
	failed, kind := w.words.get(faultFailed), faultKinds[w.kind]
	errors.As(err, &e)
	switch {
	case failed == 0:
		w.found("failed without a fault: %v", err)
	case w.healed:
		w.found("fails when the fault is over: %v", err)
	case e != nil && e.Code == engine.CodeNotFound && strings.Contains(strings.ToLower(e.Msg), "options file"):
		// RocksDB opens a database that it could not write its options down for.
	case strings.Contains(step, "open") && kind == "open" && e != nil && e.Code == engine.CodeInvalidArgument:
		// RocksDB opens a file to see whether its options suit the file system.
	case step == "ingest" && kind == "read" && errors.Is(err, engine.ErrIO):
		// Before 8.9 RocksDB does not tell which error a read had.
	case step == "ingest" && errors.Is(err, engine.ErrAborted):
		// Once the file system has failed nothing is ingested.
	case strings.HasPrefix(step, "reopen") && kind == "sync" && errors.Is(err, engine.ErrCorruption):
		// A log that was not synced is gone, and one behind it is there: the parent accepts the loss.
	case e == nil || e.Code == engine.CodeUnknown || !errors.Is(err, engine.ErrIO):
		w.found("an error of the wrong kind: %v", err)
	case w.words.get(faultErrno) == uint64(syscall.ENOSPC) && step != "compact" && step != "read" && !errors.Is(err, engine.ErrNoSpace) && !errors.Is(err, engine.ErrSyncFailed):
		w.found("not told as lack of space: %v", err)
	}
	return false
}

// work is all that the database is asked for.
func (w *faultRun) work() {
	if w.is("ingest") {
		w.writes(3, engine.Sync)
		w.flush()
		w.ingest()
		w.reads(nothingLost)
		w.expect("compact", w.db.Compact(nil, nil, nil))
		return
	}
	if !w.is("swallow") {
		w.writes(6, nil)
		w.writes(2, engine.Sync)
		w.assert()
		w.flush()
	}
	w.writes(3, &engine.WriteOptions{DisableWAL: true})
	w.flush()
	w.reads(nothingLost)
	w.crowd()
	w.writes(3, nil)
	if w.expect("sync WAL", w.db.SyncWAL()) {
		w.durable(faultAcked)
	}
	w.healthy()
	w.family()
	w.writes(2, nil)
	w.expect("compact", w.db.Compact(nil, nil, nil))
	w.healthy()
	w.settings()
	w.checkpoint()
	w.ingest()
	w.write(faultRange, nil)
	w.writes(4, engine.Sync)
	w.reads(nothingLost)
	w.expect("compact", w.db.Compact(nil, nil, nil))
	w.writes(3, nil)
	w.healthy()
}

// assert ends the process, if asked to, as an assertion would.
func (w *faultRun) assert() {
	if w.is("assert") {
		fmt.Println(faultAssertion)
		must(syscall.Kill(os.Getpid(), syscall.SIGABRT))
		select {}
	}
}

func (w *faultRun) writes(n int, o *engine.WriteOptions) {
	for range n {
		w.write(faultBatch, o)
	}
}

// write makes the next operation, a batch.
func (w *faultRun) write(act faultAct, o *engine.WriteOptions) {
	n := w.begin(act)
	b := w.db.NewBatch()
	other, err := w.db.ColumnFamily("other")
	must(err)
	for _, gone := range w.ops.deletes(n) {
		if act == faultRange {
			b.DeleteRange(faultKey(gone), faultKey(gone+1))
			b.In(other).DeleteRange(faultKey(gone), faultKey(gone+1))
		} else {
			b.Delete(faultKey(gone))
			b.In(other).Delete(faultKey(gone))
		}
	}
	b.Put(faultKey(n), faultValue(n, "default"))
	b.Merge(faultCount, binary.LittleEndian.AppendUint64(nil, 1))
	b.In(other).Put(faultKey(n), faultValue(n, "other"))
	b.In(other).Put(faultLast, binary.LittleEndian.AppendUint64(nil, uint64(n)))
	ok := w.expect(fmt.Sprintf("write %d", n), w.db.Write(b, o))
	switch {
	case !ok && !(w.is("lie") && o != nil && o.Sync):
	case o != nil && o.DisableWAL:
		w.end(n, faultUnlogged)
	case o != nil && o.Sync:
		w.end(n, faultAcked)
		w.durable(faultAcked)
	default:
		w.end(n, faultAcked)
	}
	w.heal()
}

// heal waits, if asked to, until the database takes commits again.
func (w *faultRun) heal() {
	for begin := time.Now(); w.is("wait") && w.words.get(faultFailed) > 0 && w.db.Health() != nil; time.Sleep(10 * time.Millisecond) {
		if errors.Is(w.db.Health(), engine.ErrSyncFailed) {
			return // for good
		}
		if time.Since(begin) > 30*time.Second {
			w.found("half a minute later still: %v", w.db.Health())
			return
		}
	}
}

func (w *faultRun) begin(act faultAct) (n int) {
	n = len(w.ops)
	w.ops = append(w.ops, faultOps{{faultBegun, act}}...)
	w.record.set(n, faultBegun, act)
	return n
}

func (w *faultRun) end(n int, s faultState) {
	w.ops[n].state = s
	w.record.set(n, s, w.ops[n].act)
}

// durable notes that what was acknowledged in this session, from that state on, has become durable.
func (w *faultRun) durable(from faultState) {
	for n := w.session; n < len(w.ops); n++ {
		if w.ops[n].state >= from && w.ops[n].act != faultReopen {
			w.end(n, faultDurable)
		}
	}
}

func (w *faultRun) flush() {
	if w.expect("flush", w.db.Flush()) || w.is("swallow") {
		w.durable(faultUnlogged)
	}
	w.healthy()
	w.heal()
}

// crowd fills memtables until some are flushed in the background, and waits for that.
func (w *faultRun) crowd() {
	w.step = "background flush"
	for range 12 {
		err := w.db.Put(faultProbe, make([]byte, 8<<10), nil)
		w.expect("probe", err)
	}
	for begin := time.Now(); time.Since(begin) < 5*time.Second; time.Sleep(time.Millisecond) {
		pending, err := w.db.PropertyInt("rocksdb.mem-table-flush-pending")
		must(err)
		running, err := w.db.PropertyInt("rocksdb.num-running-flushes")
		must(err)
		if pending+running == 0 {
			break
		}
	}
	w.healthy()
	w.heal()
}

// healthy looks whether Health says within a second of a failure what a commit would.
func (w *faultRun) healthy() {
	failed := w.words.get(faultFailed)
	if failed == w.seen {
		return
	}
	w.step += ", health"
	var told, met error
	for begin := time.Now(); time.Since(begin) < time.Second; time.Sleep(5 * time.Millisecond) {
		told, met = w.db.Health(), w.db.Put(faultProbe, nil, nil)
		if (told == nil) == (met == nil) {
			w.seen = w.words.get(faultFailed)
			w.expect(w.step, told)
			return
		}
	}
	w.found("Health is %v, and a write gives %v", told, met)
}

// family makes a family, and drops it.
func (w *faultRun) family() {
	c, err := w.db.CreateColumnFamily("made", nil)
	if w.expect("create family", err) {
		w.expect("put into it", c.Put(faultProbe, []byte("v"), nil))
		w.expect("flush it", c.Flush())
		w.expect("drop family", w.db.DropColumnFamily(c))
	}
	w.healthy()
	w.heal()
	w.families()
}

// families makes two, or none unless the error tells that they could not be dropped either.
func (w *faultRun) families() {
	made, err := w.db.CreateColumnFamilies([]string{"one", "two"}, nil)
	var there int
	for _, c := range w.db.ColumnFamilies() {
		if c.Name() == "one" || c.Name() == "two" {
			there++
			w.expect("put into one that is there", c.Put(faultProbe, []byte("v"), nil)) // a dropped one would end all writes
		}
	}
	if w.expect("create families", firstOf(err)) {
		if there != 2 || len(made) != 2 {
			w.found("%d of two families, %d told", there, len(made))
		}
	} else if there > 0 && !strings.Contains(err.Error(), "drop column family") || made != nil {
		w.found("families are left, and the error does not tell: %v", err)
	}
	for _, c := range made {
		w.expect("drop one of two", w.db.DropColumnFamily(c))
	}
	w.healthy()
	w.heal()
}

// firstOf is the first of several errors.
func firstOf(err error) error {
	if joined, several := err.(interface{ Unwrap() []error }); several {
		return joined.Unwrap()[0]
	}
	return err
}

func (w *faultRun) settings() {
	w.expect("set options of a family", w.db.ColumnFamilies()[0].SetOptions(map[string]string{"write_buffer_size": "70000"}))
	w.healthy()
	w.heal()
}

// checkpoint makes one, with a record of what must be in it.
func (w *faultRun) checkpoint() {
	dir := filepath.Join(w.dir, "checkpoint")
	if !w.expect("checkpoint", w.db.Checkpoint(nil, dir)) {
		w.healthy()
		return
	}
	path := w.record.Name() + ".checkpoint"
	f, err := os.Create(path + ".begun")
	must(err)
	for n := range w.ops {
		faultRecord{f}.set(n, w.ops[n].state, w.ops[n].act)
	}
	must(f.Close())
	must(os.Rename(f.Name(), path)) // whole, whenever the process is ended
}

// plant has the calls fail that the fault is of, counted from now on.
func (w *faultRun) plant() {
	w.words.set(faultFrom, w.words.get(faultFrom)+w.words.get(faultCounts+int(w.kind)))
	w.words.set(faultKind, w.kind)
}

func (w *faultRun) ingest() {
	n := w.begin(faultIngest)
	path := filepath.Join(w.dir, "made.sst")
	s, err := engine.NewSSTWriter(path, &engine.SSTWriterOptions{Family: w.db.ColumnFamilies()[0]})
	if !w.expect("new SST writer", err) {
		return
	}
	defer s.Close()
	if !w.expect("put into a table", s.Put(faultKey(n), faultValue(n, "default"))) {
		return
	}
	if w.is("ranges") {
		must(s.DeleteRange([]byte("s"), []byte("t")))
	}
	_, err = s.Finish()
	if w.is("ingest") {
		w.plant()
	}
	if w.expect("finish a table", err) {
		if w.expect("ingest", w.db.Ingest(nil, []string{path}, &engine.IngestOptions{Move: w.is("moved")})) {
			w.end(n, faultDurable)
		} else if _, err := os.Stat(path); err != nil {
			w.found("the file is gone: %v", err)
		}
	}
	if w.is("ingest") {
		w.words.set(faultKind, 0)
	}
	w.healthy()
	w.heal()
}

// reads compares all with the record.
func (w *faultRun) reads(loss faultLoss) {
	w.step = "read"
	errs, wrong := w.ops.read(w.db, loss)
	for _, err := range errs {
		w.expect("read", err)
	}
	if wrong != nil {
		w.found("%v; errors: %v", wrong, errors.Join(errs...))
	}
}
