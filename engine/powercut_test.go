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
	"strings"
	"sync"
	"sync/atomic"
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

// powerLoad is what a child writes.
type powerLoad struct {
	every  uint64 // a writer's writes from one acknowledged as durable to the next; 0: none is
	wal    bool   // by SyncWAL, which is for all that any writer was told of before; else the write has Sync
	lie    bool   // nothing is synced, but acknowledged as if it were
	commit engine.CommitMode
}

func (l powerLoad) String() string {
	how := fmt.Sprintf("sync every %d", l.every)
	if l.wal {
		how = fmt.Sprintf("SyncWAL every %d", l.every)
	}
	return fmt.Sprintf("%s, commit mode %d", how, l.commit)
}

// args are the load as arguments of a child.
func (l powerLoad) args() []string {
	return []string{fmt.Sprint(l.every), fmt.Sprint(l.wal), fmt.Sprint(l.lie), fmt.Sprint(l.commit)}
}

func powerLoadOf(args []string) (l powerLoad) {
	_, err := fmt.Sscan(strings.Join(args, " "), &l.every, &l.wal, &l.lie, &l.commit)
	must(err)
	return l
}

// powerWork is a child at work.
type powerWork struct {
	powerLoad
	db       *engine.DB
	acks     crashAcks
	returned [powerWriters]atomic.Uint64 // the newest write of each that has

	mu      sync.Mutex
	durable [powerWriters]uint64 // what acks say; under mu
}

// powerChild writes until it is stopped. Its arguments are the folder of the database, the file of acknowledgements,
// and the load.
func powerChild(args []string) {
	f, err := os.OpenFile(args[1], os.O_RDWR, 0)
	must(err)
	p := &powerWork{powerLoad: powerLoadOf(args[2:]), acks: crashAcks{f}}
	// Small memtables: logs come and go, and several are alive at the same time.
	small := engine.FamilyOptions{WriteBufferSize: 256 << 10}
	p.db, err = engine.Open(args[0], &engine.Options{
		FamilyOptions: small, Families: map[string]engine.FamilyOptions{"other": small}, Commit: p.commit,
	})
	must(err)
	for w := range powerWriters {
		go p.write(w)
	}
	time.Sleep(2 * time.Minute)
	os.Exit(1)
}

// write writes batches without end. Each row begins with what the writers had been told of when it was begun.
func (p *powerWork) write(w int) {
	r := rand.New(rand.NewPCG(uint64(w), uint64(time.Now().UnixNano())))
	b := p.db.NewBatch()
	for n := uint64(1); ; n++ {
		b.Reset()
		before := p.seen()
		for _, name := range powerFamilies {
			c, err := p.db.ColumnFamily(name)
			must(err)
			var value []byte
			for _, n := range before {
				value = binary.BigEndian.AppendUint64(value, n)
			}
			must(b.In(c).Put(powerKey(w, n), append(value, make([]byte, r.IntN(3000))...)))
		}
		due := p.every > 0 && n%p.every == 0
		must(p.db.Write(b, &engine.WriteOptions{Sync: due && !p.wal && !p.lie}))
		p.returned[w].Store(n)
		if due {
			p.acknowledge(w, n)
		}
		must(p.acks.set(1+powerWriters+w, n))
		must(p.acks.set(0, 1))
	}
}

