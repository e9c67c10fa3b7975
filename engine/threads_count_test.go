package engine_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// threadPeak is what a threadWatch saw.
type threadPeak struct {
	total int // most threads at a time
	pool  int // of those there in the end, RocksDB's own
}

// threadWatch samples the number of this process's threads every millisecond.
type threadWatch struct {
	status *os.File
	buf    [4096]byte
	peak   int
	limit  int         // above it, exceeded is called
	over   func(n int) // nil: no limit
	quit   chan struct{}
	done   chan struct{}
}

func watchThreads(t *testing.T, limit int, over func(n int)) *threadWatch {
	t.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil && runtime.GOOS == "linux" && os.Getenv("ROCKBRIDGE_MUST_RUN") != "" {
		t.Fatalf("ROCKBRIDGE_MUST_RUN is set, but threads cannot be counted: %v", err)
	}
	if err != nil {
		t.Skipf("threads cannot be counted here: %v", err)
	}
	w := &threadWatch{status: f, limit: limit, over: over, quit: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

func (w *threadWatch) run() {
	defer close(w.done)
	runtime.LockOSThread() // the sampler must not wait for a thread
	defer runtime.UnlockOSThread()
	for {
		n := w.count()
		w.peak = max(w.peak, n)
		if w.over != nil && n > w.limit {
			w.over(n)
		}
		select {
		case <-w.quit:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// count is the number of threads now.
func (w *threadWatch) count() int {
	n, err := w.status.ReadAt(w.buf[:], 0)
	if n == 0 {
		panic(err)
	}
	_, rest, ok := bytes.Cut(w.buf[:n], []byte("\nThreads:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	threads, err := strconv.Atoi(string(line))
	if !ok || err != nil {
		panic(fmt.Sprintf("no number of threads in /proc/self/status: %v", err))
	}
	return threads
}

func (w *threadWatch) end() threadPeak {
	close(w.quit)
	<-w.done
	w.status.Close()
	return threadPeak{total: w.peak, pool: poolThreads()}
}

// poolThreads counts RocksDB's own threads, which it names.
func poolThreads() int {
	names, _ := filepath.Glob("/proc/self/task/*/comm")
	n := 0
	for _, name := range names {
		if b, err := os.ReadFile(name); err == nil && strings.HasPrefix(string(b), "rocksdb:") {
			n++
		}
	}
	return n
}
