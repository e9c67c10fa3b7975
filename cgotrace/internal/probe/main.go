//go:build linux

// Command probe is what the tests of package cgotrace look at from outside: a program that scans a
// database under a profile, or crashes in C. Built with tag untraced it leaves the import out.
//
//	probe scan DIR MILLISECONDS [PROFILE]   scans for so much CPU time
//	probe churn PROFILE MILLISECONDS        keeps malloc and the dynamic loader busy
//	probe fault                             crashes in C, on the thread of a goroutine
//	probe smash                             the same, its stack overwritten
//	probe thread                            crashes in C, on a thread that Go did not start
//	probe background DIR                    crashes a thread of RocksDB's
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rockbridge-db/rockbridge/cgotrace/internal/crash"
	"github.com/rockbridge-db/rockbridge/engine"
)

func main() {
	if err := play(append(os.Args[1:], "", "", "")); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func play(args []string) error {
	switch args[0] {
	case "scan":
		ms, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return scan(args[1], time.Duration(ms)*time.Millisecond, args[3])
	case "fault":
		crash.Fault()
	case "smash":
		crash.Smash()
	case "thread":
		crash.Thread()
	case "churn":
		ms, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return profiled(args[1], func() error {
			if crash.Churn(time.Duration(ms)*time.Millisecond) == 0 {
				return errors.New("no library could be loaded")
			}
			return nil
		})
	case "background":
		return background(args[1])
	}
	return fmt.Errorf("no role %q, or its crash came to nothing", args[0])
}

// profiled runs f under a CPU profile, if it has a file's name, and prints how many milliseconds of CPU
// time its end took.
func profiled(file string, f func() error) error {
	if file == "" {
		return f()
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return errors.Join(err, out.Close())
	}
	err = f()
	begin := cpuTime()
	pprof.StopCPUProfile()
	fmt.Printf("stop: %.1f\n", float64(cpuTime()-begin)/1e6)
	return errors.Join(err, out.Close())
}

// scan fills a database and scans it for so much CPU time; it prints nanoseconds of CPU time a row.
func scan(dir string, d time.Duration, profile string) (err error) {
	db, err := filled(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := rows(db); err != nil { // fills the block cache
		return err
	}
	defer printMemory()
	return profiled(profile, func() error {
		begin, total := cpuTime(), 0
		for cpuTime()-begin < d {
			n, err := rows(db)
			if err != nil {
				return err
			}
			total += n
		}
		fmt.Printf("row: %.3f\n", float64(cpuTime()-begin)/float64(total))
		return nil
	})
}

// rows reads every row once, as a caller would.
func rows(db *engine.DB) (n int, err error) {
	it, err := db.NewIter(nil)
	if err != nil {
		return 0, err
	}
	for it.First(); it.Valid(); it.Next() {
		n++
	}
	return n, errors.Join(it.Error(), it.Close())
}

// filled opens the database in dir. If it is new it gets 100,000 rows.
func filled(dir string) (*engine.DB, error) {
	_, missing := os.Stat(dir)
	db, err := engine.Open(dir, nil)
	if err != nil || missing == nil {
		return db, err
	}
	b := db.NewBatch()
	for i := range 100_000 {
		b.Put(fmt.Appendf(nil, "key/%012d", i), make([]byte, 100))
	}
	return db, errors.Join(db.Write(b, nil), db.Flush())
}

// background sends a SIGSEGV to a thread of RocksDB's pool and waits for the end.
func background(dir string) error {
	db, err := filled(dir)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(db)
	threads, err := filepath.Glob("/proc/self/task/*/comm")
	if err != nil {
		return err
	}
	for _, comm := range threads {
		name, err := os.ReadFile(comm)
		if err != nil || !strings.HasPrefix(string(name), "rocksdb:") {
			continue
		}
		tid, err := strconv.Atoi(filepath.Base(filepath.Dir(comm)))
		if err != nil {
			return err
		}
		if err := syscall.Tgkill(os.Getpid(), tid, syscall.SIGSEGV); err != nil {
			return err
		}
		time.Sleep(time.Minute)
	}
	return errors.New("RocksDB has no thread of its own")
}

// printMemory prints how many megabytes the process had in memory at most.
func printMemory() {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err == nil {
		fmt.Printf("memory: %.1f\n", float64(u.Maxrss)/1024)
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
