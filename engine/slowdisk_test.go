package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The words of testdata/slowdisk.c, in its order.
const (
	diskReadDelay = iota
	diskLogSyncDelay
	diskSyncDelay
	diskWriteDelay
	diskSyncFailFrom
	diskSyncFailCount
	diskSyncFailErrno
	diskWriteErrno
	diskReads
	diskLogSyncs
	diskSyncs
	diskWrites
	diskFailed
	diskReadsWaiting
	diskSyncsWaiting
	diskWritesWaiting
	diskWords
)

// held is the delay, in microseconds, of what waits until it is let go.
const held = 10 * 60 * 1_000_000

// slowDiskFile is the variable that names the file with the words.
const slowDiskFile = "SLOWDISK"

// sharedWords is a file of 64-bit words, through which a test tells what is preloaded what to do.
type sharedWords struct{ *os.File }

func (d sharedWords) set(word int, v uint64) {
	if _, err := d.WriteAt(binary.NativeEndian.AppendUint64(nil, v), int64(8*word)); err != nil {
		panic(err)
	}
}

func (d sharedWords) get(word int) uint64 {
	var b [8]byte
	if _, err := d.ReadAt(b[:], int64(8*word)); err != nil {
		panic(err)
	}
	return binary.NativeEndian.Uint64(b[:])
}

// slowDisk has the words of testdata/slowdisk.c.
type slowDisk struct{ sharedWords }

// letGo has nothing wait or fail any more.
func (d slowDisk) letGo() {
	for word := diskReadDelay; word <= diskWriteErrno; word++ {
		d.set(word, 0)
	}
}

// await waits until a word has come up to n.
func (d slowDisk) await(t testing.TB, word int, n uint64) {
	t.Helper()
	for begin := time.Now(); d.get(word) < n; time.Sleep(time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("word %d is %d, and does not come up to %d", word, d.get(word), n)
		}
	}
}

var slowDiskLibrary = sync.OnceValues(func() ([]byte, error) { return preloaded("slowdisk") })

// preloaded compiles a library of testdata that is to be preloaded.
func preloaded(name string) ([]byte, error) {
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cc := "cc"
	if fields := strings.Fields(os.Getenv("CC")); len(fields) > 0 {
		cc = fields[0]
	} else if _, err := exec.LookPath(cc); err != nil {
		cc = "gcc"
	}
	lib := filepath.Join(dir, name+".so")
	c := exec.Command(cc, "-std=c11", "-O2", "-fPIC", "-shared", "-pthread", "-o", lib, filepath.Join("testdata", name+".c"), "-ldl")
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cc, err, out)
	}
	return os.ReadFile(lib)
}

// onSlowDisk runs body in a process of its own: this test once more, with testdata/slowdisk.c before the C
// library. What the process logged is logged here.
func onSlowDisk(t *testing.T, body func(t *testing.T, d slowDisk)) {
	t.Helper()
	if d, ok := slowDiskHere(t); ok {
		defer d.letGo() // whatever happens: a database that is held up cannot be closed
		body(t, d)
		return
	}
	out, err := runOnSlowDisk(t)
	if err != nil {
		t.Fatalf("the process on the slow disk: %v\n%s%s", err, out.stdout[max(0, len(out.stdout)-4000):], out.head())
	}
	switch {
	case strings.Contains(out.stdout, "--- PASS: "+t.Name()+" "):
		t.Log(out.logged())
	case strings.Contains(out.stdout, "--- SKIP: "+t.Name()+" "):
		t.Skip(out.logged())
	default:
		t.Fatalf("the process on the slow disk ran no test:\n%s", out.stdout)
	}
}

// slowDiskHere gives the disk of a process that runOnSlowDisk has started.
func slowDiskHere(t *testing.T) (slowDisk, bool) {
	t.Helper()
	name := os.Getenv(slowDiskFile)
	if name == "" {
		return slowDisk{}, false
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return slowDisk{sharedWords{f}}, true
}

// runOnSlowDisk starts this binary again for this test only, which finds itself on a slow disk there.
// What the test is named by flags of ours goes along.
func runOnSlowDisk(t *testing.T, environment ...string) (childOutput, error) {
	t.Helper()
	library, err := slowDiskLibrary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	so, words := filepath.Join(dir, "slowdisk.so"), filepath.Join(dir, "words")
	if err := os.WriteFile(so, library, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(words, make([]byte, 8*diskWords), 0o600); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	args := []string{
		"-test.run=" + strings.Join(parts, "/"), "-test.v", "-test.count=1", "-test.timeout=" + (2*time.Minute + *soakTime).String(),
		"-test.short=" + strconv.FormatBool(testing.Short()),
	}
	flag.Visit(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute+*soakTime)
	defer cancel()
	var stdout, stderr bytes.Buffer
	c := childCommand(ctx, t, "", args...)
	c.Env = append(append(c.Env, environment...), "LD_PRELOAD="+so, slowDiskFile+"="+words,
		// A sanitizer wants to be the first library; it finds the calls of the C library all the same.
		"ASAN_OPTIONS="+os.Getenv("ASAN_OPTIONS")+":verify_asan_link_order=0",
		// As docs/observability.md has servers do. With more arenas glibc keeps ever more that is free: after an hour 400 MiB
		// where 140 were in use, in which nobody sees a leak.
		"MALLOC_ARENA_MAX=2")
	c.Stdout, c.Stderr = &stdout, &stderr
	err = c.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("it hung: %w", err)
	}
	return childOutput{stdout.String(), stderr.String()}, err
}

var logPlace = regexp.MustCompile(`^\w+_test\.go:\d+: `)

// logged is what the tests of a child logged, without what the testing package adds.
func (o childOutput) logged() string {
	var lines []string
	for line := range strings.Lines(o.stdout) {
		if strings.HasPrefix(line, "    ") && !strings.HasPrefix(strings.TrimSpace(line), "---") {
			lines = append(lines, logPlace.ReplaceAllString(strings.TrimSpace(line), ""))
		}
	}
	return strings.Join(lines, "\n")
}
