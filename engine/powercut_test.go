package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/cutpower"
)

var (
	powerRounds = flag.Int("power.rounds", 12, "rounds of the power cut test; a quarter with -short")
	powerSeed   = flag.Uint64("power.seed", 0, "its seed, for all but the timing; 0: a new one")
)

// The writers of the power cut test, and the families that each of their batches has a row in.
const powerWriters = 3

var powerFamilies = []string{"default", "other"}

// powerSystem is a file system, how it is made, and how it is mounted.
type powerSystem struct {
	name, options string
	megabytes     int64
}

// powerSystems differ in when they write what nobody has synced: ext4 when its journal's commit comes, XFS when its
// log is written.
var powerSystems = []powerSystem{
	{"ext4", "commit=600", 96}, {"xfs", "nouuid", 320}, {"ext4", "commit=1", 96}, {"ext4", "commit=5", 96}, {"ext4", "commit=1000", 96},
}

func (s powerSystem) String() string { return s.name + " " + s.options }

// make has the file system made in a file.
func (s powerSystem) make(image string) ([]byte, error) {
	args := []string{"-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image}
	if s.name == "xfs" {
		args = []string{"-q", image}
	}
	return exec.Command("mkfs."+s.name, args...).CombinedOutput()
}

// powerDisk is a file system in a file, mounted.
type powerDisk struct {
	image, dir string
	system     powerSystem
}

// cannotMount skips a test, which must not be where ROCKBRIDGE_MUST_RUN is set.
func cannotMount(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("ROCKBRIDGE_MUST_RUN") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// newPowerDisk skips the test where none can be mounted.
func newPowerDisk(t *testing.T, system powerSystem) *powerDisk {
	t.Helper()
	if os.Getuid() != 0 {
		cannotMount(t, "to mount a file system takes root")
	}
	exec.Command("modprobe", "-q", system.name).Run() // where it is a module
	if kernel, err := os.ReadFile("/proc/filesystems"); err != nil || !bytes.Contains(kernel, []byte("\t"+system.name+"\n")) {
		t.Skipf("this kernel has no %s", system.name)
	}
	dir := t.TempDir()
	d := &powerDisk{filepath.Join(dir, "image"), filepath.Join(dir, "disk"), system}
	f, err := os.Create(d.image)
	if err == nil {
		err = f.Truncate(system.megabytes << 20)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if out, err := system.make(d.image); err != nil {
		cannotMount(t, "mkfs.%s: %v: %s", system.name, err, out)
	}
	d.mount(t)
	return d
}

// mount mounts it.
func (d *powerDisk) mount(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "loop,"+d.system.options, d.image, d.dir).CombinedOutput(); err != nil {
		cannotMount(t, "no %s in a file can be mounted here: %v: %s", d.system.name, err, out)
	}
	t.Cleanup(func() { syscall.Unmount(d.dir, syscall.MNT_DETACH) })
}

// cut ends the file system at this moment, without its log: what it has not handed on to the disk is lost. What it is
// asked for from then on fails.
func (d *powerDisk) cut(t *testing.T) {
	t.Helper()
	if err := cutpower.Cut(d.dir); err != nil {
		t.Fatal(err)
	}
}

// again mounts the disk after the cut.
func (d *powerDisk) again(t *testing.T) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		err := syscall.Unmount(d.dir, 0)
		if err == nil {
			break
		}
		if err != syscall.EBUSY || time.Since(begin) > time.Minute {
			t.Fatalf("unmount: %v", err)
		}
	}
	d.mount(t)
}

// powerChild writes until it is stopped. Its arguments are the folder of the database, the file of
// acknowledgements, and how many writes one synced one is followed by; "claimed": none is, but each is
// acknowledged as if it were.
func powerChild(args []string) {
	f, err := os.OpenFile(args[1], os.O_RDWR, 0)
	must(err)
	acks := crashAcks{f}
	// Small memtables: logs come and go, and several are alive at the same time.
	small := engine.FamilyOptions{WriteBufferSize: 256 << 10}
	db, err := engine.Open(args[0], &engine.Options{
		FamilyOptions: small, Families: map[string]engine.FamilyOptions{"other": small},
	})
	must(err)
	every, _ := strconv.Atoi(args[2]) // 0: never
	for w := range powerWriters {
		go func() {
			r := rand.New(rand.NewPCG(uint64(w), uint64(time.Now().UnixNano())))
			b := db.NewBatch()
			for n := uint64(1); ; n++ {
				b.Reset()
				for _, name := range powerFamilies {
					c, err := db.ColumnFamily(name)
					must(err)
					must(b.In(c).Put(powerKey(w, n), make([]byte, r.IntN(3000))))
				}
				synced := every > 0 && n%uint64(every) == 0
				must(db.Write(b, &engine.WriteOptions{Sync: synced}))
				if synced || args[2] == "claimed" {
					must(acks.set(1+w, n))
				}
				must(acks.set(1+powerWriters+w, n))
				must(acks.set(0, 1))
			}
		}()
	}
	time.Sleep(2 * time.Minute)
	os.Exit(1)
}

