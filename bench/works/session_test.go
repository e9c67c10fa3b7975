package works

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// memory is an engine in a map that notes what it was asked for.
type memory struct {
	mu      sync.Mutex
	rows    map[string]string
	calls   []string
	lose    bool // forgets a row
	failed  error
	written chan struct{} // gets something from each Put, if it can
}

func (m *memory) note(call string) { m.calls = append(m.calls, call) }

func (m *memory) Put(r *Rows, n int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note("put")
	for i := range r.Len() {
		m.rows[string(r.Key(i))] = string(r.Value(i))
	}
	if m.lose {
		delete(m.rows, string(r.Key(0)))
	}
	select {
	case m.written <- struct{}{}:
	default:
	}
	return m.failed
}

func (m *memory) Settle() error { m.note("settle"); return nil }

func (m *memory) Scan(sum *Sum) error {
	m.note("scan")
	for key, value := range m.rows {
		sum.Row([]byte(key), []byte(value))
	}
	return nil
}

func (m *memory) Close() error { m.note("close"); return nil }

func (m *memory) get(key []byte, sum *Sum) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.rows[string(key)]; ok {
		sum.Value([]byte(v))
	}
	return nil
}

// kind makes a program's kind of it, and a function that asks it.
func (m *memory) ask(t *testing.T) func(Request) (Result, error) {
	t.Helper()
	m.rows, m.written = map[string]string{}, make(chan struct{}, 1)
	kind := Engine[*memory]{
		Name: "memory", Version: func() string { return "1" },
		Open: func(c Config) (*memory, error) {
			m.note("open")
			return m, os.MkdirAll(c.Dir, 0o755)
		},
		Ways: map[string]Way[*memory]{
			"get/map": func(m *memory, w *Work) error { return w.EachKey(m.get) },
			"get/wait": func(m *memory, w *Work) error {
				<-m.written
				return w.EachKey(m.get)
			},
			"get/fail": func(*memory, *Work) error { return errors.New("no more") },
			"groups/": func(_ *memory, w *Work) error {
				return w.EachGroup(func(keys [][]byte, sum *Sum) error {
					sum.Rows += int64(len(keys))
					sum.Bytes++
					return nil
				})
			},
			"ycsb/map": func(m *memory, w *Work) error {
				return w.Replay(Steps{
					Get:  func(key []byte, sum *Sum) error { m.note("get"); return m.get(key, sum) },
					Put:  func(key, _ []byte) error { m.note("put " + string(key)); return nil },
					Scan: func(_ []byte, n int, sum *Sum) error { m.note("scan"); sum.Rows += int64(n); return nil },
				})
			},
		},
	}.Kind()
	return func(r Request) (Result, error) {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		a, err := kind(text)
		if err != nil {
			return Result{}, err
		}
		return a.(Result), nil
	}
}

func TestASessionFillsMeasuresAndRemoves(t *testing.T) {
	m := &memory{}
	ask := m.ask(t)
	dir := filepath.Join(t.TempDir(), "db")
	must := func(r Request) Result {
		t.Helper()
		r.Slot = "main"
		res, err := ask(r)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	fill := Task{Keys: InOrder, Total: 500, Ops: 500, KeyBytes: 16, ValueBytes: 10}
	if res := must(Request{Do: "open", Config: Config{Dir: dir}}); res.Version != "1" {
		t.Errorf("version %q", res.Version)
	}
	must(Request{Do: "fill", Task: fill})
	if want := []string{"open", "put", "settle", "close", "open", "scan"}; !slices.Equal(m.calls, want) {
		t.Errorf("a fill calls %q, not %q", m.calls, want)
	}
	get := Task{Work: "get", Way: "map", Keys: AnyRow, Total: 500, Ops: 300, KeyBytes: 16, ValueBytes: 10, Seed: *seed}
	res := must(Request{Do: "run", Task: get})
	if res.Sum.Rows != 300 || res.Sum.Bytes != 3000 || res.Sum.Check == 0 || res.Elapsed <= 0 || res.PeakRSS == 0 {
		t.Errorf("%+v", res)
	}
	if again := must(Request{Do: "run", Task: get}); again.Sum != res.Sum {
		t.Errorf("the same task saw %+v and %+v", res.Sum, again.Sum)
	}
	get.Keys = Missing
	if res := must(Request{Do: "run", Task: get}); res.Sum.Rows != 0 {
		t.Errorf("%d missing rows were found", res.Sum.Rows)
	}
	put := Task{Work: "put", Keys: AnyRow, Total: 500, Ops: 300, N: 10, KeyBytes: 16, ValueBytes: 10}
	if must(Request{Do: "run", Task: put}); len(m.rows) != 500 {
		t.Errorf("%d rows after overwrites", len(m.rows))
	}
	must(Request{Do: "close"})
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the database is left behind: %v", err)
	}
}

