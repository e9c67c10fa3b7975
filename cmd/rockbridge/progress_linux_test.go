package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal and gives its two ends.
func openTerminal(t *testing.T) (control, terminal *os.File) {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	t.Cleanup(func() { control.Close() })
	fd := int(control.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile("/dev/pts/"+decimal(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	t.Cleanup(func() { terminal.Close() })
	return control, terminal
}

// TestAProgressBarShowsOnATerminalOnly gives the load a terminal as stderr;
// every other test sees that there is no bar without one.
func TestAProgressBarShowsOnATerminalOnly(t *testing.T) {
	control, terminal := openTerminal(t)
	file := writeFile(t, "rows.tsv", manyRows(50000))
	cmd := command(t, "load", filepath.Join(t.TempDir(), "db"), file)
	var stdout strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, terminal
	shown := make(chan string)
	go func() {
		var text []byte
		buffer := make([]byte, 4096)
		for {
			n, err := control.Read(buffer)
			text = append(text, buffer[:n]...)
			if err != nil { // EIO once the last writer has closed its end
				shown <- string(text)
				return
			}
		}
	}()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	if text := <-shown; !strings.Contains(text, "load") || !strings.Contains(text, "%") {
		t.Errorf("the terminal shows %q", text)
	}
	if !strings.HasPrefix(stdout.String(), "50000 rows loaded in ") {
		t.Errorf("stdout %q", stdout.String())
	}
}

// TestTopRenewsTheScreen gives it a terminal, and the terminal back at the end.
func TestTopRenewsTheScreen(t *testing.T) {
	control, terminal := openTerminal(t)
	cmd := command(t, "top", served(t), "--interval", "100ms")
	cmd.Stdout = terminal
	var stderr strings.Builder
	cmd.Stderr = &stderr
	shown := make(chan string)
	renewed := make(chan struct{})
	go func() {
		var text []byte
		buffer := make([]byte, 4096)
		for told := false; ; {
			n, err := control.Read(buffer)
			text = append(text, buffer[:n]...)
			if !told && strings.Count(string(text), home) >= 3 {
				told = true
				close(renewed)
			}
			if err != nil { // EIO once the last writer has closed its end
				shown <- string(text)
				return
			}
		}
	}()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-renewed
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v, stderr %q", err, stderr.String())
	}
	terminal.Close()
	text := <-shown
	if !strings.HasPrefix(text, secondScreen+home) || !strings.HasSuffix(text, firstScreen) || !strings.Contains(text, clearLine) {
		t.Errorf("the terminal got %q ... %q", text[:min(len(text), 80)], text[max(0, len(text)-80):])
	}
}
