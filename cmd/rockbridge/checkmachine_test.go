package main

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/internal/linked"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// roomy is a system that grants everything: the control of what is found below.
func roomy() machine {
	return machine{
		files: limit{1 << 20, 1 << 20}, threads: []headroom{{"pids.max of the control group", 10000, 20000}}, overcommit: "0",
		memory: memoryLimit{16 << 30, "the machine"}, processors: 2, procs: 2,
	}
}

func TestWhatTheSystemGrants(t *testing.T) {
	few := needs{maxOpenFiles: 500, tables: 10000, cache: 1 << 30, memtables: 1 << 30}
	for _, c := range []struct {
		name, check, mark, text string
		change                  func(*machine)
		needs                   needs
	}{
		{"roomy", "open files", markOK, "", func(*machine) {}, few},
		{"fewer files than max_open_files", "open files", markWrong, "too few for max_open_files=500", func(m *machine) { m.files.hard = 599 }, few},
		{"as many as max_open_files wants", "open files", markOK, "600 may be open", func(m *machine) { m.files.hard = 600 }, few},
		{"any number of files", "open files", markOK, "any number may be open", func(m *machine) { m.files.hard = math.MaxUint64 }, few},
		{"no limit known", "open files", markNote, "not known", func(m *machine) { m.files = limit{} }, few},
		{"threads", "threads", markOK, "10000 more can begin", func(*machine) {}, few},
		{"few threads", "threads", markNote, "511 more can begin, by b", func(m *machine) { m.threads = append(m.threads, headroom{"b", 511, 1000}) }, few},
		{"hardly a thread", "threads", markWrong, "31 more can begin, by b of 1000", func(m *machine) { m.threads = append(m.threads, headroom{"b", 31, 1000}) }, few},
		{"threads not known", "threads", markNote, "", func(m *machine) { m.threads = nil }, few},
		{"memory", "memory", markOK, "16.0 GiB by the machine; block cache 1.0 GiB, memtables up to 1.0 GiB", func(*machine) {}, few},
		{"half of the memory", "memory", markNote, "more than half", func(m *machine) { m.memory.bytes = 3 << 30 }, few},
		{"too little memory", "memory", markWrong, "1.5 GiB", func(m *machine) { m.memory.bytes = 3 << 29 }, few},
		{"overcommit", "overcommit", markOK, "=0", func(*machine) {}, few},
		{"always", "overcommit", markOK, "=1", func(m *machine) { m.overcommit = "1" }, few},
		{"never", "overcommit", markNote, "=2", func(m *machine) { m.overcommit, m.commitLeft = "2", 2<<30 }, few},
		{"never, and little is left", "overcommit", markWrong, "less than the database may take", func(m *machine) { m.overcommit, m.commitLeft = "2", 2<<30-1 }, few},
		{"processors", "processors", markOK, "a quota of 2", func(*machine) {}, few},
		{"no quota", "processors", markOK, "no quota", func(m *machine) { m.processors, m.procs = 0, 64 }, few},
		{"small quota", "processors", markOK, "a quota of 0.5", func(m *machine) { m.processors = 0.5 }, few},
		{"more than the quota", "processors", markNote, "allows 2.5", func(m *machine) { m.processors, m.procs = 2.5, 4 }, few},
	} {
		m, d := roomy(), &diagnosis{}
		c.change(&m)
		checkMachine(d, m, c.needs)
		d.expect(t, c.check, c.mark, c.text)
		if n := len(d.found(c.check, markOK)) + len(d.found(c.check, markNote)) + len(d.found(c.check, markWrong)); n != 1 {
			t.Errorf("%s: %d findings", c.name, n)
		}
	}
}

