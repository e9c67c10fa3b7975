package main

import (
	"fmt"
	"math"
	"strings"
)

// needs are what a program with the database wants from the system.
type needs struct {
	maxOpenFiles int64  // RocksDB's option; -1: all files stay open
	tables       uint64 // files that there are
	memtables    uint64 // bytes that memtables may take
	cache        uint64 // bytes of block cache
}

// typicalNeeds are those of a database with the default options.
func typicalNeeds() needs {
	return needs{maxOpenFiles: -1, memtables: 2 * 64 << 20, cache: 128 << 20}
}

// checkMachine compares what the system grants with what is needed.
func checkMachine(d *diagnosis, m machine, n needs) {
	d.area = "limits"
	checkOpenFiles(d, m.files, n)
	checkThreads(d, m.threads)
	checkMemory(d, m.memory, n)
	checkOvercommit(d, m, n)
	checkProcessors(d, m)
}

// otherFiles is room for what is open besides tables: logs, manifests, libraries, connections.
const otherFiles = 100

func checkOpenFiles(d *diagnosis, l limit, n needs) {
	const check = "open files"
	if l.hard == 0 {
		d.note(check, "", "the limit is not known")
		return
	}
	// Go raises the soft limit to the hard one when a program starts.
	want, why := n.tables+otherFiles, fmt.Sprintf("%d table files, all of which stay open with max_open_files=-1", n.tables)
	if n.maxOpenFiles >= 0 {
		want, why = uint64(n.maxOpenFiles)+otherFiles, fmt.Sprintf("max_open_files=%d", n.maxOpenFiles)
	}
	raise := fmt.Sprintf("raise the hard limit to %d or more (ulimit -Hn, LimitNOFILE= of systemd, docker run --ulimit nofile=), or set max_open_files to %d",
		2*want, max(int64(l.hard)-otherFiles, 16))
	switch {
	case l.hard < want:
		d.wrong(check, raise, "%s may be open, too few for %s and %d others", limitText(l.hard), why, otherFiles)
	case n.maxOpenFiles < 0 && l.hard < 2*want:
		d.note(check, raise, "%s may be open, soon too few for %s", limitText(l.hard), why)
	default:
		d.ok(check, "%s may be open; %s", limitText(l.hard), why)
	}
}

func limitText(n uint64) string {
	if n >= math.MaxInt64 {
		return "any number"
	}
	return fmt.Sprint(n)
}

// Threads that a program should be able to begin: for RocksDB's background work, and one for each call
// that blocks in C.
const (
	fewThreads    = 512
	tooFewThreads = 32
)

func checkThreads(d *diagnosis, limits []headroom) {
	const check = "threads"
	if len(limits) == 0 {
		d.note(check, "", "the limits are not known")
		return
	}
	least := limits[0]
	for _, l := range limits[1:] {
		if l.left < least.left {
			least = l
		}
	}
	found := fmt.Sprintf("%d more can begin, by %s of %d", least.left, least.of, least.limit)
	do := "raise " + least.of + ": each call that blocks in C occupies a thread, and a Go program that gets none ends"
	switch {
	case least.left < tooFewThreads:
		d.wrong(check, do, "%s", found)
	case least.left < fewThreads:
		d.note(check, do, "%s", found)
	default:
		d.ok(check, "%s", found)
	}
}

func checkMemory(d *diagnosis, l memoryLimit, n needs) {
	const check = "memory"
	if l.bytes == 0 {
		d.note(check, "", "the limit is not known")
		return
	}
	want := n.cache + n.memtables
	found := fmt.Sprintf("%s by %s; block cache %s, memtables up to %s", byteText(int64(l.bytes)), l.of,
		byteText(int64(n.cache)), byteText(int64(n.memtables)))
	const do = "give it more, or bound the database: Options.BlockCacheSize, WriteBufferSize, or a MemoryBudget; GOMEMLIMIT bounds Go's part only"
	switch {
	case l.bytes < want:
		d.wrong(check, do, "%s", found)
	case l.bytes/2 < want:
		d.note(check, do, "%s: more than half", found)
	default:
		d.ok(check, "%s", found)
	}
}

func checkOvercommit(d *diagnosis, m machine, n needs) {
	const check = "overcommit"
	switch m.overcommit {
	case "0":
		d.ok(check, "vm.overcommit_memory=0: the kernel refuses only what cannot be")
	case "1":
		d.ok(check, "vm.overcommit_memory=1: the kernel promises any amount")
	case "2":
		do := "sysctl vm.overcommit_memory=0, or a higher vm.overcommit_ratio: C++ that gets no memory ends the process"
		found := "vm.overcommit_memory=2: the kernel promises no more than " + byteText(int64(m.commitLeft)) + " further"
		if m.commitLeft < n.cache+n.memtables {
			d.wrong(check, do, "%s, less than the database may take", found)
		} else {
			d.note(check, do, "%s", found)
		}
	default:
		d.note(check, "", "not known")
	}
}

func checkProcessors(d *diagnosis, m machine) {
	const check = "processors"
	switch {
	case m.processors == 0:
		d.ok(check, "GOMAXPROCS=%d, no quota", m.procs)
	case float64(m.procs) > math.Ceil(max(m.processors, 2)): // Go itself takes no less than 2
		d.note(check, "leave GOMAXPROCS unset: Go then takes the quota",
			"GOMAXPROCS=%d, but the control group allows %s: threads are stopped in the middle of their work", m.procs, trimmed(m.processors))
	default:
		d.ok(check, "GOMAXPROCS=%d, a quota of %s", m.procs, trimmed(m.processors))
	}
}

func trimmed(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}
