package engine

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// RocksDB's C API calls nobody back about its log before 9.5, and a call from its threads into Go would
// cost each of them a Go thread's state. So its LOG file is followed, in every version.

// followEvery is how often the LOG is looked at.
const followEvery = time.Second

// follower reads a LOG as it grows. It refers to no DB, which could then not be collected.
type follower struct {
	path    string // of the LOG
	db      string // of the database, for the lines
	handler slog.Handler
	quit    chan struct{}
	done    chan struct{}
	once    sync.Once

	file *os.File
	in   *bufio.Reader
	part string // a line of which the end is not there yet
	line logLine
}

// follow begins to read the LOG of the database that was just opened.
func follow(dir string, l *slog.Logger) *follower {
	f := newFollower(dir, l)
	go f.run()
	return f
}

func newFollower(dir string, l *slog.Logger) *follower {
	path := filepath.Join(dir, "LOG")
	if abs, err := filepath.Abs(path); err == nil {
		path = abs // the program may change its directory
	}
	return &follower{
		path: path, db: dir, handler: l.Handler(),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
}

// stop reads what is left and ends it. The database must be closed.
func (f *follower) stop() {
	if f == nil {
		return
	}
	f.once.Do(func() { close(f.quit) })
	<-f.done
}

func (f *follower) run() {
	defer close(f.done)
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for going := true; going; {
		select {
		case <-f.quit:
			going = false
		case <-ticker.C:
		}
		f.look(!going)
	}
}

// look hands on what has come. The last line is held back until another follows or nothing more has
// come, since it may go on.
func (f *follower) look(last bool) {
	if !f.read() || last {
		f.emit()
	}
	if last && f.file != nil {
		f.file.Close()
	}
}

// read reads all there is, from the file that the LOG was and from the one that has taken its name, and
// tells whether there was anything.
func (f *follower) read() (more bool) {
	for range 2 {
		more = f.drain() || more
		now, err := os.Stat(f.path)
		if err != nil {
			return more
		}
		if f.file != nil {
			if old, err := f.file.Stat(); err == nil && os.SameFile(now, old) {
				return more
			}
			more = f.drain() || more // what came between the last look and the new file
			f.file.Close()
		}
		if f.file, err = os.Open(f.path); err != nil {
			f.file = nil
			return more
		}
		f.in, f.part = bufio.NewReader(f.file), ""
	}
	return more
}

// drain reads the open file up to its end and tells whether there was anything.
func (f *follower) drain() (more bool) {
	for f.file != nil {
		text, err := f.in.ReadString('\n')
		f.part += text
		more = more || text != ""
		if err != nil {
			if !errors.Is(err, io.EOF) {
				f.file.Close()
				f.file = nil
			}
			return more
		}
		f.take(strings.TrimSuffix(f.part, "\n"))
		f.part = ""
	}
	return more
}

// take begins a line of the log, or goes on with one of several lines.
func (f *follower) take(text string) {
	line, begins := parseLogLine(text)
	switch {
	case begins:
		f.emit()
		f.line = line
	case f.line.text != "":
		f.line.text += "\n" + text
	}
}

// emit hands on the line that is complete.
func (f *follower) emit() {
	line := f.line
	f.line = logLine{}
	ctx := context.Background()
	if line.text == "" || !f.handler.Enabled(ctx, line.level) {
		return
	}
	defer func() { _ = recover() }() // a handler that panics must not end the process from here
	r := slog.NewRecord(line.at, line.level, withoutKeys(line.text), 0)
	r.AddAttrs(slog.String("db", f.db), slog.String("thread", line.thread))
	if line.source != "" {
		r.AddAttrs(slog.String("source", line.source))
	}
	_ = f.handler.Handle(ctx, r) // there is nobody to tell
}

// keyInLog is how RocksDB writes a key into its LOG, in hex: as the bounds of a compaction that was asked for.
var keyInLog = regexp.MustCompile(`'[^']*' seq:`)

// withoutKeys leaves the keys out of a message: no text of rockbridge's shows one.
func withoutKeys(text string) string {
	if !strings.Contains(text, "' seq:") {
		return text
	}
	return keyInLog.ReplaceAllString(text, "'...' seq:")
}

// logLine is one message of the LOG.
type logLine struct {
	at     time.Time
	level  slog.Level
	thread string
	source string // "db/db_impl.cc:123"; empty: not said
	text   string
}

// levelFatal is RocksDB's FATAL.
const levelFatal = slog.LevelError + 4

var logLevels = map[string]slog.Level{
	"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARN": slog.LevelWarn, "ERROR": slog.LevelError, "FATAL": levelFatal,
}

const logTime = "2006/01/02-15:04:05.000000"

// parseLogLine reads "2026/01/31-23:59:59.123456 4711 [WARN] [db/db_impl.cc:123] what happened". Only
// levels other than INFO and HEADER are named. A line that begins otherwise belongs to the one before.
func parseLogLine(s string) (l logLine, ok bool) {
	stamp, rest, ok := strings.Cut(s, " ")
	if !ok || len(stamp) != len(logTime) {
		return l, false
	}
	at, err := time.ParseInLocation(logTime, stamp, time.Local)
	if err != nil {
		return l, false
	}
	l.at, l.level = at, slog.LevelInfo
	l.thread, l.text, _ = strings.Cut(rest, " ")
	if word, rest, ok := bracketed(l.text); ok {
		if level, known := logLevels[word]; known {
			l.level, l.text = level, rest
		}
	}
	if word, rest, ok := bracketed(l.text); ok && strings.Contains(word, ".cc:") {
		l.source, l.text = word, rest
	}
	return l, true
}

// bracketed takes "[word] rest" apart.
func bracketed(s string) (word, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	if !strings.HasPrefix(s, "[") {
		return "", "", false
	}
	word, rest, ok = strings.Cut(s[1:], "]")
	return word, strings.TrimLeft(rest, " "), ok
}