func TestWhatTheDiskIsLike(t *testing.T) {
	const memtable, used = 64 << 20, 10 << 30
	good := fileSystem{kind: "ext4", free: 100 << 30, size: 200 << 30, inodes: 1 << 20, inodesFree: 1 << 19}
	for _, c := range []struct {
		check, mark, text string
		change            func(*fileSystem)
	}{
		{"file system", markOK, "ext4", func(*fileSystem) {}},
		{"mount", markOK, "", func(*fileSystem) {}},
		{"free space", markOK, "100.0 GiB of 200.0 GiB", func(*fileSystem) {}},
		{"inodes", markOK, "524288 free", func(*fileSystem) {}},
		{"file system", markNote, "tmpfs: it is memory", func(f *fileSystem) { f.kind = "tmpfs" }},
		{"file system", markNote, "overlay: ", func(f *fileSystem) { f.kind = "overlay" }},
		{"file system", markNote, "nfs: locks", func(f *fileSystem) { f.kind = "nfs" }},
		{"file system", markNote, "fuse: ", func(f *fileSystem) { f.kind = "fuse" }},
		{"mount", markWrong, "read-only", func(f *fileSystem) { f.readOnly = true }},
		{"free space", markNote, "5.0 GiB of 200.0 GiB: a compaction", func(f *fileSystem) { f.free = 5 << 30 }},
		{"free space", markWrong, "less than two memtables", func(f *fileSystem) { f.free = 127 << 20 }},
		{"inodes", markNote, "9999 of 1048576 are free", func(f *fileSystem) { f.inodesFree = 9999 }},
		{"inodes", markWrong, "99 of 1048576 are free", func(f *fileSystem) { f.inodesFree = 99 }},
	} {
		f, d := good, &diagnosis{}
		c.change(&f)
		checkDisk(d, f, used, memtable)
		d.expect(t, c.check, c.mark, c.text)
		if len(d.Checks) != 4 {
			t.Errorf("%s: %+v", c.text, d.Checks)
		}
	}
	f, err := lookAtFileSystem(t.TempDir())
	if err != nil || f.kind == "" || f.free == 0 || f.free > f.size || f.readOnly {
		t.Errorf("of the tests' own folder: %+v, %v", f, err)
	}
	if f, err := lookAtFileSystem("/proc"); err != nil || f.kind != "of type 0x9fa0" {
		t.Errorf("of /proc: %+v, %v", f, err)
	}
}

func TestHowNearWritesAreToAStop(t *testing.T) {
	family := func(n int) *ondisk.Family {
		f := &ondisk.Family{Name: "f", Files: map[uint64]ondisk.File{}}
		for i := range n {
			f.Files[uint64(i)] = ondisk.File{Number: uint64(i)}
		}
		f.Files[1000] = ondisk.File{Number: 1000, Level: 1}
		return f
	}
	for _, c := range []struct {
		files      int
		mark, text string
	}{{8, markWrong, "has 8 files in level 0: writes stop at 8"}, {5, markNote, "has 5 files in level 0: writes are slowed down from 4 on"}} {
		d := &diagnosis{}
		p := &patient{families: map[string]map[string]string{"f": {"level0_slowdown_writes_trigger": "4", "level0_stop_writes_trigger": "8"}}}
		if !p.stalls(d, family(c.files)) {
			t.Errorf("%d files are no reason", c.files)
		}
		d.expect(t, "stalls", c.mark, c.text)
	}
	for _, c := range []struct {
		debt uint64
		mark string
	}{{100, markNote}, {200, markWrong}, {99, ""}} {
		d := &diagnosis{}
		if near := judgeDebt(d, "f", c.debt, 100, 200); near != (c.mark != "") {
			t.Errorf("%d to compact: %+v", c.debt, d.Checks)
		}
		if c.mark != "" {
			d.expect(t, "stalls", c.mark, "to compact: writes")
		}
	}
}

// fakeRoot makes files as the kernel shows them.
func fakeRoot(t *testing.T, files map[string]string) kernel {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		ok(t, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600))
	}
	return kernel{root}
}

