package launch

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine is where a report was made.
type Machine struct {
	CPU, Kernel, FileSystem string
	Cores                   int
	MemoryGiB               float64
}

// DescribeMachine gives what can be found out about this one and the file system of dir.
func DescribeMachine(dir string) Machine {
	m := Machine{CPU: procField("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Kernel: "unknown"}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	var kib float64
	if _, err := fmt.Sscan(procField("/proc/meminfo", "MemTotal"), &kib); err == nil {
		m.MemoryGiB = kib / (1 << 20)
	}
	m.FileSystem = "unknown"
	if out, err := exec.Command("df", "--output=fstype,source", dir).Output(); err == nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		m.FileSystem = strings.Join(strings.Fields(lines[len(lines)-1]), " on ")
	}
	return m
}

// procField gives the first value that a file of /proc has for a name.
func procField(file, name string) string {
	b, _ := os.ReadFile(file) // elsewhere than on Linux there is none
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// Load gives the load averages of the last 1, 5 and 15 minutes.
func Load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:3], ", ")
}