func TestASessionRefusesWhatItDoesNotKnow(t *testing.T) {
	m := &memory{}
	ask := m.ask(t)
	dir := filepath.Join(t.TempDir(), "db")
	if _, err := ask(Request{Do: "open", Slot: "a", Config: Config{Dir: dir}}); err != nil {
		t.Fatal(err)
	}
	task := Task{Work: "get", Way: "map", Keys: AnyRow, Total: 5, Ops: 5, KeyBytes: 16, ValueBytes: 10}
	other := func(change func(*Task)) Task { c := task; change(&c); return c }
	for what, r := range map[string]Request{
		"a folder that is there":    {Do: "open", Slot: "b", Config: Config{Dir: dir}},
		"a database that is open":   {Do: "open", Slot: "a", Config: Config{Dir: dir + "2"}},
		"a database that is not":    {Do: "run", Slot: "b", Task: task},
		"a way that nobody has":     {Do: "run", Slot: "a", Task: other(func(t *Task) { t.Way = "list" })},
		"a way that fails":          {Do: "run", Slot: "a", Task: other(func(t *Task) { t.Way = "fail" })},
		"a trace that is not there": {Do: "run", Slot: "a", Task: other(func(t *Task) { t.Keys = Traced })},
		"no request at all":         {Slot: "a"},
	} {
		if _, err := ask(r); err == nil {
			t.Errorf("%s: it is done", what)
		}
	}
	if res, err := ask(Request{Do: "ways"}); err != nil || !slices.Contains(res.Ways, "get/map") {
		t.Errorf("%q: %v", res.Ways, err)
	}
}

func TestAFillThatLosesRowsIsNoticed(t *testing.T) {
	m := &memory{lose: true}
	ask := m.ask(t)
	if _, err := ask(Request{Do: "open", Slot: "a", Config: Config{Dir: filepath.Join(t.TempDir(), "db")}}); err != nil {
		t.Fatal(err)
	}
	_, err := ask(Request{Do: "fill", Slot: "a", Task: Task{Keys: InOrder, Total: 5, Ops: 5, KeyBytes: 16, ValueBytes: 10}})
	if err == nil || !strings.Contains(err.Error(), "4 rows of 5") {
		t.Error(err)
	}
}

func TestGroupsHaveAsManyKeysAsAsked(t *testing.T) {
	m := &memory{}
	ask := m.ask(t)
	if _, err := ask(Request{Do: "open", Slot: "a", Config: Config{Dir: filepath.Join(t.TempDir(), "db")}}); err != nil {
		t.Fatal(err)
	}
	res, err := ask(Request{Do: "run", Slot: "a", Task: Task{Work: "groups", Keys: AnyRow, Total: 5, Ops: 50, N: 10, KeyBytes: 16, ValueBytes: 10}})
	if err != nil || res.Sum.Rows != 50 || res.Sum.Bytes != 5 {
		t.Errorf("%+v %v", res.Sum, err)
	}
}

func TestAWriterWritesWhileATaskIsDone(t *testing.T) {
	m := &memory{}
	ask := m.ask(t)
	if _, err := ask(Request{Do: "open", Slot: "a", Config: Config{Dir: filepath.Join(t.TempDir(), "db")}}); err != nil {
		t.Fatal(err)
	}
	task := Task{Work: "get", Way: "wait", Keys: AnyRow, Total: 1000, Ops: 100, KeyBytes: 16, ValueBytes: 10, Writer: true}
	res, err := ask(Request{Do: "run", Slot: "a", Task: task})
	if err != nil || res.Written == 0 || res.Written%writerBatch != 0 {
		t.Errorf("%d rows written: %v", res.Written, err)
	}
	select {
	case <-m.written:
	default:
	}
	m.failed = errors.New("full")
	if _, err := ask(Request{Do: "run", Slot: "a", Task: task}); err == nil || !strings.Contains(err.Error(), "the writer: full") {
		t.Errorf("a writer that failed: %v", err)
	}
}

func TestReplayDoesEachKindOfOperation(t *testing.T) {
	m := &memory{}
	ask := m.ask(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "trace")
	kinds := []byte{OpRead, OpUpdate, OpInsert, OpScan, OpReadModifyWrite}
	if err := WriteTrace(file, &Trace{KeyBytes: 1, Loaded: []byte("x"), Kinds: kinds, Keys: []byte("abcde"), Lengths: []uint16{0, 0, 0, 9, 0}}); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(Request{Do: "open", Slot: "a", Config: Config{Dir: filepath.Join(dir, "db")}}); err != nil {
		t.Fatal(err)
	}
	m.calls = nil
	res, err := ask(Request{Do: "run", Slot: "a", Task: Task{Work: "ycsb", Way: "map", Keys: Traced, Trace: file, ValueBytes: 10}})
	if want := []string{"get", "put b", "put c", "scan", "get", "put e"}; err != nil || !slices.Equal(m.calls, want) || res.Sum.Rows != 9 {
		t.Errorf("%q %+v %v", m.calls, res.Sum, err)
	}
}
