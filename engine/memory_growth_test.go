package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var memoryOps = flag.Int("memory.ops", 10_000, "operations of the test under a limit of memory; none with -short")

// residentBytes is how much memory of this process is in use that no file stands behind.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/status")
	must(err)
	_, rest, ok := strings.Cut(string(text), "RssAnon:")
	line, _, _ := strings.Cut(rest, "kB")
	n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if !ok || err != nil {
		panic("no RssAnon in /proc/self/status")
	}
	return n << 10
}

// growthBytes is how much the memtables and the cache are filled with, each.
const growthBytes = 24 << 20

// growthChild fills memtables and the cache, and prints what Metrics says of it and by how much the process has grown.
func growthChild(dir string) {
	db, err := engine.Open(dir, &engine.Options{
		BlockCacheSize: 2 * growthBytes,
		FamilyOptions:  engine.FamilyOptions{WriteBufferSize: 4 * growthBytes, Compression: engine.NoCompression},
	})
	must(err)
	value, noLog := make([]byte, 4000), &engine.WriteOptions{DisableWAL: true}
	fill := func() {
		for i := range growthBytes / len(value) {
			must(db.Put(fmt.Appendf(nil, "%08d", i), value, noLog))
		}
	}
	fill()
	must(db.Flush())
	memory := func() (told, resident int64) {
		debug.FreeOSMemory()
		m, err := db.Metrics()
		must(err)
		return int64(m.Memory.BlockCache + m.Memory.Memtables + m.Memory.TableReaders), residentBytes()
	}
	told, resident := memory()
	for i := range growthBytes / len(value) {
		must(db.GetPinned(fmt.Appendf(nil, "%08d", i), nil, func([]byte) error { return nil }))
	}
	fill()
	toldAfter, residentAfter := memory()
	fmt.Println(toldAfter-told, residentAfter-resident)
	must(db.Close())
}

// What Metrics tells of memory in C is what the process grows by.
func TestMetricsTellWhatTheProcessGrowsBy(t *testing.T) {
	if addressSanitizer {
		t.Skip("AddressSanitizer keeps what was freed, and more beside what was not")
	}
	if os.Getenv("MALLOC_ARENA_MAX") == "" {
		t.Setenv("MALLOC_ARENA_MAX", "2") // see TestArenasMultiplyWhatABudgetHolds
	}
	out, err := runChild(t, "growth", filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatalf("%v\n%s", err, out.head())
	}
	var told, grown float64
	if _, err := fmt.Sscan(out.stdout, &told, &grown); err != nil {
		t.Fatal(err)
	}
	t.Logf("Metrics tells %.1f MiB, the process grew by %.1f MiB", told/(1<<20), grown/(1<<20))
	if told < growthBytes || told < 0.85*grown || told > 1.15*grown {
		t.Errorf("Metrics tells %.0f bytes, the process grew by %.0f", told, grown)
	}
}

// How many arenas glibc has.
const (
	twoArenas  = "MALLOC_ARENA_MAX=2"
	manyArenas = "MALLOC_ARENA_MAX=64"
)

// manyOps are enough to go beyond the limit with many arenas: 20,000 to 40,000 were, as a rule.
const manyOps = 300_000

// A test's limit of memory: each of two arenas may come to hold limitBudget, and beside that is what flushes and
// compactions work with, Go, what the kernel keeps for the process, and files' pages, which it drops.
const (
	limitBudget = 32 << 20
	limitBytes  = 2*limitBudget + 40<<20
)

// arenasChild has threads in turn read more than the cache holds, and prints by how much the process has grown.
func arenasChild(dir string) {
	m, err := engine.NewMemoryBudget(limitBudget)
	must(err)
	db, err := engine.Open(dir, &engine.Options{Memory: m, FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression}})
	must(err)
	const filling, threads = limitBudget / 10_000, 8 // as many rows as have room in the cache
	value, noLog := make([]byte, 8000), &engine.WriteOptions{DisableWAL: true}
	for i := range 2*filling + threads {
		must(db.Put(fmt.Appendf(nil, "%08d", i), value, noLog))
	}
	must(db.Flush())
	debug.FreeOSMemory()
	before := residentBytes()
	get := func(row int, f func()) {
		must(db.GetPinned(fmt.Appendf(nil, "%08d", row), nil, func([]byte) error { f(); return nil }))
	}
	var reading sync.WaitGroup
	end := make(chan bool)
	for thread := range threads {
		filled := make(chan bool)
		reading.Go(func() {
			runtime.LockOSThread() // it stays: a thread that ends leaves its arena to the next one
			for i := range filling {
				get(thread%2*filling+i, func() {})
			}
			get(2*filling+thread, func() { close(filled); <-end }) // in use: glibc keeps what is free below it
		})
		<-filled
	}
	debug.FreeOSMemory()
	fmt.Println(residentBytes() - before)
	close(end)
	reading.Wait()
	must(db.Close())
	must(m.Close())
}

