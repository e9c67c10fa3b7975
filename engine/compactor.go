package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// ErrCompactHere is what an Options.Compactor answers for a job that it does not take: RocksDB does it itself.
var ErrCompactHere = errors.New("rockbridge: the compaction is to be done here")

// CompactionJob is a compaction that RocksDB is about to do, or one of the parts that it does side by side.
type CompactionJob struct {
	// ID is letters, digits and hyphens, and no other job of any database has it: a name for a folder.
	ID string
	// Input is what OpenAndCompact takes, and belongs to the receiver. It has no keys or values but bounds of the job, and is in
	// no format but rockbridge's own.
	Input []byte

	Dir                string // of the database, as Open was given it
	Family             string
	Reason             string // why, in RocksDB's words
	Level, OutputLevel int    // the uppermost that it reads, and the one that it writes
	Full               bool   // all files of the family are in it
	Manual             bool   // by Compact or CompactFiles
	Bottommost         bool   // nothing lies below it
}

// validateCompactor refuses a Compactor where RocksDB could not use what it answers.
func (o *Options) validateCompactor() error {
	if o.Compactor == nil || o.ReadOnly {
		return nil
	}
	extras := []string{o.Extra, o.FamilyOptions.Extra}
	for _, f := range o.Families {
		extras = append(extras, f.Extra)
	}
	elsewhere := func(extra string) bool {
		settings := settingsOf(extra)
		return settings["db_paths"]+settings["cf_paths"] != ""
	}
	switch {
	case !Supports(RemoteCompaction):
		return describeOption(unsupported("open", RemoteCompaction), "Compactor")
	case o.InMemory != nil:
		return invalid("open", "Compactor and InMemory exclude each other: nobody else sees the files")
	case o.TimedRows:
		return invalid("open", "Compactor and TimedRows exclude each other: a worker does not know the times")
	case o.Disk != nil:
		return invalid("open", "Compactor and Disk exclude each other: the budget does not see the files of workers")
	case offByName(o.Extra, "write_identity_file"):
		return invalid("open", "Compactor excludes write_identity_file=false: by that file a worker knows the database")
	case slices.ContainsFunc(extras, elsewhere):
		return invalid("open", "Compactor excludes db_paths and cf_paths: its tables are moved into the database's folder")
	}
	return nil
}

// remoteJobs are the compactions of a database that are done elsewhere. nil: there are none.
//
// Whatever goes wrong with a job, RocksDB is told to do it itself: told of a failure, it would take no more writes. And it
// is given nothing but what OpenAndCompact made of this very job, whole, with tables that can be moved: a result of
// another job it would take for the right one, and rows would be lost.
type remoteJobs struct {
	db     *DB
	do     func(context.Context, CompactionJob) ([]byte, error)
	ctx    context.Context // ends when the database is being closed
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	held   int // so many want that no compaction by hand is away
	manual map[uint64]context.CancelCauseFunc
	moving map[uint64]jobResult // given to RocksDB
}

// handJobs has the plan's database ask o's Compactor, if there is one.
func (d *DB) handJobs(plan *cbridge.Plan, o *Options) {
	if o.Compactor == nil || o.ReadOnly {
		return
	}
	r := &remoteJobs{db: d, do: o.Compactor, manual: map[uint64]context.CancelCauseFunc{}, moving: map[uint64]jobResult{}}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	d.jobs = r
	plan.Compactor(&cbridge.Compactor{Name: "rockbridge.Compactor", Compact: r.compact, Ended: r.ended, Cancelled: r.end})
}

// end calls all jobs back, and those to come: RocksDB says when it is being closed.
func (r *remoteJobs) end() { r.cancel(ErrClosed) }

// hold calls back those by hand, and those to come until release: RocksDB waits for them before it stops one.
func (r *remoteJobs) hold() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held++
	for _, cancel := range r.manual {
		cancel(errJobStopped)
	}
}

func (r *remoteJobs) release() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held--
}

var (
	errJobStopped = dberr.New("", dberr.Aborted, "the compaction was stopped")
	errJobAlone   = errors.New("the call ended its goroutine")
)

// pauseCompaction stops compactions by hand, also those that are away, until resumeCompaction.
func (d *DB) pauseCompaction() {
	d.jobs.hold()
	d.c.PauseCompaction()
}

func (d *DB) resumeCompaction() {
	d.c.ResumeCompaction()
	d.jobs.release()
}

// begin gives the context of a job; false: it is not handed out.
func (r *remoteJobs) begin(j *cbridge.Job) (context.Context, context.CancelCauseFunc, bool) {
	ctx, cancel := context.WithCancelCause(r.ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil || j.Manual && r.held > 0 || !r.db.mayLeave(j.Family) {
		cancel(nil)
		return nil, nil, false
	}
	if j.Manual {
		r.manual[j.Serial] = cancel
	}
	return ctx, cancel, true
}

// mayLeave tells whether jobs of a family are handed out: RocksDB's result of a job does not name the blob files that the new
// tables refer to, and it would delete them. Nor those of families with timestamps, and none before Open is done.
func (d *DB) mayLeave(family string) bool {
	families := d.families.Load()
	if families == nil {
		return false
	}
	for _, c := range *families {
		if c.name == family {
			return !c.ops.c.Stamped && !c.blobs.Load() && !hasBlobs(d.path)
		}
	}
	return false
}

// hasBlobs tells whether there are blob files in a folder; it is said of one that cannot be read.
func hasBlobs(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err != nil || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return filepath.Ext(e.Name()) == ".blob" })
}

