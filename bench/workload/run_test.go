package workload

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the rows")

// memory is a store in a map that notes what it was asked for.
type memory struct {
	mu      sync.Mutex
	rows    map[string]string
	commits int
	filled  int
	closed  bool
	forget  bool // commits are not kept
	fail    int  // the number of the commit that fails
}

func (m *memory) Commit(key, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commits++
	if m.commits == m.fail {
		return errors.New("no more")
	}
	if _, twice := m.rows[string(key)]; twice {
		return fmt.Errorf("key %x comes twice", key)
	}
	if !m.forget {
		m.rows[string(key)] = string(value)
	}
	return nil
}

func (m *memory) Fill(rows int, row func(int) (key, value []byte)) error {
	for i := range rows {
		key, value := row(i)
		m.rows[string(key)] = string(value)
	}
	m.filled = len(m.rows)
	return nil
}

func (m *memory) Get(key []byte) ([]byte, error) {
	v, ok := m.rows[string(key)]
	if !ok {
		return nil, errors.New("not there")
	}
	return []byte(v), nil
}

func (m *memory) Close() error {
	m.closed = true
	return nil
}

func (m *memory) peer() Peer {
	m.rows = map[string]string{}
	return Peer{Name: "memory", Version: func() string { return "1" }, Open: func(s Spec) (Store, error) { return m, os.Mkdir(s.Dir, 0o755) }}
}

func smallSpec(t *testing.T) Spec {
	t.Helper()
	return Spec{
		Dir: filepath.Join(t.TempDir(), "db"), Goroutines: 5, Duration: 10 * time.Millisecond, WarmRows: 7,
		KeyBytes: 16, ValueBytes: 100, Seed: *seed,
	}
}

func TestRunCountsEveryCommitOnce(t *testing.T) {
	m := &memory{}
	s := smallSpec(t)
	s.Describe = true
	res, err := Run(m.peer(), s)
	if err != nil {
		t.Fatal(err)
	}
	if res.Peer != "memory" || res.Version != "1" {
		t.Errorf("%q, version %q", res.Peer, res.Version)
	}
	if int(res.Commits) != m.commits || m.commits < s.Goroutines || len(m.rows) != m.commits+s.WarmRows || m.filled != s.WarmRows {
		t.Errorf("%d counted; the store saw %d, has %d rows, %d of them filled in", res.Commits, m.commits, len(m.rows), m.filled)
	}
	if res.Elapsed < s.Duration || res.P50 <= 0 || res.P99 < res.P50 || res.Max < res.P99 {
		t.Errorf("%+v", res)
	}
	if !m.closed {
		t.Error("the store was left open")
	}
	if _, err := os.Lstat(s.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the database was left behind: %v", err)
	}
	for key, value := range m.rows {
		if len(key) != 16 || len(value) != 100 {
			t.Fatalf("a row of %d and %d bytes", len(key), len(value))
		}
	}
}

func TestRunWithoutGoroutinesCommitsNothing(t *testing.T) {
	m := &memory{}
	s := smallSpec(t)
	s.Goroutines = 0
	res, err := Run(m.peer(), s)
	if err != nil || res.Commits != 0 || m.commits != 0 || m.filled != s.WarmRows {
		t.Errorf("%d commits, %d filled in: %v", m.commits, m.filled, err)
	}
}

func TestRunReportsAFailedCommit(t *testing.T) {
	m := &memory{fail: 3}
	_, err := Run(m.peer(), smallSpec(t))
	if err == nil || !strings.Contains(err.Error(), "no more") || !m.closed {
		t.Errorf("%v; closed: %v", err, m.closed)
	}
}

func TestRunNoticesThatACommitIsNotThere(t *testing.T) {
	m := &memory{forget: true}
	if _, err := Run(m.peer(), smallSpec(t)); err == nil {
		t.Error("it did not")
	}
}

func TestRunRefusesAFolderThatIsThere(t *testing.T) {
	m := &memory{}
	s := smallSpec(t)
	if err := os.Mkdir(s.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(m.peer(), s); err == nil || m.commits != 0 {
		t.Errorf("%d commits into it: %v", m.commits, err)
	}
	if _, err := os.Lstat(s.Dir); err != nil {
		t.Errorf("it was removed: %v", err)
	}
}

func TestEveryPeerGetsTheSameRows(t *testing.T) {
	s := smallSpec(t)
	a, b := newRows(s, 3), newRows(s, 3)
	for i := range uint64(100) {
		k1, v1 := a.row(i)
		k2, v2 := b.row(i)
		if string(k1) != string(k2) || string(v1) != string(v2) {
			t.Fatalf("row %d differs", i)
		}
	}
}