// Blocks that the cache drops are free in the arena of the thread that read them. With two arenas the process grows by no
// more than twice the budget; with one for each thread it grows beyond, whatever the budget.
func TestArenasMultiplyWhatABudgetHolds(t *testing.T) {
	if a := engine.ReadProcessMetrics().Allocator; a != "glibc" {
		t.Skipf("the allocator is %s; arenas are glibc's", a)
	}
	grown := func(arenas string) float64 {
		t.Helper()
		c := childCommand(t.Context(), t, "arenas", filepath.Join(t.TempDir(), "db"))
		c.Env = append(c.Env, "GLIBC_TUNABLES=", arenas)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out[:min(len(out), 1500)])
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n / limitBudget
	}
	two, many := grown(twoArenas), grown(manyArenas)
	t.Logf("the process grew by %.2f of the budget with two arenas, by %.2f with many", two, many)
	if two > 2 || many < 2 {
		t.Errorf("it grew by %.2f of the budget with two arenas, by %.2f with many", two, many)
	}
}

// memoryLimit makes a group of processes that may take so many bytes together.
func memoryLimit(t *testing.T, bytes int64) (group string) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("ROCKBRIDGE_MUST_RUN") != "" {
			t.Fatal("ROCKBRIDGE_MUST_RUN is set, but to limit memory takes root")
		}
		t.Skip("to limit memory takes root")
	}
	const memoryFiles = 0x01021994 // of a file system in memory, whose files would count
	var fs syscall.Statfs_t
	if err := syscall.Statfs(t.TempDir(), &fs); err != nil || fs.Type == memoryFiles {
		t.Skipf("temporary files are in memory: %v", err)
	}
	group, err := newMemoryGroup("/sys/fs/cgroup", bytes)
	if err != nil {
		t.Skipf("memory cannot be limited here: %v", err)
	}
	t.Cleanup(func() {
		var err error
		for range 100 { // the kernel needs a moment for those that were killed
			if err = os.Remove(group); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Error(err)
	})
	return group
}

// newMemoryGroup makes a group with a limit below the folder where control groups are: those of version 1 where memory
// is theirs, else those of version 2. What it made is removed if the limit cannot be set.
func newMemoryGroup(groups string, bytes int64) (group string, err error) {
	name := fmt.Sprintf("rockbridge-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	limit := "memory.limit_in_bytes"
	if _, err = os.Stat(groups + "/memory/memory.limit_in_bytes"); err == nil {
		group = filepath.Join(groups, "memory", name)
	} else {
		limit = "memory.max"
		controllers, err := os.ReadFile(groups + "/cgroup.controllers")
		if err != nil {
			return "", err
		}
		if !slices.Contains(strings.Fields(string(controllers)), "memory") {
			return "", fmt.Errorf("the controllers of %s are %q", groups, controllers)
		}
		if err := os.WriteFile(groups+"/cgroup.subtree_control", []byte("+memory"), 0o600); err != nil {
			return "", err // a container, whose processes are in its uppermost group
		}
		group = filepath.Join(groups, name)
	}
	if err := os.Mkdir(group, 0o700); err != nil {
		return "", err
	}
	if _, err := os.Stat(group + "/memory.swap.max"); err == nil {
		if err := os.WriteFile(group+"/memory.swap.max", []byte("0"), 0o600); err != nil {
			return "", errors.Join(err, os.Remove(group))
		}
	}
	if err := os.WriteFile(group+"/"+limit, fmt.Append(nil, bytes), 0o600); err != nil {
		return "", errors.Join(err, os.Remove(group))
	}
	return group, nil
}

// limitChild works on a database in a group. Its arguments are the group, a directory, the budget's size, how many
// operations, and a seed.
func limitChild(args []string) {
	must(os.WriteFile(args[0]+"/cgroup.procs", fmt.Append(nil, os.Getpid()), 0o600))
	budget, err := strconv.ParseInt(args[2], 10, 64)
	must(err)
	ops, err := strconv.Atoi(args[3])
	must(err)
	seed, err := strconv.ParseUint(args[4], 10, 64)
	must(err)
	m, err := engine.NewMemoryBudget(budget)
	must(err)
	db, err := engine.Open(args[1], &engine.Options{Memory: m, FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression}})
	must(err)
	r, noLog := rand.New(rand.NewPCG(seed, 0)), &engine.WriteOptions{DisableWAL: true}
	for range ops {
		key := fmt.Appendf(nil, "%08d", r.IntN(100_000))
		switch n := r.IntN(100); {
		case n < 55:
			must(db.Put(key, bytes.Repeat(key, 1000), noLog))
		case n < 99:
			v, err := db.Get(key, nil)
			if err != engine.ErrNotFound {
				must(err)
				if !bytes.Equal(v[:8], key) {
					panic("a wrong value")
				}
			}
		default:
			_, _, _, err := engine.Count(nil, db, &engine.IterOptions{LowerBound: key, Limit: 500})
			must(err)
		}
	}
	must(db.Close())
	must(m.Close())
	fmt.Println("done")
}

