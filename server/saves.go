package server

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// saves are the copies that BGSAVE makes.
type saves struct {
	mu      sync.Mutex
	running bool
	last    time.Time // of the last that succeeded
	failed  bool      // the last did not
	begun   time.Time
	took    time.Duration // the last; 0: there was none
	done    int64         // that succeeded
}

// saveFacts are what INFO tells of them.
type saveFacts struct {
	running, failed bool
	last            time.Time
	took            time.Duration
	done            int64
}

func (s *saves) all() saveFacts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return saveFacts{s.running, s.failed, s.last, s.took, s.done}
}

func (s *saves) state() (running bool, last time.Time, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running, s.last, s.failed
}

// begin is whether a copy may be begun.
func (s *saves) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return false
	}
	s.running, s.begun = true, time.Now()
	return true
}

func (s *saves) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.failed, s.took = false, err != nil, time.Since(s.begun)
	if err == nil {
		s.done++
		s.last = time.Now()
	}
}

// saveName is the name of a copy's folder, by its time in UTC.
const saveName = "save-20060102T150405.000000000"

// bgSave makes a checkpoint beside the work: its files are links, and it holds what was acknowledged before.
func bgSave(x *exec, a [][]byte) error {
	if len(a) > 2 || len(a) == 2 && !strings.EqualFold(string(a[1]), "schedule") {
		return errSyntax
	}
	dir := x.s.conf.now.Load().SaveDir
	if dir == "" {
		return failure("ERR BGSAVE needs a folder for its copies: the setting dir")
	}
	if !x.s.saves.begin() {
		return failure("ERR Background save already in progress")
	}
	s, path := x.s, filepath.Join(dir, time.Now().UTC().Format(saveName))
	s.background.Go(func() {
		err := s.db.Checkpoint(s.life, path)
		s.saves.end(err)
		if err != nil {
			s.log.Error("a save failed", slog.String("path", path), slog.Any("error", err))
			return
		}
		s.log.Info("saved", slog.String("path", path))
	})
	x.out.simple("Background saving started")
	return nil
}

func lastSave(x *exec, _ [][]byte) error {
	_, last, _ := x.s.saves.state()
	if last.IsZero() {
		last = x.s.stats.began
	}
	x.out.number(last.Unix())
	return nil
}
