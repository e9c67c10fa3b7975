package main

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machine is what the system grants this process. What could not be found out is the zero value.
type machine struct {
	files      limit       // open files
	threads    []headroom  // each limits the number of threads
	overcommit string      // vm.overcommit_memory
	commitLeft uint64      // bytes that may still be promised under strict overcommit
	memory     memoryLimit // of the process
	processors float64     // quota of the control group; 0: none
	procs      int         // GOMAXPROCS
}

// limit is one of setrlimit's. Unlimited is the largest number.
type limit struct{ soft, hard uint64 }

// headroom is how many more threads a limit lets begin.
type headroom struct {
	of          string
	left, limit uint64
}

type memoryLimit struct {
	bytes uint64
	of    string // who sets it
}

// kernel reads the files under /proc and /sys of the system whose files begin at root: "/", but in tests.
type kernel struct{ root string }

func (k kernel) text(path string) string {
	b, err := os.ReadFile(filepath.Join(k.root, path))
	if err != nil {
		return "" // another system, or it is not shown to this process
	}
	return strings.TrimSpace(string(b))
}

func (k kernel) number(path string) (uint64, bool) {
	n, err := strconv.ParseUint(k.text(path), 10, 64)
	return n, err == nil
}

// meminfo is a line of /proc/meminfo, in bytes.
func (k kernel) meminfo(name string) uint64 {
	for line := range strings.Lines(k.text("proc/meminfo")) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// lookAtMachine finds out what the system grants.
func lookAtMachine(k kernel) machine {
	m := machine{
		files: rlimit(unix.RLIMIT_NOFILE), overcommit: k.text("proc/sys/vm/overcommit_memory"),
		procs: runtime.GOMAXPROCS(0), processors: k.cpuQuota(), memory: k.memoryLimit(),
	}
	if limit, used := k.meminfo("CommitLimit"), k.meminfo("Committed_AS"); limit > used {
		m.commitLeft = limit - used
	}
	m.threads = k.threads()
	return m
}

func rlimit(which int) limit {
	var l unix.Rlimit
	if unix.Getrlimit(which, &l) != nil {
		return limit{}
	}
	return limit{uint64(l.Cur), uint64(l.Max)}
}

// threads are the limits for threads that the system has.
func (k kernel) threads() (all []headroom) {
	add := func(of string, limit, used uint64) {
		all = append(all, headroom{of, limit - min(limit, used), limit})
	}
	if l := rlimit(unix.RLIMIT_NPROC); l.soft < math.MaxInt64 && os.Geteuid() != 0 { // root is exempt
		add("ulimit -u", l.soft, k.threadsOf(uint32(os.Geteuid())))
	}
	if most, ok := k.number("proc/sys/kernel/threads-max"); ok {
		add("kernel.threads-max", most, k.threadsOfAll())
	}
	for _, dir := range k.groups("pids") {
		most, limited := k.number(filepath.Join(dir, "pids.max"))
		used, ok := k.number(filepath.Join(dir, "pids.current"))
		if limited && ok {
			add("pids.max of the control group", most, used)
		}
	}
	return all
}

// threadsOfAll is the second number of /proc/loadavg's "running/all".
func (k kernel) threadsOfAll() uint64 {
	fields := strings.Fields(k.text("proc/loadavg"))
	if len(fields) < 4 {
		return 0
	}
	_, all, _ := strings.Cut(fields[3], "/")
	n, _ := strconv.ParseUint(all, 10, 64)
	return n
}

// threadsOf counts the threads of a user's processes.
func (k kernel) threadsOf(uid uint32) (n uint64) {
	processes, _ := filepath.Glob(filepath.Join(k.root, "proc/[0-9]*")) // fails over a bad pattern only
	for _, process := range processes {
		var st unix.Stat_t
		if unix.Stat(process, &st) == nil && st.Uid == uid {
			tasks, _ := os.ReadDir(filepath.Join(process, "task"))
			n += uint64(len(tasks))
		}
	}
	return n
}

// groups are the folders of the process's control group for a controller, and of those that it is in,
// innermost first, in version 2 or 1 of control groups.
func (k kernel) groups(controller string) (dirs []string) {
	for line := range strings.Lines(k.text("proc/self/cgroup")) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base := ""
		switch {
		case parts[1] == "":
			base = "sys/fs/cgroup"
		case parts[1] == controller || strings.HasPrefix(parts[1], controller+",") || strings.HasSuffix(parts[1], ","+controller):
			base = filepath.Join("sys/fs/cgroup", controller)
		default:
			continue
		}
		for dir := filepath.Clean("/" + parts[2]); ; dir = filepath.Dir(dir) {
			dirs = append(dirs, filepath.Join(base, dir))
			if dir == "/" {
				break
			}
		}
	}
	return dirs
}

// memoryLimit is the tightest limit of the control groups, or the machine's memory.
func (k kernel) memoryLimit() memoryLimit {
	least := memoryLimit{k.meminfo("MemTotal"), "the machine"}
	for _, dir := range k.groups("memory") {
		for _, file := range []string{"memory.max", "memory.limit_in_bytes"} {
			if n, ok := k.number(filepath.Join(dir, file)); ok && (n < least.bytes || least.bytes == 0) {
				least = memoryLimit{n, "the control group"}
			}
		}
	}
	return least
}

// cpuQuota is how many processors the control groups allow; 0 for no quota.
func (k kernel) cpuQuota() (least float64) {
	take := func(quota, period string) {
		q, err := strconv.ParseFloat(quota, 64)
		p, err2 := strconv.ParseFloat(period, 64)
		if err == nil && err2 == nil && q > 0 && p > 0 && (least == 0 || q/p < least) {
			least = q / p
		}
	}
	for _, dir := range k.groups("cpu") {
		if quota, period, ok := strings.Cut(k.text(filepath.Join(dir, "cpu.max")), " "); ok {
			take(quota, period)
		}
		take(k.text(filepath.Join(dir, "cpu.cfs_quota_us")), k.text(filepath.Join(dir, "cpu.cfs_period_us")))
	}
	return least
}
