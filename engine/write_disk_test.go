package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// stalled are options under which writes soon stop for good: files pile up on the first level, and
// the only compaction that could take them away wants more of them than may be there.
var stalled = &engine.Options{
	FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10},
	Extra: "compaction_style=kCompactionStyleUniversal;level0_file_num_compaction_trigger=2;" +
		"level0_slowdown_writes_trigger=2;level0_stop_writes_trigger=2;periodic_compaction_seconds=0;ttl=0;" +
		"compaction_options_universal={min_merge_width=100;max_merge_width=200;max_size_amplification_percent=100000000}",
}

func TestNoSlowdownAnswersInsteadOfWaiting(t *testing.T) {
	for mode, o := range writeModes {
		t.Run(mode, func(t *testing.T) {
			o.FamilyOptions, o.Extra = stalled.FamilyOptions, stalled.Extra
			stallAndAnswer(t, openTemp(t, &o))
		})
	}
}

func stallAndAnswer(t *testing.T, db *engine.DB) {
	o := &engine.WriteOptions{NoSlowdown: true}
	acked := map[string]string{}
	var err error
	for i := 0; i < 100_000 && (err == nil || !stoppedForGood(t, db)); i++ {
		key := fmt.Sprintf("%06d", i)
		if err = db.Put([]byte(key), valueOf(1000), o); err == nil {
			acked[key] = string(valueOf(1000))
		}
	}
	expectError(t, "put", err, engine.ErrWouldBlock, engine.ErrIncomplete)
	var e *engine.Error
	if errors.As(err, &e) && e.Code != engine.CodeWouldBlock {
		t.Errorf("code %v", e.Code)
	}
	b := db.NewBatch()
	b.Put([]byte("batch"), nil)
	expectError(t, "batch", db.Write(b, o), engine.ErrWouldBlock)
	expectError(t, "delete", db.Delete([]byte("000000"), o), engine.ErrWouldBlock)
	expectRows(t, "in the stall", db, acked)
	// A write that waits goes on when the options that stopped it are changed.
	waited := make(chan error, 1)
	go func() { waited <- db.Put([]byte("waited"), nil, nil) }()
	for begin := time.Now(); property(t, db.ColumnFamilies()[0], "rocksdb.is-write-stopped") != "1"; time.Sleep(time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatal("writes are not stopped")
		}
	}
	if err := db.ColumnFamilies()[0].SetOptions(map[string]string{
		"level0_slowdown_writes_trigger": "1000", "level0_stop_writes_trigger": "1000",
	}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-waited, db.Write(b, o)); err != nil {
		t.Errorf("after the stall: %v", err)
	}
	acked["waited"], acked["batch"] = "", ""
	expectRows(t, "after the stall", db, acked)
}

// stoppedForGood waits for the flushes under way, which end a stall that comes of full memtables, and
// tells whether writes are stopped all the same.
func stoppedForGood(t *testing.T, db *engine.DB) bool {
	t.Helper()
	property := func(name string) string {
		v, err := db.Property(name)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if property("rocksdb.mem-table-flush-pending") == "0" && property("rocksdb.num-running-flushes") == "0" {
			return property("rocksdb.is-write-stopped") == "1"
		}
	}
	t.Fatal("a flush does not end")
	return false
}