// compact is called on RocksDB's thread, which waits. nil: RocksDB is to do it.
func (r *remoteJobs) compact(j cbridge.Job) []byte {
	reason := CompactionBegun.reason(j.Reason)
	j.Manual = j.Manual || reason == "by hand" // RocksDB does not say it of chosen files
	ctx, cancel, ok := r.begin(&j)
	if !ok {
		return nil
	}
	defer cancel(nil)
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.manual, j.Serial)
	}()
	nonce := newNonce()
	job := CompactionJob{
		ID:    fmt.Sprintf("%s-%s-%d", fileNameOf(j.Database), fileNameOf(j.Session), j.Number),
		Input: jobInput{nonce, j.Database, j.Family, j.Input}.append(nil),
		Dir:   r.db.path, Family: j.Family, Reason: reason, Level: j.From, OutputLevel: j.To,
		Full: j.Full, Manual: j.Manual, Bottommost: j.Bottommost,
	}
	results := make(chan jobResult)
	go r.ask(ctx, job, nonce, results)
	select {
	case result := <-results:
		if len(result.data) > 0 {
			r.mu.Lock()
			r.moving[j.Serial] = result
			r.mu.Unlock()
		}
		return result.data
	case <-ctx.Done():
		return nil
	}
}

// ask calls the program's function, and gives away one result, empty if there is none. Whoever waits for it may leave.
func (r *remoteJobs) ask(ctx context.Context, job CompactionJob, nonce jobNonce, results chan<- jobResult) {
	var answer []byte
	err := errJobAlone
	defer func() {
		if cause := recover(); cause != nil {
			r.db.operatorFailures.first.CompareAndSwap(nil, &OperatorError{"Options.Compactor", job.Family, cause, debug.Stack()})
			answer, err = nil, fmt.Errorf("it panicked: %v", cause)
		}
		result, err := r.usable(answer, nonce, err)
		if err != nil && !errors.Is(err, ErrCompactHere) && ctx.Err() == nil {
			say(r.db.log, slog.LevelWarn, "rockbridge: a compaction is done here, as the Compactor failed",
				slog.String("job", job.ID), slog.String("family", job.Family), slog.Any("error", err))
		}
		select {
		case results <- result:
		case <-ctx.Done():
			result.discard()
		}
	}()
	answer, err = r.do(ctx, job)
}

// usable is what can be given to RocksDB of an answer; nothing, and why, if it cannot.
func (r *remoteJobs) usable(answer []byte, nonce jobNonce, err error) (jobResult, error) {
	if err != nil {
		return jobResult{}, err
	}
	result, err := parseJobResult(answer)
	if err == nil && result.nonce != nonce {
		err = invalid("", "it is the result of another job") // whose files are not to be discarded
	}
	if err != nil {
		return jobResult{}, err
	}
	if err := result.movable(r.db.path); err != nil {
		result.discard()
		return jobResult{}, err
	}
	return result, nil
}

// ended is told by RocksDB that it has moved the tables of a job, or not.
func (r *remoteJobs) ended(serial uint64, moved bool) {
	r.mu.Lock()
	result := r.moving[serial]
	delete(r.moving, serial)
	r.mu.Unlock()
	if !moved {
		say(r.db.log, slog.LevelWarn, "rockbridge: RocksDB did not take the result of a Compactor", slog.String("output", result.output))
	}
	result.discard()
}

// movable tells whether all tables are there and can be moved into dir: where RocksDB finds that it cannot, it takes no
// more writes.
func (j *jobResult) movable(dir string) error {
	for _, f := range j.tables {
		info, err := os.Lstat(filepath.Join(j.output, f.name))
		switch {
		case err != nil:
			return fileError("", filepath.Join(j.output, f.name), err)
		case !info.Mode().IsRegular() || uint64(info.Size()) != f.size:
			return invalid("", fmt.Sprintf("%s has not the %d bytes that the worker wrote", f.name, f.size))
		}
	}
	probe := fmt.Sprintf("rockbridge.probe-%x", j.nonce)
	from, to := filepath.Join(j.output, probe), filepath.Join(dir, probe)
	defer os.Remove(from)
	defer os.Remove(to)
	err := os.WriteFile(from, nil, 0o600)
	if err == nil {
		err = os.Rename(from, to)
	}
	if err != nil {
		return fileError("", j.output, err)
	}
	return nil
}

// discard removes the tables, and the folder if nothing else is in it.
func (j *jobResult) discard() {
	if j.output == "" {
		return
	}
	for _, f := range j.tables {
		os.Remove(filepath.Join(j.output, f.name)) // RocksDB may have moved it
	}
	os.Remove(j.output)
}
