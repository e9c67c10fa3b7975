package engine_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

func TestLogLinesAreReadAsRocksDBWritesThem(t *testing.T) {
	at := time.Date(2026, 1, 31, 23, 59, 58, 123456000, time.Local)
	const head = "2026/01/31-23:59:58.123456 4711 "
	for _, c := range []struct {
		line, source, text string
		level              slog.Level
	}{
		{"RocksDB version: 7.8.3", "", "RocksDB version: 7.8.3", slog.LevelInfo},
		{"[db/db_impl/db_impl.cc:12] Shutdown: [x]", "db/db_impl/db_impl.cc:12", "Shutdown: [x]", slog.LevelInfo},
		{"[WARN] [db/x.cc:1] text", "db/x.cc:1", "text", slog.LevelWarn},
		{"[ERROR] text", "", "text", slog.LevelError},
		{"[DEBUG] [db/x.cc:1] [JOB 1] Delete", "db/x.cc:1", "[JOB 1] Delete", slog.LevelDebug},
		{"[FATAL] text", "", "text", slog.LevelError + 4},
		{"[default] [JOB 3] Flushing", "", "[default] [JOB 3] Flushing", slog.LevelInfo},
		{"[unclosed", "", "[unclosed", slog.LevelInfo},
		{"", "", "", slog.LevelInfo},
	} {
		l, ok := engine.ParseLogLine(head + c.line)
		if !ok || l.Source != c.source || l.Text != c.text || l.Level != c.level || l.Thread != "4711" || !l.At.Equal(at) {
			t.Errorf("%q: %+v, %v", c.line, l, ok)
		}
	}
	for _, s := range []string{"", "x", "  index_type: 0", "** DB Stats **", "2026/01/31-23:59:58.12345x 4711 text", "2026/01/31-23:59:58.123456"} {
		if l, ok := engine.ParseLogLine(s); ok {
			t.Errorf("%q: %+v", s, l)
		}
	}
}

// logged is everything in the LOG files of a database that begins a line of the log.
func logged(t *testing.T, dir string) (texts []string, files int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "LOG*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for in := bufio.NewScanner(f); in.Scan(); {
			if l, ok := engine.ParseLogLine(in.Text()); ok && l.Text != "" {
				texts = append(texts, l.Text)
			}
		}
	}
	return texts, len(names)
}

// firstLines are the first lines of what was heard.
func firstLines(lines []heardLine) (texts []string) {
	for _, l := range lines {
		text, _, _ := strings.Cut(l.text, "\n")
		texts = append(texts, text)
	}
	return texts
}

const wholeLog = "info_log_level=INFO_LEVEL"

func TestLoggerHearsTheWholeLog(t *testing.T) {
	h := new(heard)
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Logger: slog.New(h), Extra: wholeLog})
	for i := range 3 {
		if err := db.Put(fmt.Append(nil, i), nil, nil); err != nil {
			t.Fatal(err)
		}
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	want, _ := logged(t, dir)
	got := firstLines(h.with(""))
	if len(want) < 100 || !slices.Equal(got, want) {
		t.Errorf("%d lines were heard, %d are in the file", len(got), len(want))
	}
	for _, l := range h.with("RocksDB version") {
		if l.level != slog.LevelInfo || l.attrs["db"].String() != dir || l.attrs["thread"].String() == "" || time.Since(l.at).Abs() > time.Minute {
			t.Errorf("%+v", l)
		}
	}
	if len(h.with("\n")) == 0 {
		t.Error("no message has several lines")
	}
}

// A file that takes the LOG's name is gone on with, and nothing of the old one is lost.
func TestLoggerFollowsTheLogWhenItIsRenamed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "LOG")
	write := func(text string) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	const head = "2026/01/31-23:59:58.123456 1 "
	h := new(heard)
	f := engine.Follow(dir, slog.New(h))
	heardAll := func(want ...string) {
		t.Helper()
		var got []string
		for _, l := range h.with("") {
			got = append(got, l.text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	f.Look() // there is no LOG yet
	write("no line of the log\n" + head + "one\n" + head + "tw")
	f.Look()
	heardAll()
	write("o\n  more\n")
	f.Look()
	heardAll("one")
	write("  and more\n")
	f.Look()
	heardAll("one")
	f.Look() // nothing has come: the line is complete
	heardAll("one", "two\n  more\n  and more")
	write(head + "three\n")
	f.Look()
	write(head + "four\n")
	if err := os.Rename(path, path+".old.1"); err != nil {
		t.Fatal(err)
	}
	write(head + "five\n" + head + "six\n" + head + "not complete")
	f.Look()
	heardAll("one", "two\n  more\n  and more", "three", "four", "five")
	f.Stop()
	heardAll("one", "two\n  more\n  and more", "three", "four", "five", "six")
}

func TestLoggerRefusesALogElsewhere(t *testing.T) {
	dir := t.TempDir()
	_, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{Logger: slog.Default(), Extra: "db_log_dir=" + dir})
	if !isInvalid(err) {
		t.Errorf("%v", err)
	}
}

// A reader has no LOG of its own: that of the writer is not told twice.
func TestLoggerOfAReaderHearsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	writer := openDir(t, dir, &engine.Options{Extra: wholeLog})
	defer writer.Close()
	h := new(heard)
	db := openDir(t, dir, &engine.Options{ReadOnly: true, Logger: slog.New(h)})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if lines := h.with(""); lines != nil {
		t.Errorf("%+v", lines[0])
	}
}
