package engine_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	fullCycles = flag.Int("full.cycles", 1, "how often the test of full disks fills each and frees it; more than 1: on more disks")
	fullSeed   = flag.Uint64("full.seed", 0, "its seed; 0: a new one")
)

// fullDisk is a database on a small disk, with what it has acknowledged and what takes its space away.
type fullDisk struct {
	dir, ballast string
	r            *rand.Rand
	db           *engine.DB
	acked        map[string]string
	rows         int
	lies         bool // what was refused counts as acknowledged. The control sets it
}

func newFullDisk(t *testing.T, disk string, r *rand.Rand) *fullDisk {
	t.Helper()
	d := &fullDisk{dir: filepath.Join(disk, "db"), ballast: filepath.Join(disk, "ballast"), r: r, acked: map[string]string{}}
	d.db = openDir(t, d.dir, fullDiskOptions())
	return d
}

func fullDiskOptions() *engine.Options {
	small := engine.FamilyOptions{WriteBufferSize: 256 << 10}
	// RocksDB takes 4 MiB for a manifest beforehand: with that, half of the smallest disk is gone, and what the rest has free
	// may be less than RocksDB wants for its next compaction before it takes writes again.
	return &engine.Options{
		FamilyOptions: small, Families: map[string]engine.FamilyOptions{"other": small}, Extra: "manifest_preallocation_size=65536",
	}
}

// However often a disk is full, and whatever RocksDB is at then: what was acknowledged is there, the error says that
// there is no space, and when there is some, writes go on.
func TestADiskThatIsFullAgainAndAgainLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("RocksDB looks every five seconds whether there is space")
	}
	megabytes := []int64{8}
	if *fullCycles > 1 {
		megabytes = []int64{8, 16, 32, 64}
	}
	r, _ := seededRand(t, "full.seed", *fullSeed)
	for _, size := range megabytes {
		t.Run(fmt.Sprintf("tmpfs of %d MiB", size), func(t *testing.T) {
			disk, _ := smallDisk(t, fmt.Sprintf("%dm", size))
			cycles(t, disk, rand.New(rand.NewPCG(r.Uint64(), 0)))
		})
		t.Run(fmt.Sprintf("ext4 of %d MiB", 2*size), func(t *testing.T) {
			d := newPowerDisk(t, powerSystem{"ext4", "commit=5", 2 * size})
			cycles(t, d.dir, rand.New(rand.NewPCG(r.Uint64(), 0)))
		})
	}
}

func cycles(t *testing.T, disk string, r *rand.Rand) {
	d := newFullDisk(t, disk, r)
	for n := range *fullCycles {
		d.fill(t)
		d.free(t)
		if n%3 == 2 {
			mustDo(t, d.db.Close())
			d.db = openDir(t, d.dir, fullDiskOptions())
			expectThere(t, "reopened", d.db, d.acked)
		}
		if t.Failed() {
			t.Fatalf("cycle %d", n)
		}
	}
	mustDo(t, d.db.Close())
	d.db = openDir(t, d.dir, fullDiskOptions())
	expectThere(t, "at the end", d.db, d.acked)
	mustDo(t, d.db.Close())
}

// put writes one more row.
func (d *fullDisk) put() error {
	key := fmt.Sprintf("%08d", d.rows)
	value := string(valueOf(d.r.IntN(4000)))
	d.rows++
	b := d.db.NewBatch()
	b.Put([]byte(key), []byte(value))
	if other, err := d.db.ColumnFamily("other"); err != nil {
		return err
	} else if err := b.In(other).Put([]byte(key), nil); err != nil {
		return err
	}
	err := d.db.Write(b, &engine.WriteOptions{Sync: d.rows%8 == 0})
	if err == nil || d.lies {
		d.acked[key] = value
	}
	return err
}

// fill has no space left, and looks at what the database says and holds then.
func (d *fullDisk) fill(t *testing.T) {
	t.Helper()
	d.fillUp(t)
	for what, err := range map[string]error{"flush": d.db.Flush(), "Health": d.db.Health(), "sync": d.db.SyncWAL()} {
		if err != nil {
			expectError(t, what, err, engine.ErrNoSpace)
		}
	}
	expectThere(t, "on a full disk", d.db, d.acked)
}

