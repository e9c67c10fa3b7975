package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rockbridge-db/rockbridge/internal/ondisk"
	"golang.org/x/sys/unix"
)

// checkHolder tells which process has the database open for writing. That is no fault.
func checkHolder(d *diagnosis, dir string) (held bool) {
	const check = "holder"
	pid, err := lockHolder(filepath.Join(dir, "LOCK"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.ok(check, "no process: there is no LOCK file")
	case err != nil:
		d.note(check, "", "not known: %v", err)
	case pid == 0:
		d.ok(check, "no process has it open for writing")
	case pid < 0:
		d.ok(check, "a process that is not visible from here has it open for writing")
	default:
		d.ok(check, "process %d%s has it open for writing", pid, processName(kernel{"/"}, pid))
	}
	return pid != 0 && err == nil
}

// lockHolder asks the kernel who has locked the file; 0: nobody, -1: somebody in another container.
func lockHolder(path string) (pid int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	l := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &l); err != nil {
		return 0, err
	}
	if l.Type == unix.F_UNLCK {
		return 0, nil
	}
	if l.Pid <= 0 {
		return -1, nil
	}
	return int(l.Pid), nil
}

func processName(k kernel, pid int) string {
	if name := k.text(fmt.Sprintf("proc/%d/comm", pid)); name != "" {
		return " (" + name + ")"
	}
	return ""
}

// muchLog is how many bytes of write-ahead logs make the next open slow.
const muchLog = 1 << 30

// checkLogs looks at the write-ahead logs that the next open will replay and, with verify, into them.
func checkLogs(d *diagnosis, p *patient, verify bool) {
	const check = "logs"
	if p.manifest == nil {
		return
	}
	logs, size := 0, int64(0)
	if err := eachFile(p.walDir(), func(name string, info fs.FileInfo) {
		if filepath.Ext(name) == ".log" && fileNumber(name) >= p.manifest.Log {
			logs++
			size += info.Size()
		}
	}); err != nil {
		d.wrong(check, "see that the folder of the write-ahead logs (wal_dir) is there", "%v", err)
		return
	}
	if size > muchLog {
		d.note(check, "flush now and then (DB.Flush), or set max_total_wal_size", "%s, %s, for the next open to replay, which takes long", plural(logs, "write-ahead log", "write-ahead logs"), byteText(size))
	} else {
		d.ok(check, "%s, %s, for the next open to replay", plural(logs, "write-ahead log", "write-ahead logs"), byteText(size))
	}
	if verify {
		p.verifyLogs(d)
	}
}

func (p *patient) verifyLogs(d *diagnosis) {
	logs, err := ondisk.ReadLogs(p.walDir(), p.manifest.Log)
	if err != nil {
		d.wrong("logs", "see that they can be read", "%v", err)
		return
	}
	records := 0
	for i, l := range logs {
		records += l.Whole.Records
		if l.Break == nil || l.Break.Zeros && i == len(logs)-1 { // space that was set aside
			continue
		}
		behind := l.Behind.Records
		for _, later := range logs[i+1:] {
			behind += later.Whole.Records + later.Behind.Records
		}
		if behind == 0 {
			d.note("logs", "", "%s ends in the middle of a record, as when a writer is at it or was killed: RocksDB passes over that (%v)", filepath.Base(l.Path), l.Break)
			break
		}
		d.wrong("logs", restore+", or open it with Options.AcceptDataLoss", "%s after %d records: %v; %s behind it are lost", filepath.Base(l.Path), l.Whole.Records, l.Break, plural(behind, "record", "records"))
		return
	}
	d.ok("logs", "%s, every checksum right", plural(records, "record", "records"))
}

// checkLOG looks for errors in the newest part of RocksDB's own LOG. Errors of work in the background stop
// writes, and are told nowhere else to another process.
func checkLOG(d *diagnosis, dir string) {
	const check = "LOG"
	text, err := tail(filepath.Join(dir, "LOG"), 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		d.ok(check, "there is none")
		return
	}
	if err != nil {
		d.note(check, "", "%v", err)
		return
	}
	count, last := 0, ""
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "[ERROR]") || strings.Contains(line, "[FATAL]") || strings.Contains(line, "Background IO error") {
			count++
			last = strings.TrimSpace(line)
		}
	}
	if count == 0 {
		d.ok(check, "no errors in it")
		return
	}
	d.note(check, "look whether it is still so: after an error in the background writes fail until the database is opened again",
		"%d errors, the newest: %s", count, last[:min(len(last), 300)])
}

// tail reads the last most bytes of a file, from the start of a line on.
func tail(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, info.Size()-most)
	text, err := io.ReadAll(io.NewSectionReader(f, from, most))
	if from > 0 {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text, err
}
