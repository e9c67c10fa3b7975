package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	faultRuns = flag.Int("fault.runs", 24, "runs of the n-th failure test, a quarter with -short; 0: each call of each kind, once and from then on")
	faultSeed = flag.Uint64("fault.seed", 0, "its seed, for which calls fail; 0: a new one")
)

// The words of testdata/nthfault.c, in its order, and the kinds of calls.
const (
	faultKind = iota
	faultFrom
	faultFor
	faultErrno
	faultTorn
	faultDrop
	faultFailed
	faultCounts
)

var faultKinds = []string{"none", "write", "sync", "name", "open", "read", "size"}

// The variables that testdata/nthfault.c reads.
const (
	nthFaultFile = "NTHFAULT"
	nthFaultDir  = "NTHFAULT_DIR"
)

var nthFaultLibrary = sync.OnceValues(func() ([]byte, error) { return preloaded("nthfault") })

// fault is which call fails, and how.
type fault struct {
	kind  int
	from  int
	once  bool
	errno syscall.Errno
	mode  string // words for faultChild
}

func (f fault) String() string {
	how := "from the %d. %s on: %v %s"
	if f.once {
		how = "the %d. %s: %v %s"
	}
	return fmt.Sprintf(how, f.from, faultKinds[f.kind], f.errno, f.mode)
}

// faultOutcome is what a run under a fault came to.
type faultOutcome struct {
	failed uint64 // calls
	counts []uint64
	wrong  string // what must not be; empty: nothing
}

// faultAssertion is what one of the assertions says that endedByRocksDB knows.
const faultAssertion = "`file_deletion_disabled' failed"

// endedByRocksDB tells whether a process ended at one of three assertions that RocksDB meets before 9.4, where it has them:
// when it tries again by itself, at a memtable with range deletions that it could not give up before, for want of a new
// log, and after a manifest could not be synced for want of space; and where two of its threads sync the same log, of which
// the first was refused (AssertFalseAndGetStatusForPrevError). See the exceptions to P8 in docs/guarantees.md.
func endedByRocksDB(t *testing.T, said string) bool {
	return !atLeast(t, engine.Version(), "9.4") && (strings.Contains(said, "IsFragmentedRangeTombstonesConstructed") ||
		strings.Contains(said, faultAssertion) || strings.Contains(said, "`sync_without_flush_called_' failed"))
}

// faultFolder is where a run's files are: in memory if it can be, since no sync is made anyway.
func faultFolder(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "fault")
	if err != nil {
		return t.TempDir()
	}
	return dir
}

