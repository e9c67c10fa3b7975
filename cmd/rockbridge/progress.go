package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// newProgress shows on a terminal how much of total bytes has been read or
// written, and by what; on anything else it shows nothing. total -1 is unknown.
// done takes the bar away.
func newProgress(out *os.File, what string, total int64) (bar io.Writer, done func()) {
	if !term.IsTerminal(int(out.Fd())) {
		return io.Discard, func() {}
	}
	b := progressbar.NewOptions64(
		total,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionFullWidth(),
	)
	return b, func() { _ = b.Finish() } // a bar that cannot be drawn harms nothing
}
