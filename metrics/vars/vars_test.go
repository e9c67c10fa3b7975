package vars_test

import (
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/metrics/vars"
)

func open(t *testing.T) *engine.DB {
	t.Helper()
	db, err := engine.Open(filepath.Join(t.TempDir(), "db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestVariableShowsTheMetricsUntilClose(t *testing.T) {
	db := open(t)
	if err := vars.Publish("shown", db); err != nil {
		t.Fatal(err)
	}
	if err := db.Put([]byte("key"), nil, nil); err != nil {
		t.Fatal(err)
	}
	var m engine.Metrics
	if err := json.Unmarshal([]byte(expvar.Get("shown").String()), &m); err != nil {
		t.Fatal(err)
	}
	if m.Calls["write"].Calls != 1 || m.Memory.Memtables == 0 || len(m.Families) != 1 {
		t.Errorf("%+v", m)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if s := expvar.Get("shown").String(); s != "null" {
		t.Errorf("after Close: %s", s)
	}
}

func TestNameIsTakenUntilItsDatabaseIsClosed(t *testing.T) {
	first, second := open(t), open(t)
	if expvar.Get("foreign") == nil { // of an earlier run in this process
		expvar.NewInt("foreign")
	}
	if err := vars.Publish("taken", first); err != nil {
		t.Fatal(err)
	}
	for name, db := range map[string]*engine.DB{"taken": second, "foreign": second, "": second} {
		if err := vars.Publish(name, db); !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := vars.Publish("taken", first); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("twice: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for _, db := range []*engine.DB{first, nil, new(engine.DB)} {
		if err := vars.Publish("closed", db); err != engine.ErrClosed {
			t.Errorf("closed: %v", err)
		}
	}
	if err := vars.Publish("taken", second); err != nil {
		t.Errorf("again: %v", err)
	}
	if s := expvar.Get("taken").String(); s == "null" {
		t.Error("the second database does not show")
	}
}

func TestOneOfManyPublishersWins(t *testing.T) {
	for i := range 20 {
		name := fmt.Sprint("many ", i)
		db := open(t)
		var won atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch err := vars.Publish(name, db); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, engine.ErrInvalidArgument):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := won.Load(); n != 1 {
			t.Errorf("%d publishers won", n)
		}
	}
}
