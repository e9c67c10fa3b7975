package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var signalsFor = flag.Duration("signals.for", 2*time.Second, "how long at least the test under signals runs; a quarter with -short")

// Signals to all threads, RocksDB's own too, a thousand times a second each, with a CPU profile running, disturb nothing:
// calls into the system that a signal ends early are made again.
func TestSignalsDisturbNothing(t *testing.T) {
	length := *signalsFor
	if testing.Short() {
		length /= 4
	}
	_, seed := seededRand(t, "signals.seed", *signalsSeed)
	out, err := runChild(t, "signals", t.TempDir(), length.String(), strconv.FormatUint(seed, 10))
	if err != nil {
		t.Fatalf("seed %d: %v\n%s%s", seed, err, out.stdout, out.head())
	}
	var sent, taken, calls, pool int // enough of each: the child went on until then
	if _, err := fmt.Sscanf(out.stdout, "%d signals, %d taken, %d calls, %d to RocksDB's threads", &sent, &taken, &calls, &pool); err != nil {
		t.Fatalf("%v: %s", err, out.stdout)
	}
	t.Log(strings.TrimSpace(out.stdout))
}

var signalsSeed = flag.Uint64("signals.seed", 0, "seed of the calls under signals; 0: a new one")

// signalsChild works on a database under signals. Its arguments are a directory, for how long at least, and a seed.
func signalsChild(args []string) {
	length, err := time.ParseDuration(args[1])
	must(err)
	seed, err := strconv.ParseUint(args[2], 10, 64)
	must(err)
	taken := make(chan os.Signal, 1000)
	signal.Notify(taken, syscall.SIGUSR1, syscall.SIGURG)
	var counted atomic.Int64
	go func() {
		for range taken {
			counted.Add(1)
		}
	}()
	must(pprof.StartCPUProfile(io.Discard))
	db, err := engine.Open(filepath.Join(args[0], "db"), &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 256 << 10}})
	must(err)
	var done atomic.Bool
	var calls, sent, pool atomic.Int64
	var storms, workers sync.WaitGroup
	for i, number := range []syscall.Signal{syscall.SIGURG, syscall.SIGUSR1, syscall.SIGPROF} {
		storms.Go(func() { signalStorm(number, rand.New(rand.NewPCG(seed, uint64(i))), &done, &sent, &pool) })
	}
	rows := make([]map[string]string, 4)
	for w := range rows {
		rows[w] = map[string]string{}
		r := rand.New(rand.NewPCG(seed, uint64(100+w)))
		workers.Go(func() {
			// On a busy machine signals are few in that time: then for longer.
			few := func() bool { return sent.Load() < 200 || pool.Load() == 0 || counted.Load() == 0 || calls.Load() < 400 }
			for end := time.Now().Add(length); time.Now().Before(end) || few(); calls.Add(1) {
				must(signalledCall(db, w, rows[w], r))
			}
		})
	}
	workers.Wait()
	done.Store(true)
	storms.Wait()
	pprof.StopCPUProfile()
	must(compareSignalled(db, rows))
	must(db.Close())
	db, err = engine.Open(filepath.Join(args[0], "db"), nil)
	must(err)
	must(compareSignalled(db, rows))
	must(db.Close())
	fmt.Printf("%d signals, %d taken, %d calls, %d to RocksDB's threads\n", sent.Load(), counted.Load(), calls.Load(), pool.Load())
}

// signalStorm sends a signal to one thread or another, a thousand times a second.
func signalStorm(number syscall.Signal, r *rand.Rand, done *atomic.Bool, sent, pool *atomic.Int64) {
	var threads []string
	for n := 0; !done.Load(); n++ {
		if n%100 == 0 {
			entries, err := os.ReadDir("/proc/self/task")
			must(err)
			threads = threads[:0]
			for _, e := range entries {
				threads = append(threads, e.Name())
			}
		}
		name := threads[r.IntN(len(threads))]
		id, err := strconv.Atoi(name)
		must(err)
		_, _, errno := syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(id), uintptr(number))
		if errno != 0 && errno != syscall.ESRCH {
			must(errno)
		}
		sent.Add(1)
		if n%10 == 0 {
			if b, err := os.ReadFile("/proc/self/task/" + name + "/comm"); err == nil && bytes.HasPrefix(b, []byte("rocksdb:")) {
				pool.Add(1)
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// signalledCall makes one call of worker w, whose rows are known.
func signalledCall(db *engine.DB, w int, rows map[string]string, r *rand.Rand) error {
	key := fmt.Sprintf("%d/%04d", w, r.IntN(500))
	switch n := r.IntN(100); {
	case n < 50:
		value := string(bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(2000)))
		o := &engine.WriteOptions{Sync: n == 0}
		if err := db.Put([]byte(key), []byte(value), o); err != nil {
			return err
		}
		rows[key] = value
	case n < 60:
		if err := db.Delete([]byte(key), nil); err != nil {
			return err
		}
		delete(rows, key)
	case n < 96:
		v, err := db.Get([]byte(key), nil)
		want, there := rows[key]
		if there && (err != nil || string(v) != want) || !there && err != engine.ErrNotFound {
			return fmt.Errorf("get: %d bytes, %w, want %d (there: %v)", len(v), err, len(want), there)
		}
	case n < 99:
		got, _, _, err := engine.Count(nil, db, &engine.IterOptions{Prefix: fmt.Appendf(nil, "%d/", w)})
		if err != nil || got != int64(len(rows)) {
			return fmt.Errorf("count: %d, %w, want %d", got, err, len(rows))
		}
	default:
		return errors.Join(db.Flush(), db.SyncWAL())
	}
	return nil
}

func compareSignalled(db *engine.DB, workers []map[string]string) error {
	n := 0
	rows, done := engine.Scan(db, nil)
	for k, v := range rows {
		n++
		if want, ok := workers[k[0]-'0'][string(k)]; !ok || want != string(v) {
			return fmt.Errorf("row %s is not what was written", k)
		}
	}
	for _, rows := range workers {
		n -= len(rows)
	}
	if n != 0 {
		return fmt.Errorf("%d rows too many", n)
	}
	return done()
}
