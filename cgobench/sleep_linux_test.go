// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package cgobench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	sleepers = 1000        // goroutines that go to sleep
	slots    = 16          // of them at once in C, where that is bounded
	nap      = time.Hour   // longer than any child lives
	settled  = time.Minute // for all of them to fall asleep on a busy machine
	cap100   = 100         // threads that a capped process may have
)

// The child modes, which are also the rows of the table.
const (
	asleepInC            = "1000_in_C"
	asleepInGo           = "1000_in_Go"
	asleepInCBySlots     = "1000_in_C_16_at_a_time"
	asleepInCCapped      = "1000_in_C_capped"
	asleepInCSlotsCapped = "1000_in_C_16_at_a_time_capped"
)

func init() {
	childModes[asleepInC] = crowdInC
	childModes[asleepInGo] = crowdInGo
	childModes[asleepInCBySlots] = crowdInCBySlots
	childModes[asleepInCCapped] = capped(crowdInC)
	childModes[asleepInCSlotsCapped] = capped(crowdInCBySlots)
}

func crowdInC() error {
	for range sleepers {
		go sleepInC(nap)
	}
	return report(func() bool { return sleepingInC() == sleepers })
}

func crowdInGo() error {
	for range sleepers {
		go time.Sleep(nap)
	}
	return report(func() bool { return waitingInGo() >= sleepers })
}

// crowdInCBySlots is the cure: goroutines wait in Go for a slot in C.
func crowdInCBySlots() error {
	free := make(chan struct{}, slots)
	for range sleepers {
		go func() {
			free <- struct{}{}
			sleepInC(nap)
			<-free
		}()
	}
	return report(func() bool {
		return sleepingInC() == slots && waitingInGo() >= sleepers-slots
	})
}

// capped runs a crowd where Go ends the process at the hundredth thread.
func capped(crowd func() error) func() error {
	return func() error {
		debug.SetMaxThreads(cap100)
		return crowd()
	}
}

// report waits until everybody is asleep and then prints what the kernel says
// about this process.
func report(asleep func() bool) error {
	for start := time.Now(); !asleep(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > settled {
			return fmt.Errorf("after %v only %d sleep in C and %d wait in Go", settled, sleepingInC(), waitingInGo())
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(status)
	return err
}

// waitingInGo is how many goroutines are parked, of which a handful are the
// runtime's own.
func waitingInGo() int {
	s := []metrics.Sample{{Name: "/sched/goroutines/waiting:goroutines"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64())
}

// crowdOf runs a child in mode and reads what it printed.
func crowdOf(tb testing.TB, mode string) crowd {
	tb.Helper()
	stdout, stderr, err := spawn(tb, mode)
	skipWithoutThreads(tb, stderr)
	if err != nil {
		tb.Fatalf("child %s: %v\n%s", mode, err, stderr)
	}
	return crowd{
		name:        mode,
		threads:     statusField(tb, stdout, "Threads"),
		virtualKiB:  statusField(tb, stdout, "VmSize"),
		residentKiB: statusField(tb, stdout, "VmRSS"),
	}
}

// skipWithoutThreads skips where a thousand threads are forbidden: a limit on
// processes or a container's on tasks.
func skipWithoutThreads(tb testing.TB, stderr string) {
	tb.Helper()
	for _, refusal := range []string{"pthread_create failed", "failed to create new OS thread"} {
		if strings.Contains(stderr, refusal) {
			tb.Skipf("this machine does not allow %d threads here: %s", sleepers, refusal)
		}
	}
}

// statusField reads a number out of the text of /proc/self/status.
func statusField(tb testing.TB, status, name string) int {
	tb.Helper()
	for line := range strings.Lines(status) {
		value, found := strings.CutPrefix(line, name+":")
		if !found {
			continue
		}
		n, err := strconv.Atoi(strings.Fields(value)[0])
		if err != nil {
			tb.Fatalf("%s in /proc/self/status: %v", name, err)
		}
		return n
	}
	tb.Fatalf("no %s in /proc/self/status:\n%s", name, status)
	return 0
}

func TestGoroutineAsleepInCHoldsThread(t *testing.T) {
	if got := crowdOf(t, asleepInC); got.threads < sleepers*9/10 {
		t.Errorf("%d goroutines asleep in C hold %d threads, want at least 900", sleepers, got.threads)
	}
}

func TestGoroutineAsleepInGoHoldsNoThread(t *testing.T) {
	if got := crowdOf(t, asleepInGo); got.threads >= cap100 {
		t.Errorf("%d goroutines asleep in Go hold %d threads, want fewer than 100", sleepers, got.threads)
	}
}

func TestSlotsBoundThreads(t *testing.T) {
	got := crowdOf(t, asleepInCBySlots)
	if got.threads < slots || got.threads >= cap100 {
		t.Errorf("%d goroutines that sleep in C %d at a time hold %d threads, want from %d to 99",
			sleepers, slots, got.threads, slots)
	}
}

func TestProcessDiesAtItsThreadLimitUnlessSlotsBoundThreads(t *testing.T) {
	_, stderr, err := spawn(t, asleepInCCapped)
	skipWithoutThreads(t, stderr)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(stderr, "thread exhaustion") {
		t.Errorf("child without slots ended with %v, want thread exhaustion:\n%.2000s", err, stderr)
	}
	if got := crowdOf(t, asleepInCSlotsCapped); got.threads >= cap100 {
		t.Errorf("child with slots has %d threads, want fewer than 100", got.threads)
	}
}

// BenchmarkSleepers reports threads, not times: the table has them in its
// second half.
func BenchmarkSleepers(b *testing.B) {
	for _, mode := range []string{asleepInC, asleepInGo, asleepInCBySlots} {
		b.Run(mode, func(b *testing.B) {
			var c crowd
			for range b.N {
				c = crowdOf(b, mode)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(c.threads), "threads")
			measured.addCrowd(c)
		})
	}
}