// With a budget and two arenas, a database stays within a limit of memory for the process that has room for twice the
// budget, for what comes beside it, and for Go. Without a budget to speak of, the same work is killed, which shows that
// the limit is one; and so it is in time with many arenas, which shows that two are needed.
func TestADatabaseStaysWithinAMemoryLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ops := *memoryOps
	_, seed := seededRand(t, "memory.seed", *memorySeed)
	run := func(arenas string, budget, ops int) (string, error) {
		c := childCommand(t.Context(), t, "limit", memoryLimit(t, limitBytes), filepath.Join(t.TempDir(), "db"), // in the long form for hours
			strconv.Itoa(budget), strconv.Itoa(ops), strconv.FormatUint(seed, 10))
		c.Env = append(c.Env, "GLIBC_TUNABLES=", arenas)
		out, err := c.CombinedOutput()
		return string(out[:min(len(out), 1500)]), err
	}
	if out, err := run(twoArenas, limitBudget, ops); err != nil || out != "done\n" {
		t.Errorf("seed %d: with a budget of %d bytes: %v\n%s", seed, limitBudget, err, out)
	}
	if out, err := run(twoArenas, 1<<30, 40_000); err == nil || err.Error() != "signal: killed" {
		t.Errorf("with a budget beyond the limit: %v\n%s", err, out)
	}
	if ops < manyOps || engine.ReadProcessMetrics().Allocator != "glibc" {
		return
	}
	if out, err := run(manyArenas, limitBudget, ops); err == nil || err.Error() != "signal: killed" {
		t.Errorf("with many arenas: %v\n%s", err, out)
	}
}

var memorySeed = flag.Uint64("memory.seed", 0, "seed of the operations under a limit of memory; 0: a new one")

// On a machine with version 2 of control groups the limit is set by its files. Here they are plain ones.
func TestMemoryIsLimitedByEitherVersionOfControlGroups(t *testing.T) {
	groups := t.TempDir()
	if group, err := newMemoryGroup(groups, 4096); err == nil {
		t.Errorf("without control groups there is %s", group)
	}
	mustDo(t, os.WriteFile(groups+"/cgroup.controllers", []byte("cpu io\n"), 0o600))
	if group, err := newMemoryGroup(groups, 4096); err == nil || !strings.Contains(err.Error(), "cpu io") {
		t.Errorf("without control of memory: %q, %v", group, err)
	}
	expectLimit := func(folder, file string) {
		t.Helper()
		group, err := newMemoryGroup(groups, 4096)
		if err != nil || filepath.Dir(group) != filepath.Join(groups, folder) {
			t.Fatalf("%q, %v", group, err)
		}
		if b, err := os.ReadFile(filepath.Join(group, file)); err != nil || string(b) != "4096" {
			t.Errorf("%s holds %q, %v", file, b, err)
		}
	}
	mustDo(t, os.WriteFile(groups+"/cgroup.controllers", []byte("cpu memory\n"), 0o600))
	expectLimit(".", "memory.max")
	if b, err := os.ReadFile(groups + "/cgroup.subtree_control"); err != nil || string(b) != "+memory" {
		t.Errorf("the groups below have %q, %v", b, err)
	}
	mustDo(t, os.Mkdir(groups+"/memory", 0o700))
	mustDo(t, os.WriteFile(groups+"/memory/memory.limit_in_bytes", nil, 0o600))
	expectLimit("memory", "memory.limit_in_bytes")
}