func TestControlGroupsOfBothVersionsAreRead(t *testing.T) {
	const meminfo = "MemTotal:  8388608 kB\nCommitLimit:    3072 kB\nCommitted_AS:   1024 kB\n"
	two := fakeRoot(t, map[string]string{
		"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "proc/sys/vm/overcommit_memory": "2\n", "proc/loadavg": "0 0 0 1/300 77\n",
		"proc/sys/kernel/threads-max": "1000\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "1073741824\n",
		"sys/fs/cgroup/a/b/cpu.max": "150000 100000\n", "sys/fs/cgroup/a/cpu.max": "300000 100000\n", "sys/fs/cgroup/cpu.max": "max 100000\n",
		"sys/fs/cgroup/a/b/pids.max": "100\n", "sys/fs/cgroup/a/b/pids.current": "40\n", "sys/fs/cgroup/a/pids.max": "max\n",
	})
	one := fakeRoot(t, map[string]string{
		"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/a\n3:pids:/a\n2:cpu,cpuacct:/a\n1:name=systemd:/a\n",
		"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648\n",
		"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
		"sys/fs/cgroup/pids/a/pids.max": "7\n", "sys/fs/cgroup/pids/a/pids.current": "9\n",
	})
	m := lookAtMachine(two)
	if m.memory != (memoryLimit{1 << 30, "the control group"}) || m.processors != 1.5 || m.overcommit != "2" || m.commitLeft != 2<<20 {
		t.Errorf("version 2: %+v", m)
	}
	want := map[string]headroom{"kernel.threads-max": {"kernel.threads-max", 700, 1000}, "pids.max of the control group": {"pids.max of the control group", 60, 100}}
	for _, l := range m.threads {
		if w, known := want[l.of]; known && l != w {
			t.Errorf("version 2: %+v, want %+v", l, w)
		}
		delete(want, l.of)
	}
	if len(want) > 0 {
		t.Errorf("version 2 lacks %v of %v", want, m.threads)
	}
	m = lookAtMachine(one)
	if m.memory != (memoryLimit{2 << 30, "the control group"}) || m.processors != 0.5 || len(m.threads) == 0 || m.threads[len(m.threads)-1].left != 0 {
		t.Errorf("version 1: %+v", m)
	}
	m = lookAtMachine(fakeRoot(t, map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1000\n"}))
	if m.memory != (memoryLimit{1000, "the control group"}) {
		t.Errorf("without meminfo: %+v", m)
	}
	m = lookAtMachine(kernel{t.TempDir()})
	if m.memory.bytes != 0 || m.processors != 0 || m.overcommit != "" || m.files.hard == 0 {
		t.Errorf("nothing shown: %+v", m)
	}
}

// TestAssertionsAreToldFromTheFile compiles a library that looks like RocksDB in what counts, with
// assertions and without.
func TestAssertionsAreToldFromTheFile(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler")
	}
	source := writeFile(t, "lib.c", `#include <assert.h>
#ifndef WHOSE
#define WHOSE "rocksdb"
#endif
void look(int n);
void look(int n) { (void)n;
#ifndef NDEBUG
  if (n) __assert_fail("n", "db.cc", 1, "void " WHOSE "::DBImpl::Look(int)");
#endif
}
`)
	build := func(flags ...string) string {
		out := filepath.Join(t.TempDir(), "lib.so")
		text, err := exec.Command(cc, append(flags, "-shared", "-fPIC", "-o", out, source)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return out
	}
	for _, c := range []struct {
		path string
		on   bool
	}{{build(), true}, {build("-DNDEBUG"), false}, {build("-O2"), true}, {build("-O2", "-DNDEBUG"), false}, {build(`-DWHOSE="other"`), false}} {
		if on, err := linked.HasAssertions(c.path); err != nil || on != c.on {
			t.Errorf("%v, %v; want %v", on, err, c.on)
		}
	}
	if _, err := linked.HasAssertions(source); err == nil {
		t.Error("a text was read as a library")
	}
	self, err := os.Executable() // it has this test's text in another file only, and RocksDB, if at all, linked in
	ok(t, err)
	if on, err := linked.HasAssertions(self); err != nil || on && linked.SharedLibrary("/proc/self/maps") != "" {
		t.Errorf("of the test itself: %v, %v", on, err)
	}
}
