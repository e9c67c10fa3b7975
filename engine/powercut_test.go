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
)

var (
	powerRounds = flag.Int("power.rounds", 12, "rounds of the power cut test; a quarter with -short")
	powerSeed   = flag.Uint64("power.seed", 0, "its seed, for all but the timing; 0: a new one")
)

// The writers of the power cut test, and the families that each of their batches has a row in.
const powerWriters = 3

var powerFamilies = []string{"default", "other"}

// powerDisk is a file system in a file, mounted.
type powerDisk struct{ image, dir string }

// newPowerDisk skips the test where none can be mounted.
func newPowerDisk(t *testing.T) *powerDisk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("to mount a file system takes root")
	}
	dir := t.TempDir()
	d := &powerDisk{filepath.Join(dir, "image"), filepath.Join(dir, "disk")}
	f, err := os.Create(d.image)
	if err == nil {
		err = f.Truncate(96 << 20)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if out, err := exec.Command("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", d.image).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4: %v: %s", err, out)
	}
	d.mount(t)
	return d
}

// mount mounts it. Its journal is committed when somebody syncs, and not for being old.
func (d *powerDisk) mount(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "loop,commit=600", d.image, d.dir).CombinedOutput(); err != nil {
		t.Skipf("no file system in a file can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { syscall.Unmount(d.dir, syscall.MNT_DETACH) })
}

// cut gives the disk as it is after a power cut at this moment: what the file system has not handed on is
// in no copy.
func (d *powerDisk) cut(t *testing.T) *powerDisk {
	t.Helper()
	dir := t.TempDir()
	after := &powerDisk{filepath.Join(dir, "image"), filepath.Join(dir, "disk")}
	if out, err := exec.Command("cp", "--sparse=always", d.image, after.image).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return after
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
		t.Run("sync every "+how, func(t *testing.T) {
			gone, synced, err := powerCut(t, r, how)
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
		if _, _, err := powerCut(t, r, "claimed"); err != nil {
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
func powerCut(t *testing.T, r *rand.Rand, how string) (lost, durable uint64, err error) {
	d := newPowerDisk(t)
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
	after := d.cut(t)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the child ended by itself: %v\n%s", err, out.String())
	}
	after.mount(t)
	if lost, durable, err = after.verify(crashAcks{acks}); err == nil && r.IntN(4) == 0 {
		err = foreignAgrees(t, filepath.Join(after.dir, "db"), false)
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
