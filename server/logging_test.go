package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// safeBuffer may be read while it is written to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// logged is a configuration whose log goes to a buffer.
func logged(t *testing.T, lines string) (*server.File, *safeBuffer) {
	t.Helper()
	f, to := server.NewFile(), &safeBuffer{}
	if err := f.Read(strings.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
	if err := f.OpenLog(to); err != nil {
		t.Fatal(err)
	}
	return f, to
}

// Whatever goes wrong, and whatever is told, each line is one of JSON, and holds nothing of what clients sent.
func TestLogLinesAreJSONWithoutKeysAndValues(t *testing.T) {
	f, log := logged(t, "log-format json\nloglevel debug\nrequirepass SECRET-password\nmaxclients 4")
	f.SaveDir = filepath.Join(t.TempDir(), "SECRET-no")
	if err := os.Mkdir(f.SaveDir, 0o700); err != nil {
		t.Fatal(err)
	}
	f.ClientOutputBufferLimit = 64 << 10
	f.SlowlogLogSlowerThan = 1
	s := startIn(t, filepath.Join(t.TempDir(), "db"), f.Config)
	if err := os.Remove(f.SaveDir); err != nil {
		t.Fatal(err)
	}
	w := dial(t, s.addr)
	w.ask("AUTH", "SECRET-wrong")
	w.ask("AUTH", "SECRET-password")
	w.ask("SET", "SECRET-key", strings.Repeat("SECRET-value", 6000))
	w.ask("INCR", "SECRET-key")
	w.ask("NOSUCH", "SECRET-argument")
	w.ask("CLIENT", "SETNAME", "SECRET-name")
	w.ask("CONFIG", "SET", "requirepass", "SECRET-other", "timeout", "100")
	w.ask("CONFIG", "SET", "SECRET-directive", "SECRET-other")
	w.ask("FLUSHDB", "SECRET")
	greedy := dial(t, s.addr)
	greedy.ask("AUTH", "SECRET-other")
	greedy.send(encode("MGET", "SECRET-key", "SECRET-key"))
	greedy.closed()
	for _, bad := range []string{"*2\r\n$3\r\nGET\r\nSECRET\r\n", "*1\r\nSECRET\r\n", "GET \"SECRET\r\n", "*SECRET\r\n", "*1\r\n$SECRET\r\n"} {
		c := dial(t, s.addr)
		c.send([]byte(bad))
		c.closed()
	}
	for range 6 {
		dial(t, s.addr)
	}
	w.ask("CONFIG", "SET", "dir", "SECRET-folder")
	for end := time.Now().Add(10 * time.Second); !strings.Contains(log.String(), "turned away") && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	text := log.String()
	if strings.Contains(text, "SECRET") {
		t.Errorf("the log tells what clients sent:\n%s", text)
	}
	seen := map[string]int{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		var line struct {
			Time       time.Time
			Level, Msg string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Time.IsZero() || line.Level == "" || line.Msg == "" {
			t.Errorf("%s: %v", lines.Text(), err)
		}
		seen[line.Msg]++
		if strings.Contains(lines.Text(), "got ") {
			t.Errorf("a byte of a client's: %s", lines.Text())
		}
	}
	for msg, n := range map[string]int{
		"a client came": 7, "a client left": 1, "a client broke the protocol": 5, "a client was dropped": 1, "a setting was changed": 2,
		"a client was turned away: there are too many": 1,
	} {
		if seen[msg] < n {
			t.Errorf("%q was told %d times, of %d", msg, seen[msg], n)
		}
	}
}

// Keys are not in what is told of writes that fail.
func TestTheLogOfAFailedWriteNamesNoKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	f, log := logged(t, "log-format json\nloglevel debug\nappendfsync no")
	db, err := engine.Open(dir, server.Options(engine.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f.Engine.ReadOnly = true
	if db, err = engine.Open(dir, f.EngineOptions()); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := server.New(db, f.Config)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown(t.Context())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	if got := dial(t, l.Addr().String()).ask("SET", "SECRET-key", "SECRET-value"); !strings.HasPrefix(got, "-MISCONF ") {
		t.Errorf("%q", got)
	}
	w := dial(t, l.Addr().String())
	for range 100 {
		w.ask("SET", "SECRET-key", "SECRET-value")
	}
	if n := strings.Count(log.String(), "a write failed"); n > 20 {
		t.Errorf("%d lines about writes that failed", n)
	}
	if text := log.String(); strings.Contains(text, "SECRET") || !strings.Contains(text, "a write failed") {
		t.Error(text)
	}
}

// loglevel says what is told, and CONFIG SET changes it while the server runs.
func TestTheLogLevelCanBeChanged(t *testing.T) {
	f, log := logged(t, "loglevel warning")
	s := startIn(t, filepath.Join(t.TempDir(), "db"), f.Config)
	w := dial(t, s.addr)
	told := func(what string) bool {
		before := len(log.String())
		f.Logger.Log(t.Context(), map[string]slog.Level{"verbose": slog.LevelDebug, "notice": slog.LevelInfo, "warning": slog.LevelWarn}[what], what)
		return len(log.String()) > before
	}
	for _, c := range []struct {
		level string
		tells []bool
	}{{"", []bool{false, false, true}}, {"notice", []bool{false, true, true}}, {"VERBOSE", []bool{true, true, true}}, {"debug", []bool{true, true, true}}, {"warning", []bool{false, false, true}}} {
		if c.level != "" && w.ask("CONFIG", "SET", "loglevel", c.level) != "+OK\r\n" {
			t.Errorf("loglevel %s is refused", c.level)
		}
		for i, what := range []string{"verbose", "notice", "warning"} {
			if told(what) != c.tells[i] {
				t.Errorf("loglevel %q: %s is told: %v", c.level, what, !c.tells[i])
			}
		}
	}
	if got := w.ask("CONFIG", "SET", "loglevel", "loud"); !strings.HasPrefix(got, "-ERR CONFIG SET failed") {
		t.Errorf("%q", got)
	}
	if got := w.ask("CONFIG", "GET", "loglevel"); !strings.Contains(got, "warning") {
		t.Errorf("%q", got)
	}
	w.ask("CONFIG", "SET", "loglevel", "notice")
	before := len(log.String())
	f.Engine.Logger.Info("of RocksDB")
	f.Engine.Logger.With("a", 1).WithGroup("g").Info("of RocksDB")
	if len(log.String()) > before {
		t.Error("what RocksDB tells for information is a notice")
	}
	f.Engine.Logger.Warn("of RocksDB")
	if !strings.Contains(log.String()[before:], "of RocksDB") {
		t.Error("warnings of RocksDB are not told")
	}
}

// A logfile is appended to, and made anew where it was moved away. One that cannot be had is told at once.
func TestALogFileMayBeMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, other := logged(t, "logfile "+path)
	f.Logger.Info("first")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	f.Logger.Info("second")
	again, _ := logged(t, "logfile "+path)
	again.Logger.Info("third")
	for file, want := range map[string][]string{path + ".1": {"first"}, path: {"second", "third"}} {
		b, err := os.ReadFile(file)
		if err != nil || strings.Count(string(b), "\n") != len(want) {
			t.Errorf("%s: %v, %s", file, err, b)
		}
		for _, w := range want {
			if !strings.Contains(string(b), "msg="+w) {
				t.Errorf("%s: %s", file, b)
			}
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	f.Logger.Info("fourth")
	if !strings.Contains(other.String(), "msg=fourth") {
		t.Errorf("what the file does not take is lost: %s", other)
	}
	if err := f.OpenLog(other); err == nil || !strings.HasPrefix(err.Error(), "logfile: ") {
		t.Errorf("a folder as the file: %v", err)
	}
}