func powerKey(w int, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(w)}, n)
}

// After a power cut every write that was acknowledged as durable is there, and of the others a first part:
// whole batches, without a hole. And the database opens, whatever the cut left of its logs.
func TestAPowerCutTakesASuffixOfWhatWasNotSynced(t *testing.T) {
	r, _ := seededRand(t, "power.seed", *powerSeed)
	rounds := *powerRounds
	if testing.Short() {
		rounds = max(1, rounds/4)
	}
	lost, durable := uint64(0), uint64(0)
	for n := range rounds {
		how := []string{"1", "20", "0", "200"}[n%4]
		system := powerSystems[n%len(powerSystems)]
		t.Run(fmt.Sprintf("%v/sync every %s", system, how), func(t *testing.T) {
			gone, synced, err := powerCut(t, r, system, how)
			if err != nil {
				t.Fatal(err)
			}
			lost += gone
			durable += synced
		})
	}
	t.Logf("%d rounds: %d writes were acknowledged as durable, %d others were lost", rounds, durable, lost)
}

// The test notices a database that claims what is not so.
func TestThePowerCutTestNoticesALoss(t *testing.T) {
	r, _ := seededRand(t, "power.seed", *powerSeed)
	for range 5 {
		if _, _, err := powerCut(t, r, powerSystems[0], "claimed"); err != nil {
			if !strings.Contains(err.Error(), "durable") {
				t.Fatal(err)
			}
			return
		}
	}
	t.Error("five power cuts over writes that were not synced, and nothing was missed")
}

// powerCut has a child write, cuts the power, and looks at what is there: how many writes are not, how
// many had been acknowledged as durable.
func powerCut(t *testing.T, r *rand.Rand, system powerSystem, how string) (lost, durable uint64, err error) {
	d := newPowerDisk(t, system)
	acks, err := os.Create(filepath.Join(t.TempDir(), "acks"))
	if err != nil {
		t.Fatal(err)
	}
	defer acks.Close()
	if _, err := acks.Write(make([]byte, 8*(1+2*powerWriters))); err != nil {
		t.Fatal(err)
	}
	c := childCommand(context.Background(), t, "power", filepath.Join(d.dir, "db"), acks.Name(), how)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	waitForPower(t, crashAcks{acks}, &out)
	time.Sleep(time.Duration(100+r.IntN(500)) * time.Millisecond)
	stopAll(t, c.Process)
	d.cut(t)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the child ended by itself: %v\n%s", err, out.String())
	}
	d.again(t)
	if lost, durable, err = d.verify(crashAcks{acks}); err == nil && r.IntN(4) == 0 {
		err = foreignAgrees(t, filepath.Join(d.dir, "db"), false)
	}
	return lost, durable, err
}

// waitForPower waits until the child writes.
func waitForPower(t *testing.T, acks crashAcks, out io.Reader) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if n, err := acks.word(0); err != nil || n != 0 {
			return
		}
		if time.Since(begin) > time.Minute {
			said, _ := io.ReadAll(out)
			t.Fatalf("the child does not begin to write: %s", said)
		}
	}
}

// stopAll stops a process, and waits until each of its threads stands.
func stopAll(t *testing.T, p *os.Process) {
	t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("%v, %v", status, err)
	}
}

// verify opens the database that the power cut left.
func (d *powerDisk) verify(acks crashAcks) (lost, durable uint64, err error) {
	db, err := engine.Open(filepath.Join(d.dir, "db"), &engine.Options{ErrorIfMissing: true})
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	for w := range powerWriters {
		synced, err := acks.word(1 + w)
		if err != nil {
			return 0, 0, err
		}
		returned, err := acks.word(1 + powerWriters + w)
		if err != nil {
			return 0, 0, err
		}
		there := uint64(0)
		for i, name := range powerFamilies {
			c, err := db.ColumnFamily(name)
			if err != nil {
				return 0, 0, err
			}
			n, err := powerRows(c, w)
			switch {
			case err != nil:
				return 0, 0, err
			case i > 0 && n != there:
				return 0, 0, fmt.Errorf("writer %d: a batch is torn: %d rows in one family, %d in %s", w, there, n, name)
			}
			there = n
		}
		if there < synced {
			return 0, 0, fmt.Errorf("writer %d: %d writes are there, %d were acknowledged as durable; %+v", w, there, synced, db.Recovery())
		}
		durable += synced
		lost += returned - min(there, returned)
	}
	return lost, durable, nil
}

// powerRows counts the rows of a writer, which must have no hole.
func powerRows(c *engine.ColumnFamily, w int) (n uint64, err error) {
	rows, done := engine.Scan(c, &engine.IterOptions{Prefix: []byte{byte(w)}})
	for k := range rows {
		n++
		if !bytes.Equal(k, powerKey(w, n)) {
			return 0, fmt.Errorf("writer %d: row %d is missing, %x comes next", w, n, k)
		}
	}
	return n, done()
}
