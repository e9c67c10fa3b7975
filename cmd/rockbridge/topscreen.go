package main

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen shows one frame in the place of the one before, or below it if out is no terminal.
type screen struct {
	out      io.Writer
	terminal *os.File // nil: none
	shown    bool
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.terminal = f
	}
	return s
}

// What terminals have understood since the VT100, and the second screen since xterm.
const (
	secondScreen = "\x1b[?1049h\x1b[?25l" // and no cursor
	firstScreen  = "\x1b[?25h\x1b[?1049l"
	home         = "\x1b[H"
	clearLine    = "\x1b[K"
	clearBelow   = "\x1b[J"
)

func (s *screen) begin() error {
	if s.terminal == nil {
		return nil
	}
	_, err := io.WriteString(s.out, secondScreen)
	return err
}

func (s *screen) end() error {
	if s.terminal == nil {
		return nil
	}
	_, err := io.WriteString(s.out, firstScreen)
	return err
}

func (s *screen) show(frame string) error {
	if s.terminal == nil {
		if s.shown {
			frame = "\n" + frame
		}
		s.shown = true
		_, err := io.WriteString(s.out, frame)
		return err
	}
	width, height, err := term.GetSize(int(s.terminal.Fd()))
	if err != nil || width < 1 || height < 1 {
		width, height = 80, 24
	}
	_, err = io.WriteString(s.out, fit(frame, width, height))
	return err
}

// fit makes a frame of what the terminal has room for.
func fit(frame string, width, height int) string {
	lines := strings.Split(strings.TrimSuffix(frame, "\n"), "\n")
	if len(lines) > height {
		lines = lines[:height]
	}
	for i, line := range lines {
		for utf8.RuneCountInString(line) > width {
			_, size := utf8.DecodeLastRuneInString(line)
			line = line[:len(line)-size]
		}
		lines[i] = line + clearLine
	}
	return home + strings.Join(lines, "\r\n") + clearBelow
}
