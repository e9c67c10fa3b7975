package engine_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// overdue is a context whose deadline has passed but which does not know it yet: what RocksDB sees
// when time runs out during a call.
type overdue struct{ context.Context }

func (overdue) Deadline() (time.Time, bool) { return time.Now().Add(-time.Second), true }

func TestReadsEndWithTheirContext(t *testing.T) {
	db := openWithSizes(t, true)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	past, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Hour))
	defer cancel()
	key := sizeKey(1 << 20)
	for name, r := range pointReaders(t, db) {
		for _, c := range []struct {
			what    string
			ctx     context.Context
			targets []error
			calls   int64 // into C, by four reads
		}{
			{"cancelled", cancelled, []error{context.Canceled}, 0},
			{"past", past, []error{engine.ErrTimedOut, os.ErrDeadlineExceeded, context.DeadlineExceeded}, 0},
			// Four reads, and the release of each error's text.
			{"overdue", overdue{context.Background()}, []error{engine.ErrTimedOut, os.ErrDeadlineExceeded, context.DeadlineExceeded}, 8},
		} {
			o := &engine.ReadOptions{Context: c.ctx, NoFillCache: true}
			n := cgoCalls(func() { readsFail(t, name+", "+c.what, r, key, o, c.targets...) })
			if n != c.calls {
				t.Errorf("%s, %s: %d calls into C, want %d", name, c.what, n, c.calls)
			}
		}
		later, cancel := context.WithTimeout(context.Background(), time.Hour)
		if v, err := r.Get(key, &engine.ReadOptions{Context: later, NoFillCache: true}); err != nil || len(v) != 1<<20 {
			t.Errorf("%s: before the deadline: %d bytes, %v", name, len(v), err)
		}
		cancel()
	}
}

func readsFail(t *testing.T, what string, r pointReader, key []byte, o *engine.ReadOptions, targets ...error) {
	t.Helper()
	v, err := r.Get(key, o)
	expectError(t, what+": Get", err, targets...)
	if v != nil {
		t.Errorf("%s: Get gave %d bytes", what, len(v))
	}
	dst := []byte("dst")
	got, err := r.GetAppend(dst, key, o)
	expectError(t, what+": GetAppend", err, targets...)
	if string(got) != "dst" || &got[0] != &dst[0] {
		t.Errorf("%s: dst became %.40q", what, got)
	}
	err = r.GetPinned(key, o, func([]byte) error { t.Errorf("%s: f was called", what); return nil })
	expectError(t, what+": GetPinned", err, targets...)
	has, err := r.Has(key, o)
	expectError(t, what+": Has", err, targets...)
	if has {
		t.Errorf("%s: Has gave true", what)
	}
}

func TestCacheOnlyReadsNoFile(t *testing.T) {
	db := openWithSizes(t, true)
	key := sizeKey(1 << 20)
	only := &engine.ReadOptions{CacheOnly: true}
	for name, r := range pointReaders(t, db) {
		readsFail(t, name, r, key, only, engine.ErrWouldBlock, engine.ErrIncomplete)
		var e *engine.Error
		if _, err := r.Get(key, only); !errors.As(err, &e) || e.Code != engine.CodeWouldBlock {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := db.Get(key, &engine.ReadOptions{NoFillCache: true}); err != nil {
		t.Fatal(err)
	}
	readsFail(t, "after a read that fills no cache", db, key, only, engine.ErrWouldBlock)
	if _, err := db.Get(key, nil); err != nil {
		t.Fatal(err)
	}
	if v, err := db.Get(key, only); err != nil || !bytes.Equal(v, valueOf(1<<20)) {
		t.Errorf("once cached: %d bytes, %v", len(v), err)
	}
	if err := db.Put([]byte("new"), []byte("in memory"), nil); err != nil {
		t.Fatal(err)
	}
	if v, err := db.Get([]byte("new"), only); err != nil || string(v) != "in memory" {
		t.Errorf("in the memtable: %q, %v", v, err)
	}
}

func TestReadErrorsNameTheCall(t *testing.T) {
	db := openWithSizes(t, true)
	_, err := db.Get(sizeKey(1<<20), &engine.ReadOptions{CacheOnly: true})
	var e *engine.Error
	if !errors.As(err, &e) || e.Op != "get" || e.Path != db.Path() || e.Family != "" || !bytes.Equal(e.Key, sizeKey(1<<20)) {
		t.Errorf("%+v", err)
	}
}
