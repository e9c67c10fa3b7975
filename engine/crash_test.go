package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	crashRounds = flag.Int("crash.rounds", 60, "rounds of the kill -9 test; a tenth with -short")
	crashSeed   = flag.Uint64("crash.seed", 0, "its seed, for all but the timing; 0: a new one each time")
)

// A database is made anew after so many rounds, so that its creation is interrupted too.
const crashLives = 20

// crashAcks is the file in which a child acknowledges: written after Write has returned, it stays when
// the child is killed. Word 0 tells that the child writes, word 1+w is the newest batch of writer w.
type crashAcks struct{ *os.File }

func (a crashAcks) word(i int) (uint64, error) {
	var b [8]byte
	_, err := a.ReadAt(b[:], int64(8*i))
	return binary.LittleEndian.Uint64(b[:]), err
}

func (a crashAcks) set(i int, n uint64) error {
	_, err := a.WriteAt(binary.LittleEndian.AppendUint64(nil, n), int64(8*i))
	return err
}

// crashLife is one database, from its creation on, with the acknowledgements for it.
type crashLife struct {
	dir   string
	acks  crashAcks
	ready bool // some child has come to write
}

func newCrashLife(t *testing.T, dir string) *crashLife {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "acks"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	a := crashAcks{f}
	for i := range 1 + crashWriters {
		if err := a.set(i, 0); err != nil {
			t.Fatal(err)
		}
	}
	return &crashLife{dir: dir, acks: a}
}

// A process that writes batches over several families is killed at a random moment, again and again.
// What it had acknowledged is there afterwards, batches are whole, and there are no holes.
func TestNothingAcknowledgedIsLostInACrash(t *testing.T) {
	rounds := *crashRounds
	if testing.Short() {
		rounds = max(1, rounds/10)
	}
	r, seed := seededRand(t, "crash.seed", *crashSeed)
	dir := t.TempDir()
	var life *crashLife
	batches, early := uint64(0), 0
	for n := range rounds {
		if n%crashLives == 0 {
			if life != nil {
				os.RemoveAll(life.dir)
			}
			life = newCrashLife(t, filepath.Join(dir, strconv.Itoa(n)))
		}
		how := []string{"writes", "pipelined", "writes", "unordered"}[r.IntN(4)]
		if !life.run(t, r, how) {
			early++
		}
		acked, err := life.verify(r.IntN(2) == 0)
		if err != nil {
			t.Fatalf("seed %d, round %d: %v", seed, n, err)
		}
		if n%crashLives == crashLives-1 || n == rounds-1 {
			batches += acked
			if err := foreignAgrees(t, filepath.Join(life.dir, "db"), false); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, n, err)
			}
		}
	}
	t.Logf("%d rounds, %d batches acknowledged, %d kills before the first of them", rounds, batches, early)
	if batches == 0 {
		t.Error("nothing was acknowledged: the test shows nothing")
	}
}

// run starts a writing child and kills it, mostly some time after it has begun to write, and reports
// whether it had.
func (l *crashLife) run(t *testing.T, r *rand.Rand, how string) (wrote bool) {
	t.Helper()
	if err := l.acks.set(0, 0); err != nil {
		t.Fatal(err)
	}
	c := childCommand(context.Background(), t, "crash", l.dir, strconv.FormatUint(r.Uint64(), 10), how)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	anyTime := r.IntN(6) == 0 // while it opens the database, perhaps
	wait := time.Duration(5+r.IntN(95)) * time.Millisecond
	for begin := time.Now(); !wrote && !(anyTime && time.Since(begin) > wait/2); time.Sleep(time.Millisecond) {
		n, err := l.acks.word(0)
		if err != nil {
			t.Fatal(err)
		}
		wrote = n != 0
		if len(ended) > 0 || time.Since(begin) > time.Minute {
			break
		}
	}
	if wrote {
		l.ready = true
		time.Sleep(wait)
	}
	c.Process.Kill()
	if err := <-ended; err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the child ended by itself: %v\n%s", err, out.String())
	}
	return wrote
}

