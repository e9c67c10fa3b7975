package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// held is what the process held, in MiB of physical memory, and the seconds of CPU that it took.
type held struct {
	Allocator          string
	Most, Open, Closed float64
	CPU                float64
}

// work opens a database, works it over and tells what is held then.
func work() error {
	dir, err := os.MkdirTemp("", "rockbridge-churn-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{
		BlockCacheSize: 64 << 20,
		FamilyOptions:  engine.FamilyOptions{WriteBufferSize: 8 << 20, BloomBitsPerKey: 10},
	})
	if err != nil {
		return err
	}
	if err := churn(db); err != nil {
		return err
	}
	if err := db.Compact(nil, nil, nil); err != nil {
		return err
	}
	h := held{Allocator: engine.ReadProcessMetrics().Allocator, Open: settled("VmRSS")}
	if err := db.Close(); err != nil {
		return err
	}
	h.Closed, h.Most = settled("VmRSS"), memory("VmHWM")
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	h.CPU = float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
	return json.NewEncoder(os.Stdout).Encode(h)
}

// churn has each worker write, read, scan and delete at random, on a thread of its own. Values have sizes
// of all orders up to 64 KiB.
func churn(db *engine.DB) error {
	failures := make(chan error, *workers)
	var all sync.WaitGroup
	for n := range *workers {
		all.Go(func() {
			runtime.LockOSThread()
			failures <- worker(db, rand.New(rand.NewPCG(1, uint64(n))))
		})
	}
	all.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

func worker(db *engine.DB, r *rand.Rand) error {
	value := bytes.Repeat([]byte("some text "), 6554)
	for range *ops {
		key := fmt.Appendf(nil, "key %06d", r.IntN(20000))
		var err error
		switch r.IntN(20) {
		case 0:
			_, _, _, err = engine.Count(nil, db, &engine.IterOptions{LowerBound: key, Limit: 100})
		case 1, 2:
			err = db.Delete(key, nil)
		case 3, 4, 5, 6, 7, 8, 9:
			err = db.Put(key, value[:r.IntN(1<<r.IntN(17))], nil)
		default:
			if _, err = db.Get(key, nil); err == engine.ErrNotFound {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settled is what the process holds once the garbage collector has given back what it can.
func settled(name string) float64 {
	debug.FreeOSMemory()
	time.Sleep(*settle)
	return memory(name)
}

// memory is a line of the process's status, in MiB.
func memory(name string) float64 {
	text, _ := os.ReadFile("/proc/self/status") // its lack shows as 0
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return n / 1024
		}
	}
	return 0
}
