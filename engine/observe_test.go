package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/trace"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

func isInvalid(err error) bool { return errors.Is(err, engine.ErrInvalidArgument) }

const slowCall = "slow call"

// everyCall makes each kind of call once and says how often each is to be observed.
func everyCall(t *testing.T, db *engine.DB, dir string) map[string]int {
	t.Helper()
	secret := []byte("secret key")
	f := db.ColumnFamilies()[1]
	it, err := f.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := db.NewBatch()
	b.In(f).Put(secret, []byte("secret value"))
	_, getErr := f.Get(secret, nil)
	_, hasErr := f.Has(secret, nil)
	_, multiErr := f.MultiGet([][]byte{secret}, nil)
	ctx := context.Background()
	for _, err := range []error{
		ignoreMiss(getErr), hasErr, multiErr, f.Put(secret, []byte("secret value"), nil), db.Write(b, nil),
		f.GetPinned(secret, nil, func([]byte) error { return nil }), db.Flush(), db.SyncWAL(),
		f.Compact(ctx, nil, nil), db.Checkpoint(ctx, filepath.Join(dir, "checkpoint")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	it.First()
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return map[string]int{
		"new iterator": 1, "get": 1, "has": 1, "multi get": 1, "write": 2, "get pinned": 1, "flush": 1, "sync WAL": 1,
		"compact": 1, "checkpoint": 1, "iterate": 2,
	}
}

// Under a threshold that every call exceeds, all are logged, with what RocksDB counted but without data.
func TestSlowCallsAreLoggedWithTheirPerfContext(t *testing.T) {
	h := new(heard)
	o := &engine.Options{
		Logger: slog.New(h), SlowThreshold: 1, Families: map[string]engine.FamilyOptions{"f": {}},
	}
	db := openTemp(t, o)
	want := everyCall(t, db, t.TempDir())
	total := 0
	for _, l := range h.with(slowCall) {
		op := l.attrs["op"].String()
		want[op]--
		total++
		if l.level != slog.LevelWarn || l.attrs["took"].Duration() <= 0 || l.attrs["db"].String() != db.Path() {
			t.Errorf("%+v", l)
		}
		if text := fmt.Sprint(l.text, l.attrs); bytes.Contains([]byte(text), []byte("secret")) {
			t.Errorf("the line has data in it: %s", text)
		}
		if op == "get" {
			perf := l.attrs["perf"].Group()
			if len(perf) == 0 || l.attrs["family"].String() != "f" || l.attrs["key_bytes"].Int64() != 10 {
				t.Errorf("a get: %+v", l)
			}
		}
	}
	for op, missing := range want {
		if missing != 0 {
			t.Errorf("%s: %d lines are missing", op, missing)
		}
	}
	if got := metricsOf(t, db).Reads.Slow; got != uint64(total) {
		t.Errorf("%d are counted, %d were logged", got, total)
	}
}

func TestFastCallsAreNotLogged(t *testing.T) {
	for _, threshold := range []time.Duration{0, time.Hour} {
		h := new(heard)
		db := openTemp(t, &engine.Options{
			Logger: slog.New(h), SlowThreshold: threshold, Families: map[string]engine.FamilyOptions{"f": {}},
		})
		everyCall(t, db, t.TempDir())
		if lines := h.with(slowCall); lines != nil {
			t.Errorf("threshold %v: %+v", threshold, lines)
		}
	}
	if _, err := engine.Open(filepath.Join(t.TempDir(), "db"), &engine.Options{SlowThreshold: -1}); !isInvalid(err) {
		t.Errorf("a negative threshold: %v", err)
	}
}

func TestCallsAreRegionsOfATrace(t *testing.T) {
	if trace.IsEnabled() {
		t.Skip("the test itself is traced")
	}
	var out bytes.Buffer
	if err := trace.Start(&out); err != nil {
		t.Fatal(err)
	}
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {}}})
	want := everyCall(t, db, t.TempDir())
	trace.Stop()
	for op := range want {
		if !bytes.Contains(out.Bytes(), []byte("rockbridge "+op)) {
			t.Errorf("the trace has no region of %s", op)
		}
	}
}