// acknowledge notes that a write is durable, and after a SyncWAL all that had returned before.
func (p *powerWork) acknowledge(w int, n uint64) {
	var before [powerWriters]uint64
	before[w] = n
	if p.wal {
		before = p.seen()
		if !p.lie {
			must(p.db.SyncWAL())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for w, n := range before {
		if n > p.durable[w] {
			p.durable[w] = n
			must(p.acks.set(1+w, n))
		}
	}
}

func (p *powerWork) seen() (before [powerWriters]uint64) {
	for w := range before {
		before[w] = p.returned[w].Load()
	}
	return before
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
	lost, durable, took, cuts, told, several := uint64(0), uint64(0), map[string]int{}, 0, 0, 0
	for n := range rounds {
		load := powerLoad{every: []uint64{1, 20, 0, 200}[n%4], wal: r.IntN(2) == 0, commit: engine.CommitMode(r.IntN(3))}
		system := powerSystems[n%len(powerSystems)]
		t.Run(fmt.Sprintf("%v/%v", system, load), func(t *testing.T) {
			out, err := powerCut(t, r, system, load)
			if err != nil {
				t.Fatal(err)
			}
			cuts++
			lost += out.lost
			durable += out.durable
			if out.lost > 0 {
				took[system.name]++
				if out.told {
					told++
				}
				if out.logs > 1 {
					several++
				}
			}
		})
	}
	t.Logf("%d cuts: %d writes were acknowledged as durable, %d others were lost, in rounds on %v; of %d of these Recovery tells, %d left several logs",
		cuts, durable, lost, took, told, several)
	// A cut that takes nothing tests nothing. Each fourth round syncs nothing, and loses what its logs held.
	if lost == 0 && cuts >= 12 {
		t.Error("no power cut took anything")
	}
	if several == 0 && cuts >= 12 {
		t.Error("no power cut took anything of several logs, where a hole could be")
	}
}

// The test notices a database that claims what is not so, on each kind of file system: of writes with Sync, and of
// SyncWAL.
func TestThePowerCutTestNoticesALoss(t *testing.T) {
	for _, system := range powerSystems[:2] {
		for _, load := range []powerLoad{{every: 1, lie: true}, {every: 5, wal: true, lie: true}} {
			t.Run(fmt.Sprintf("%v/%v", system, load), func(t *testing.T) {
				if testing.Short() && load.wal != (system.name == "xfs") {
					t.Skip("one on each")
				}
				powerCutNotices(t, system, load)
			})
		}
	}
}

func powerCutNotices(t *testing.T, system powerSystem, load powerLoad) {
	r, _ := seededRand(t, "power.seed", *powerSeed)
	for range 5 {
		if _, err := powerCut(t, r, system, load); err != nil {
			if !strings.Contains(err.Error(), "durable") {
				t.Fatal(err)
			}
			t.Log(err)
			return
		}
	}
	t.Error("five power cuts over writes that were not synced, and nothing was missed")
}

// powerOutcome is what a power cut came to.
type powerOutcome struct {
	durable, lost uint64 // writes that were acknowledged as such, and others that are not there
	told          bool   // Recovery knows of a break
	logs          int    // files of logs that the cut left
}

// powerCut has a child write, cuts the power, and looks at what is there.
func powerCut(t *testing.T, r *rand.Rand, system powerSystem, load powerLoad) (out powerOutcome, err error) {
	d := newPowerDisk(t, system)
	acks, err := os.Create(filepath.Join(t.TempDir(), "acks"))
	if err != nil {
		t.Fatal(err)
	}
	defer acks.Close()
	if _, err := acks.Write(make([]byte, 8*(1+2*powerWriters))); err != nil {
		t.Fatal(err)
	}
	args := append([]string{filepath.Join(d.dir, "db"), acks.Name()}, load.args()...)
	c := childCommand(context.Background(), t, "power", args...)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	waitForPower(t, crashAcks{acks}, &said)
	time.Sleep(time.Duration(100+r.IntN(500)) * time.Millisecond)
	stopAll(t, c.Process)
	d.cut(t)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the child ended by itself: %v\n%s", err, said.String())
	}
	d.again(t)
	if out, err = d.verify(crashAcks{acks}); err == nil && r.IntN(4) == 0 {
		err = foreignAgrees(t, filepath.Join(d.dir, "db"), false)
	}
	return out, err
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
func (d *powerDisk) verify(acks crashAcks) (out powerOutcome, err error) {
	logs, err := filepath.Glob(filepath.Join(d.dir, "db", "*.log"))
	if err != nil {
		return out, err
	}
	out.logs = len(logs)
	db, err := engine.Open(filepath.Join(d.dir, "db"), &engine.Options{ErrorIfMissing: true})
	if err != nil {
		return out, err
	}
	defer db.Close()
	var there, before [powerWriters]uint64
	for w := range powerWriters {
		synced, err := acks.word(1 + w)
		if err != nil {
			return out, err
		}
		returned, err := acks.word(1 + powerWriters + w)
		if err != nil {
			return out, err
		}
		for i, name := range powerFamilies {
			c, err := db.ColumnFamily(name)
			if err != nil {
				return out, err
			}
			n, err := powerRows(c, w, &before)
			switch {
			case err != nil:
				return out, err
			case i > 0 && n != there[w]:
				return out, fmt.Errorf("writer %d: a batch is torn: %d rows in one family, %d in %s", w, there[w], n, name)
			}
			there[w] = n
		}
		if there[w] < synced {
			return out, fmt.Errorf("writer %d: %d writes are there, %d were acknowledged as durable; %+v", w, there[w], synced, db.Recovery())
		}
		out.durable += synced
		out.lost += returned - min(there[w], returned)
	}
	for w := range before {
		if there[w] < before[w] {
			return out, fmt.Errorf("writer %d: %d writes are there, and what another began after %d had returned", w, there[w], before[w])
		}
	}
	out.told = db.Recovery().Break != ""
	return out, nil
}

// powerRows counts the rows of a writer, which must have no hole. before are the writes of each that had returned
// before one of these was begun: at least so many must be there, or there is a hole between two writers.
func powerRows(c *engine.ColumnFamily, w int, before *[powerWriters]uint64) (n uint64, err error) {
	rows, done := engine.Scan(c, &engine.IterOptions{Prefix: []byte{byte(w)}})
	for k, v := range rows {
		n++
		if !bytes.Equal(k, powerKey(w, n)) || len(v) < 8*powerWriters {
			return 0, fmt.Errorf("writer %d: row %d is missing, %x comes next", w, n, k)
		}
		for w := range before {
			before[w] = max(before[w], binary.BigEndian.Uint64(v[8*w:]))
		}
	}
	return n, done()
}
