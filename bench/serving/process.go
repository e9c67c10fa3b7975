package serving

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc, the same on every Linux that is in use.
const tick = time.Second / 100

// cpuOf gives the processor time that a process and its ended children have used.
func cpuOf(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(b))
}

// parseStat reads utime, stime, cutime and cstime. The name of the program before them may hold anything.
func parseStat(text string) (sum time.Duration, err error) {
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const first = 11 // of what follows the name: utime
	if len(f) < first+4 {
		return 0, fmt.Errorf("/proc/PID/stat is %q", text)
	}
	for _, word := range f[first : first+4] {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/PID/stat is %q", text)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// residentOf gives the resident memory of a process, now and at its peak, in bytes.
func residentOf(pid int) (now, peak int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	return parseStatus(string(b))
}

func parseStatus(text string) (now, peak int64, err error) {
	for name, to := range map[string]*int64{"VmRSS": &now, "VmHWM": &peak} {
		_, rest, _ := strings.Cut("\n"+text, "\n"+name+":")
		line, _, _ := strings.Cut(rest, "\n")
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("/proc/PID/status has no %s", name)
		}
		*to = n << 10
	}
	return now, peak, nil
}