// verify opens what the child left, read only at times, so that the next child finds it as it was left,
// and compares. acked counts the batches acknowledged.
func (l *crashLife) verify(readOnly bool) (acked uint64, err error) {
	var acks [crashWriters]uint64
	for w := range acks {
		if acks[w], err = l.acks.word(1 + w); err != nil {
			return 0, err
		}
		acked += acks[w]
	}
	o := crashOptions()
	if readOnly && l.ready {
		o = &engine.Options{ReadOnly: true}
	}
	db, err := engine.Open(filepath.Join(l.dir, "db"), o)
	if err != nil {
		return 0, fmt.Errorf("open after a crash: %w", err)
	}
	if err := verifyCrash(db, acks); err != nil {
		db.Close()
		return 0, err
	}
	return acked, db.Close()
}

// Without the write-ahead log, what was acknowledged is lost, and verify notices.
func TestTheCrashTestNoticesALoss(t *testing.T) {
	r, seed := seededRand(t, "crash.seed", *crashSeed)
	for n := range 5 {
		life := newCrashLife(t, filepath.Join(t.TempDir(), strconv.Itoa(n)))
		if !life.run(t, r, "no log") {
			continue
		}
		_, err := life.verify(false)
		if err == nil || !strings.Contains(err.Error(), "is lost") {
			t.Fatalf("seed %d: writes without a log were killed, and verify says %v", seed, err)
		}
		t.Log(err)
		return
	}
	t.Fatalf("seed %d: no child came to write", seed)
}

// Each kind of damage that verify looks for, done by hand.
func TestTheCrashTestNoticesDamage(t *testing.T) {
	const last = 30
	for name, harm := range map[string]struct {
		do   func(db *engine.DB, families []*engine.ColumnFamily) error
		want string
	}{
		"none": {func(*engine.DB, []*engine.ColumnFamily) error { return nil }, ""},
		"hole": {func(_ *engine.DB, families []*engine.ColumnFamily) error {
			for _, x := range crashBatch(1, 17) {
				if err := families[x.family].Delete(x.key, nil); err != nil {
					return err
				}
			}
			return nil
		}, "is lacking"},
		"torn": {func(_ *engine.DB, families []*engine.ColumnFamily) error {
			x := crashBatch(2, last)[0]
			return families[x.family].Delete(x.key, nil)
		}, "is lacking"},
		"altered": {func(_ *engine.DB, families []*engine.ColumnFamily) error {
			x := crashBatch(0, 3)[0]
			return families[x.family].Put(x.key, append(x.value[:len(x.value)-1], x.value[len(x.value)-1]^1), nil)
		}, "is not what was written"},
		"half a batch more": {func(_ *engine.DB, families []*engine.ColumnFamily) error {
			x := crashBatch(0, last+1)[0]
			return families[x.family].Put(x.key, x.value, nil)
		}, "nobody wrote"},
		"lost": {func(db *engine.DB, _ []*engine.ColumnFamily) error {
			return db.Put(crashLastKey(1), binary.LittleEndian.AppendUint64(nil, last-1), nil)
		}, "is lost"},
	} {
		db := openTemp(t, crashOptions())
		families := crashFamiliesOf(db)
		for w := range crashWriters {
			for n := uint64(1); n <= last; n++ {
				b := db.NewBatch()
				fillCrashBatch(b, families, w, n)
				if err := db.Write(b, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := harm.do(db, families); err != nil {
			t.Fatal(err)
		}
		err := verifyCrash(db, [crashWriters]uint64{last, last, last})
		if (err == nil) != (harm.want == "") || (err != nil && !strings.Contains(err.Error(), harm.want)) {
			t.Errorf("%s: %v, want %q", name, err, harm.want)
		}
	}
}
