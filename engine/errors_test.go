package engine_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine"
)

// expectError checks that err is all of targets, and an *Error unless it is one of the two bare ones.
func expectError(t *testing.T, what string, err error, targets ...error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %v", what, targets)
		return
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("%s: %v is not %v", what, err, target)
		}
	}
	var e *engine.Error
	if err != engine.ErrNotFound && err != engine.ErrClosed && !errors.As(err, &e) {
		t.Errorf("%s: %v is a %T", what, err, err)
	}
}

func TestTheSentinelsAreThoseOfEveryLayer(t *testing.T) {
	for name, pair := range map[string][2]error{
		"ErrNotFound": {engine.ErrNotFound, dberr.ErrNotFound}, "ErrClosed": {engine.ErrClosed, dberr.ErrClosed},
		"ErrCorruption": {engine.ErrCorruption, dberr.ErrCorruption}, "ErrInvalidArgument": {engine.ErrInvalidArgument, dberr.ErrInvalidArgument},
		"ErrIO": {engine.ErrIO, dberr.ErrIO}, "ErrNoSpace": {engine.ErrNoSpace, dberr.ErrNoSpace}, "ErrReadOnly": {engine.ErrReadOnly, dberr.ErrReadOnly},
		"ErrTooLarge": {engine.ErrTooLarge, dberr.ErrTooLarge}, "ErrBusy": {engine.ErrBusy, dberr.ErrBusy}, "ErrTimedOut": {engine.ErrTimedOut, dberr.ErrTimedOut},
		"ErrTryAgain": {engine.ErrTryAgain, dberr.ErrTryAgain}, "ErrAborted": {engine.ErrAborted, dberr.ErrAborted},
		"ErrIncomplete": {engine.ErrIncomplete, dberr.ErrIncomplete}, "ErrWouldBlock": {engine.ErrWouldBlock, dberr.ErrWouldBlock},
		"ErrLocked": {engine.ErrLocked, dberr.ErrLocked}, "ErrFamilyNotFound": {engine.ErrFamilyNotFound, dberr.ErrFamilyNotFound},
		"ErrFamilyDropped": {engine.ErrFamilyDropped, dberr.ErrFamilyDropped}, "ErrSyncFailed": {engine.ErrSyncFailed, dberr.ErrSyncFailed},
		"ErrUnsupported": {engine.ErrUnsupported, dberr.ErrUnsupported},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is another one", name)
		}
	}
	codes := []engine.Code{
		engine.CodeNotFound, engine.CodeCorruption, engine.CodeUnsupported, engine.CodeInvalidArgument, engine.CodeIO,
		engine.CodeMergeInProgress, engine.CodeIncomplete, engine.CodeShuttingDown, engine.CodeTimedOut, engine.CodeAborted,
		engine.CodeBusy, engine.CodeExpired, engine.CodeTryAgain, engine.CodeCompactionTooLarge, engine.CodeFamilyDropped,
		engine.CodeNoSpace, engine.CodeLocked, engine.CodeReadOnly, engine.CodeWouldBlock, engine.CodeNoMemory, engine.CodeUnknown,
		engine.CodeClosed, engine.CodeTooLarge, engine.CodeFamilyNotFound, engine.CodeSyncFailed, engine.CodeCanceled,
	}
	for i, code := range codes {
		if code != dberr.Code(i+1) {
			t.Errorf("code %d is out of its place", code)
		}
	}
	if !errors.Is(engine.ErrClosed, fs.ErrClosed) {
		t.Error("ErrClosed is not fs.ErrClosed")
	}
}

// Whatever fails, the text of its error holds the key's length and no byte of it.
func TestNoErrorShowsAKey(t *testing.T) {
	dir := created(t, nil)
	ro := openDir(t, dir, &engine.Options{ReadOnly: true})
	defer ro.Close()
	db := openTemp(t, nil)
	key := []byte("a secret key")
	if err := errors.Join(db.Put(key, key, nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	only := &engine.ReadOptions{CacheOnly: true}
	_, get := db.Get(key, only)
	_, has := db.Has(key, only)
	b := db.NewBatch()
	refused := b.DeleteRange(key, nil)
	errs := map[string]error{
		"get": get, "has": has, "get pinned": db.GetPinned(key, only, nil), "merge": db.Merge(key, key, nil),
		"range": db.DeleteRange(key, []byte("a"), nil), "batch": refused, "write": db.Write(b, nil),
	}
	for op, err := range everyWrite(ro, nil) {
		errs["read only "+op] = err
	}
	for op, err := range map[string]error{
		"read only put": ro.Put(key, key, nil), "contradiction": db.Put(key, key, &engine.WriteOptions{Sync: true, DisableWAL: true}),
	} {
		errs[op] = err
	}
	for op, err := range errs {
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(fmt.Sprintf("%v", err), "secret") {
			t.Errorf("%s: %v", op, err)
		}
	}
	if !strings.Contains(get.Error(), "key of 12 bytes") {
		t.Errorf("get: %v", get)
	}
	var e *engine.Error
	if !errors.As(get, &e) || string(e.Key) != string(key) {
		t.Errorf("get: the key is %q", e.Key)
	}
	clear(key) // the error's key is a copy
	if string(e.Key) != "a secret key" {
		t.Errorf("the key became %q", e.Key)
	}
}

func TestALeakErrorCountsInWords(t *testing.T) {
	const head = "rockbridge: database closed with open handles: "
	for _, c := range []struct {
		e    engine.LeakError
		want string
	}{
		{engine.LeakError{Iterators: 1}, "1 iterator"},
		{engine.LeakError{Iterators: 2, Snapshots: 1}, "2 iterators, 1 snapshot"},
		{engine.LeakError{Snapshots: 3}, "3 snapshots"},
		{engine.LeakError{Iterators: 1, Snapshots: 2, Batches: 2, Txs: 5}, "1 iterator, 2 snapshots, 2 batches, 5 transactions"},
		{engine.LeakError{Batches: 1, Txs: 1}, "1 batch, 1 transaction"},
	} {
		if got := c.e.Error(); got != head+c.want {
			t.Errorf("%q, want %q", got, head+c.want)
		}
	}
	db := openDir(t, filepath.Join(t.TempDir(), "db"), nil)
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	newSnapshot(t, db)
	if err := db.Close(); err == nil || !strings.HasPrefix(err.Error(), head+"1 iterator, 1 snapshot") {
		t.Errorf("%v", err)
	}
	if it.First() || it.Error() != engine.ErrClosed {
		t.Errorf("the iterator: %v", it.Error())
	}
	if err := db.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
}