// fillUp takes nearly all space away, and writes until there is none.
func (d *fullDisk) fillUp(t *testing.T) {
	t.Helper()
	for range 50 {
		mustDo(t, d.put())
	}
	f, err := os.Create(d.ballast)
	mustDo(t, err)
	size := int64(0)
	for err == nil {
		var n int
		n, err = f.Write(make([]byte, 64<<10))
		size += int64(n)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	mustDo(t, f.Truncate(max(0, size-d.r.Int64N(2<<20))), f.Sync(), f.Close())
	refused := 0
	for n := 0; refused < 20 && n < 100_000; n++ {
		if err := d.put(); err != nil {
			expectError(t, "on a full disk", err, engine.ErrNoSpace, syscall.ENOSPC)
			refused++
		}
	}
	if refused == 0 {
		t.Error("the disk is not full")
	}
}

// free gives the space back, waits until writes go on, and deletes most rows, so that there is space the next time.
func (d *fullDisk) free(t *testing.T) {
	t.Helper()
	mustDo(t, os.Remove(d.ballast))
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := d.put()
		if err == nil {
			break
		}
		expectError(t, "with space", err, engine.ErrNoSpace)
		if time.Since(begin) > time.Minute {
			there, _ := exec.Command("sh", "-c", `df "$0"; ls -ls "$0"`, d.dir).CombinedOutput()
			t.Fatalf("a minute later still: %v\n%s", err, there)
		}
	}
	expectThere(t, "with space", d.db, d.acked)
	for key := range d.acked {
		if d.r.IntN(4) > 0 {
			mustDo(t, d.db.Delete([]byte(key), nil))
			delete(d.acked, key)
		}
	}
	mustDo(t, d.db.Compact(nil, nil, nil))
	expectThere(t, "compacted", d.db, d.acked)
}

// A write that a full disk refused and that is taken for acknowledged is missed, there and after the reopen.
func TestTheFullDiskTestNoticesALoss(t *testing.T) {
	disk, _ := smallDisk(t, "8m")
	r, _ := seededRand(t, "full.seed", *fullSeed)
	d := newFullDisk(t, disk, r)
	d.lies = true
	d.fillUp(t)
	there := lostOf(t, d.db, d.acked)
	mustDo(t, d.db.Close(), os.Remove(d.ballast))
	db := openDir(t, d.dir, fullDiskOptions())
	defer db.Close()
	if again := lostOf(t, db, d.acked); len(there) == 0 || len(again) == 0 {
		t.Errorf("of 20 writes that were refused %d are missed, after the reopen %d", len(there), len(again))
	}
}

// A file system turns read only under an open database, as it does after an error of the disk: that is told, reads go on,
// and what was acknowledged as durable is there when it can be written again.
func TestADiskThatTurnsReadOnlyLosesNothing(t *testing.T) {
	for _, lost := range turnReadOnly(t, 10) {
		t.Errorf("mounted again: %s", lost)
	}
}

// What nobody synced is not durable: taken for it, it is missed.
func TestTheReadOnlyDiskTestNoticesALoss(t *testing.T) {
	if len(turnReadOnly(t, 1000)) == 0 {
		t.Error("the last of 300 writes without a sync are there")
	}
}

// turnReadOnly has a file system turn read only after 300 writes, each so many of them one with Sync, and tells which of them are
// not there when it is mounted again.
func turnReadOnly(t *testing.T, every int) (lost []string) {
	t.Helper()
	disk := newPowerDisk(t, powerSystem{"ext4", "commit=600", 32})
	dir := filepath.Join(disk.dir, "db")
	db := openDir(t, dir, fullDiskOptions())
	defer db.Close()
	durable := map[string]string{}
	for i := range 300 {
		key, value := fmt.Sprintf("%06d", i), valueOf(3000)
		mustDo(t, db.Put([]byte(key), value, &engine.WriteOptions{Sync: i%every == every-1}))
		durable[key] = string(value)
	}
	if out, err := exec.Command("mount", "-o", "remount,abort", disk.dir).CombinedOutput(); err != nil {
		cannotMount(t, "no file system can be made to fail here: %v: %s", err, out)
	}
	for what, err := range map[string]error{
		"put": db.Put([]byte("x"), nil, nil), "synced put": db.Put([]byte("x"), nil, engine.Sync),
		"flush": db.Flush(), "Health": db.Health(), "compact": db.Compact(nil, nil, nil),
		"checkpoint": db.Checkpoint(nil, filepath.Join(disk.dir, "copy")),
	} {
		if !errors.Is(err, engine.ErrReadOnly) && !errors.Is(err, engine.ErrIO) {
			t.Errorf("%s: %v", what, err)
		}
	}
	expectThere(t, "read only", db, durable)
	mustDo(t, db.Close())
	_, err := engine.Open(dir, fullDiskOptions())
	expectError(t, "open", err, engine.ErrReadOnly)
	disk.again(t)
	db = openDir(t, dir, fullDiskOptions())
	defer db.Close()
	lost = lostOf(t, db, durable)
	mustDo(t, db.Put([]byte("x"), nil, engine.Sync), db.Health(), db.Close())
	return lost
}