// run has a process work under the fault, and looks at what it leaves.
func (f fault) run(t *testing.T) (out faultOutcome) {
	t.Helper()
	library, err := nthFaultLibrary()
	if err != nil {
		t.Fatal(err)
	}
	dir := faultFolder(t)
	defer os.RemoveAll(dir)
	path := func(name string) string { return filepath.Join(dir, name) }
	must(os.WriteFile(path("nthfault.so"), library, 0o700))
	must(os.WriteFile(path("words"), make([]byte, 8*(faultCounts+len(faultKinds))), 0o600))
	must(os.Mkdir(path("disk"), 0o700))
	file, err := os.OpenFile(path("words"), os.O_RDWR, 0)
	must(err)
	defer file.Close()
	words := sharedWords{file}
	f.set(words)
	mode := f.mode
	if f.once {
		mode += " once"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := childCommand(ctx, t, "faults", path("disk"), path("record"), mode)
	c.Env = append(c.Env, "LD_PRELOAD="+path("nthfault.so"), nthFaultFile+"="+file.Name(), nthFaultDir+"="+path("disk"),
		"ASAN_OPTIONS="+os.Getenv("ASAN_OPTIONS")+":verify_asan_link_order=0")
	said, err := c.CombinedOutput()
	ended := err != nil && endedByRocksDB(t, string(said))
	out.failed = words.get(faultFailed)
	for kind := range faultKinds {
		out.counts = append(out.counts, words.get(faultCounts+kind))
	}
	switch {
	case ctx.Err() != nil:
		out.wrong = fmt.Sprintf("the process hung\n%s", said)
	case err != nil && !ended:
		out.wrong = fmt.Sprintf("the process ended: %v\n%.3000s", err, said)
	case strings.Contains(string(said), "FOUND"):
		out.wrong = string(said)
	default:
		if ended {
			// That excuses no loss but what every process may lose that has ended.
			t.Logf("%v: RocksDB ended the process", f)
		}
		if err := f.left(dir, out.failed); err != nil {
			out.wrong = err.Error()
		}
	}
	return out
}

// runEach has the first call fail, then the second, and so on, until a run has none that fails, and tells how many runs that
// took.
func (f fault) runEach(t *testing.T) (runs int) {
	t.Helper()
	for f.from = 1; ; f.from++ {
		out := f.run(t)
		if out.wrong != "" {
			t.Errorf("%v: %s", f, out.wrong)
		}
		if out.failed == 0 {
			return f.from
		}
	}
}

func (f fault) set(words sharedWords) {
	words.set(faultKind, uint64(f.kind))
	words.set(faultFrom, uint64(f.from))
	words.set(faultErrno, uint64(f.errno))
	words.set(faultTorn, 1)
	words.set(faultDrop, 1)
	words.set(faultFor, 1)
	if !f.once {
		words.set(faultFor, 1<<62)
	}
}

// left opens what a process has left, without faults, and compares it with the record.
func (f fault) left(dir string, failed uint64) error {
	loss := lossOf(faultKinds[f.kind], failed)
	if err := sameAsRecord(filepath.Join(dir, "disk", "db"), filepath.Join(dir, "record"), loss, false); err != nil {
		return fmt.Errorf("reopened: %w", err)
	}
	record := filepath.Join(dir, "record.checkpoint")
	if _, err := os.Stat(record); err != nil {
		return nil
	}
	if err := sameAsRecord(filepath.Join(dir, "disk", "checkpoint"), record, nothingLost, true); err != nil {
		return fmt.Errorf("the checkpoint: %w", err)
	}
	return nil
}

// lossOf tells what may be lost when a process has ended that so many calls of a kind have failed.
func lossOf(kind string, failed uint64) faultLoss {
	if kind == "sync" && failed > 0 {
		return suffixLost
	}
	return loglessLost
}

func sameAsRecord(dir, record string, loss faultLoss, there bool) error {
	ops, err := readFaultRecord(record)
	if err != nil {
		return err
	}
	o := faultOptions()
	o.ErrorIfMissing = there
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	db, err := engine.Open(dir, o)
	if loss == suffixLost && errors.Is(err, engine.ErrCorruption) {
		// A log that was not synced is gone, and one behind it is there: what is durable is in neither.
		loss, o.AcceptDataLoss = holesToo, true
		db, err = engine.Open(dir, o)
	}
	if err != nil {
		return err
	}
	defer db.Close()
	errs, wrong := ops.read(db, loss)
	if len(errs) > 0 {
		return errs[0]
	}
	if wrong != nil {
		return fmt.Errorf("%w; %+v", wrong, db.Recovery())
	}
	return db.VerifyChecksums(nil)
}

// Whichever of its calls of the file system fails, once or from then on: each operation answers with a typed error or is
// done, the process neither ends nor hangs, Health says what a commit would, and after the reopen all that was
// acknowledged is there.
func TestWhicheverCallFailsNothingAcknowledgedIsLost(t *testing.T) {
	clean := fault{}.run(t)
	if clean.wrong != "" || clean.failed != 0 {
		t.Fatalf("without a fault: %d failed: %s", clean.failed, clean.wrong)
	}
	t.Logf("calls without a fault, of %v: %v", faultKinds, clean.counts)
	for kind, name := range faultKinds {
		if kind > 0 && clean.counts[kind] == 0 {
			t.Errorf("no call of the kind %s", name)
		}
	}
	if *faultRuns == 0 {
		everyFault(t)
		return
	}
	r, _ := seededRand(t, "fault.seed", *faultSeed)
	runs := *faultRuns
	if testing.Short() {
		runs = max(1, runs/4)
	}
	hit := 0
	for n := range runs {
		f := fault{kind: 1 + n%(len(faultKinds)-1), once: r.IntN(2) == 0, errno: []syscall.Errno{syscall.EIO, syscall.ENOSPC}[r.IntN(2)]}
		f.from = 1 + r.IntN(int(clean.counts[f.kind]))
		out := f.run(t)
		if out.wrong != "" {
			t.Errorf("%v: %s", f, out.wrong)
		}
		if out.failed > 0 {
			hit++
		}
	}
	t.Logf("%d of %d runs had a fault", hit, runs)
	if hit == 0 {
		t.Error("no call failed: the test shows nothing")
	}
}

// everyFault has the first call of each kind fail, then the second, and so on, until a run has none that fails.
func everyFault(t *testing.T) {
	for kind := 1; kind < len(faultKinds); kind++ {
		for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
			for _, once := range []bool{true, false} {
				f := fault{kind: kind, once: once, errno: errno}
				t.Run(fmt.Sprintf("%s/%d/once %v", faultKinds[kind], uintptr(errno), once), func(t *testing.T) {
					t.Parallel()
					t.Logf("%d runs", f.runEach(t))
				})
			}
		}
	}
}

// Before 8.9 RocksDB took a file whose first key it could not read for one of another range, and answered no error.
func TestWhicheverReadOfAnIngestionFailsItsRowsAreThereOrNot(t *testing.T) {
	for _, mode := range []string{"ingest", "ingest ranges", "ingest moved"} {
		f := fault{kind: 5, once: true, errno: syscall.EIO, mode: mode}
		reads := f.runEach(t) - 1
		if reads < 3 {
			t.Errorf("%s: no more than %d reads", mode, reads)
		}
		t.Logf("%s: %d reads failed", mode, reads)
	}
}

// The harness reports a write that is acknowledged though its sync failed, and a flush whose error nobody looked at; the
// first also where one of RocksDB's assertions ends the process.
func TestTheNthFailureTestNoticesALie(t *testing.T) {
	lies := []fault{{kind: 2, errno: syscall.EIO, mode: "lie stay"}, {kind: 4, errno: syscall.EIO, mode: "swallow stay"}}
	if endedByRocksDB(t, faultAssertion) {
		lies = append(lies, fault{kind: 2, errno: syscall.EIO, mode: "lie assert"})
	}
	for _, f := range lies {
		noticed := 0
		for f.from = 5; f.from < 60 && noticed == 0; f.from += 2 + rand.IntN(3) {
			if out := f.run(t); strings.Contains(out.wrong, "is lost") {
				t.Logf("%v: %s", f, out.wrong)
				noticed++
			}
		}
		if noticed == 0 {
			t.Errorf("%s was not noticed", f.mode)
		}
	}
}
