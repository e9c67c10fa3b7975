package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress tells on a terminal how many rows have been dealt with; elsewhere it says nothing.
type progress struct {
	out   io.Writer // nil: no terminal
	what  string
	rows  int64
	last  time.Time
	shown bool
}

func newProgress(out io.Writer) *progress {
	if file, ok := out.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &progress{out: out}
		}
	}
	return &progress{}
}

func (p *progress) row(what string) {
	if p.out == nil {
		return
	}
	if what != p.what {
		p.what, p.rows = what, 0
	}
	p.rows++
	if p.rows%1024 == 0 && time.Since(p.last) > 200*time.Millisecond {
		p.last, p.shown = time.Now(), true
		fmt.Fprintf(p.out, "\r\x1b[K%s %d rows", p.what, p.rows)
	}
}

// end takes the line away.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
