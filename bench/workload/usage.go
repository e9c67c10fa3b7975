package workload

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

// usage is what the process has used up to now.
type usage struct {
	cpu     time.Duration
	cgo     int64
	mallocs uint64
	bytes   uint64
	rss     int64
	threads int
}

func readUsage() usage {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it knows no error for these arguments
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{
		cpu: time.Duration(u.Utime.Nano() + u.Stime.Nano()), cgo: runtime.NumCgoCall(),
		mallocs: m.Mallocs, bytes: m.TotalAlloc, rss: u.Maxrss << 10, threads: threads(),
	}
}

// since fills in what was used after before was read.
func (u usage) since(before usage, res *Result) {
	res.CPU, res.CgoCalls = u.cpu-before.cpu, u.cgo-before.cgo
	res.Mallocs, res.AllocBytes = u.mallocs-before.mallocs, u.bytes-before.bytes
	res.PeakRSS, res.Threads = u.rss, u.threads
}

// threads counts those of the process, 0 where the kernel does not tell.
func threads() int {
	b, _ := os.ReadFile("/proc/self/status") // elsewhere than on Linux there is none
	_, rest, _ := strings.Cut(string(b), "\nThreads:")
	line, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.Atoi(strings.TrimSpace(line))
	return n
}

// diskBytes gives the space that files below a path take, which may be more or less than their lengths.
func diskBytes(path string) (n int64, err error) {
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
