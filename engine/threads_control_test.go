package engine_test

import (
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// withoutLanes has every call block in C, as it would without lanes and grouped commits.
func withoutLanes(o engine.Options) engine.Options {
	engine.WithoutLanes(&o)
	o.Commit = engine.CommitAlone
	return o
}

// Each load needs a thread for each call where there are no lanes: otherwise that they stay few with lanes
// would show nothing. The process ends itself when it has seen a thousand.
func TestWithoutLanesEveryCallTakesAThread(t *testing.T) {
	if testing.Short() {
		t.Skip("starts thousands of threads")
	}
	const many = 1000
	for _, name := range slices.Sorted(maps.Keys(crowdLoads)) {
		t.Run(name, func(t *testing.T) {
			load := crowdLoads[name]
			if disk, here := slowDiskHere(t); here {
				c := fillCrowd(t, disk, load, withoutLanes(load.options))
				load.hold(c)
				watchThreads(t, many, func(n int) {
					fmt.Println(n, "threads")
					os.Exit(0)
				})
				c.start(load, 2*many)
				time.Sleep(time.Minute)
				fmt.Println("no more than", c.begun.Load(), "calls begun, and few threads")
				os.Exit(1)
			}
			out, err := runOnSlowDisk(t)
			if err != nil || !strings.Contains(out.stdout, " threads\n") {
				t.Fatalf("without lanes: %v\n%s%s", err, out.stdout, out.head())
			}
			t.Log(strings.TrimSpace(out.stdout[strings.LastIndex(strings.TrimSpace(out.stdout), "\n")+1:]))
		})
	}
}

// threadLimit is what a program may set that wants to be sure of its threads.
const threadLimit = 200

// crowdLoadsToPlay are all loads, or with -short one that has of each.
func crowdLoadsToPlay() []string {
	if testing.Short() {
		return []string{"mixed"}
	}
	return slices.Sorted(maps.Keys(crowdLoads))
}

// The runtime ends a program that goes beyond its own limit of threads, and without lanes each load does.
func TestWithoutLanesALimitOfThreadsIsDeadly(t *testing.T) {
	for _, name := range crowdLoadsToPlay() {
		t.Run(name, func(t *testing.T) {
			load := crowdLoads[name]
			if disk, here := slowDiskHere(t); here {
				debug.SetMaxThreads(threadLimit)
				c := fillCrowd(t, disk, load, withoutLanes(load.options))
				load.hold(c)
				c.start(load, 1000)
				time.Sleep(time.Minute)
				return
			}
			out, err := runOnSlowDisk(t, "GOTRACEBACK=none")
			if err == nil || !strings.Contains(out.stderr, "thread exhaustion") {
				t.Errorf("without lanes and with few threads: %v\n%s%s", err, out.stdout, out.head())
			}
		})
	}
}