// smallDisk mounts a file system of so many bytes; remount changes it.
func smallDisk(t *testing.T, size string) (dir string, remount func(flags uintptr, data string)) {
	t.Helper()
	if os.Geteuid() != 0 {
		cannotMount(t, "to mount a small file system takes root")
	}
	dir = t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size); err != nil {
		cannotMount(t, "no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir, func(flags uintptr, data string) {
		t.Helper()
		if err := syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT|flags, data); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFullDiskIsErrNoSpaceAndLosesNothing(t *testing.T) {
	disk, remount := smallDisk(t, "6m")
	dir := filepath.Join(disk, "db")
	db := openDir(t, dir, &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 1 << 20}})
	defer db.Close()
	acked := map[string]string{}
	var err error
	for i := 0; i < 10_000 && err == nil; i++ {
		key, value := fmt.Sprintf("%06d", i), valueOf(4000+i%7)
		if err = db.Put([]byte(key), value, nil); err == nil {
			acked[key] = string(value)
		}
	}
	expectError(t, "put", err, engine.ErrNoSpace, engine.ErrIO, syscall.ENOSPC)
	if len(acked) < 100 {
		t.Errorf("only %d rows fitted", len(acked))
	}
	expectError(t, "put again", db.Put([]byte("x"), nil, engine.Sync), engine.ErrNoSpace)
	expectError(t, "flush", db.Flush(), engine.ErrNoSpace)
	expectRows(t, "on the full disk", db, acked)
	if err := db.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	remount(0, "size=64m")
	db = openDir(t, dir, nil)
	defer db.Close()
	expectRows(t, "reopened with space", db, acked)
	if err := db.Put([]byte("x"), nil, engine.Sync); err != nil {
		t.Errorf("write with space: %v", err)
	}
}

func TestAReadOnlyFileSystemIsErrReadOnly(t *testing.T) {
	disk, remount := smallDisk(t, "64m")
	dir := filepath.Join(disk, "db")
	db := openDir(t, dir, nil)
	defer db.Close()
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	remount(syscall.MS_RDONLY, "")
	_, err := engine.Open(dir, nil)
	expectError(t, "open", err, engine.ErrReadOnly)
	_, err = engine.Open(filepath.Join(disk, "new"), nil)
	expectError(t, "create", err, engine.ErrReadOnly)

	ro := openDir(t, dir, &engine.Options{ReadOnly: true})
	defer ro.Close()
	expectRows(t, "opened read only", ro, map[string]string{"k": "v"})
	expectError(t, "put", ro.Put([]byte("k"), nil, nil), engine.ErrReadOnly)
	expectError(t, "checkpoint", ro.Checkpoint(nil, filepath.Join(disk, "copy")), engine.ErrReadOnly)
}

func TestAReadOnlyDatabaseRefusesEveryChange(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	options := engine.Options{FamilyOptions: adding, Families: map[string]engine.FamilyOptions{"other": adding}}
	db := openDir(t, dir, &options)
	defer db.Close()
	if err := db.Put([]byte("k"), []byte("v"), engine.Sync); err != nil {
		t.Fatal(err)
	}
	options.ReadOnly = true
	ro := openDir(t, dir, &options) // beside the writer
	defer ro.Close()
	other, err := ro.ColumnFamily("other")
	if err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	b := ro.NewBatch()
	b.Put([]byte("x"), nil)
	if n := cgoCalls(func() {
		for _, w := range []singleWriter{ro, other} {
			for op, err := range everyWrite(w, nil) {
				expectError(t, op, err, engine.ErrReadOnly)
			}
		}
		expectError(t, "batch", ro.Write(b, nil), engine.ErrReadOnly)
	}); n != 0 {
		t.Errorf("%d calls into C", n)
	}
	for op, err := range map[string]error{
		"flush": ro.Flush(), "flush of a family": other.Flush(),
		"compact": ro.Compact(nil, nil, nil), "compact of a family": other.Compact(nil, nil, nil),
		"sync WAL": ro.SyncWAL(), "drop": ro.DropColumnFamily(other),
	} {
		expectError(t, op, err, engine.ErrReadOnly)
	}
	_, err = ro.CreateColumnFamily("third", nil)
	expectError(t, "create", err, engine.ErrReadOnly)
	if after := listing(t, dir); after != before {
		t.Errorf("the directory changed from\n%s\nto\n%s", before, after)
	}
	expectRows(t, "read only", ro, map[string]string{"k": "v"})
	s, err := ro.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	readEveryWay(t, s, []byte("k"), []byte("v"))
}
