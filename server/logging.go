package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// logLevels are Redis's names; what "verbose" and "debug" show more of is told by slog's levels below INFO.
var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug - 4, "verbose": slog.LevelDebug, "notice": slog.LevelInfo, "warning": slog.LevelWarn,
}

// tellLevel sets Level to what LogLevel says.
func (c *Config) tellLevel() {
	if c.Level != nil {
		c.Level.Set(logLevels[c.LogLevel])
	}
}

// OpenLog makes the loggers that log-format, logfile and loglevel ask for, of the server and of the engine, whose lines about
// the ordinary are "verbose" ones. Without a logfile they write to stderr. CONFIG SET loglevel changes what both let pass. An error is that
// of the file, which is opened for each line, so that it can be renamed.
func (f *File) OpenLog(stderr io.Writer) error {
	f.Level = &slog.LevelVar{}
	f.tellLevel()
	to := stderr
	if f.LogFile != "" {
		file := &logFile{path: f.LogFile, instead: stderr}
		if err := file.append(nil); err != nil {
			return fmt.Errorf("logfile: %w", err)
		}
		to = file
	}
	o := &slog.HandlerOptions{Level: f.Level}
	h := slog.Handler(slog.NewTextHandler(to, o))
	if f.LogFormat == "json" {
		h = slog.NewJSONHandler(to, o)
	}
	f.Logger = slog.New(h)
	f.Engine.Logger = slog.New(verbose{h})
	return nil
}

// logFile is written to by appending, and begun anew where it is not there.
type logFile struct {
	path    string
	instead io.Writer // takes what the file does not
}

// Write is called by one goroutine at a time: a handler has a lock.
func (l *logFile) Write(line []byte) (int, error) {
	if err := l.append(line); err != nil {
		return l.instead.Write(line)
	}
	return len(line), nil
}

func (l *logFile) append(line []byte) error {
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	if _, err = f.Write(line); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// verbose has what is told for information told as something for who wants to know more.
type verbose struct{ slog.Handler }

func lowered(l slog.Level) slog.Level {
	if l == slog.LevelInfo {
		return slog.LevelDebug
	}
	return l
}

func (v verbose) Enabled(ctx context.Context, l slog.Level) bool {
	return v.Handler.Enabled(ctx, lowered(l))
}

func (v verbose) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lowered(r.Level)
	return v.Handler.Handle(ctx, r)
}

func (v verbose) WithAttrs(a []slog.Attr) slog.Handler { return verbose{v.Handler.WithAttrs(a)} }
func (v verbose) WithGroup(name string) slog.Handler   { return verbose{v.Handler.WithGroup(name)} }
