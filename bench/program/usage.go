package program

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Used is what a process used for a piece of work.
type Used struct {
	CPU        time.Duration `json:"cpu"`         // user and system time of all its threads
	CgoCalls   int64         `json:"cgo_calls"`   //
	Mallocs    uint64        `json:"mallocs"`     // objects allocated in Go
	AllocBytes uint64        `json:"alloc_bytes"` // their size
	PeakRSS    int64         `json:"peak_rss"`    // bytes, of the whole process since it began or ForgetPeak
	Threads    int           `json:"threads"`     // of the process after the work
}

// Now gives what the process has used up to now.
func Now() Used {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it knows no error for these arguments
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	rss, ok := status("VmHWM")
	if !ok {
		rss = u.Maxrss
	}
	threads, _ := status("Threads") // elsewhere than on Linux nobody tells
	return Used{
		CPU: time.Duration(u.Utime.Nano() + u.Stime.Nano()), CgoCalls: runtime.NumCgoCall(),
		Mallocs: m.Mallocs, AllocBytes: m.TotalAlloc, PeakRSS: rss << 10, Threads: int(threads),
	}
}

// Since gives what was used between two readings. Peak and threads are those of the later one.
func (u Used) Since(before Used) Used {
	u.CPU -= before.CPU
	u.CgoCalls -= before.CgoCalls
	u.Mallocs -= before.Mallocs
	u.AllocBytes -= before.AllocBytes
	return u
}

// ForgetPeak has the peak of resident memory begin anew, where the kernel can.
func ForgetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// status gives a number of /proc/self/status.
func status(name string) (int64, bool) {
	b, _ := os.ReadFile("/proc/self/status") // elsewhere than on Linux there is none
	_, rest, _ := strings.Cut(string(b), "\n"+name+":")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	return n, err == nil
}

// DiskBytes gives the space that files below a path take, which may be more or less than their lengths.
func DiskBytes(path string) (n int64, err error) {
	err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			n += s.Blocks * 512
		}
		return nil
	})
	return n, err
}
