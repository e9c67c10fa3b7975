package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// workers are the calls of OpenAndCompact in this process.
var workers = &lane{width: gateDefault / 4, name: "workers"}

// OpenAndCompact does a compaction for the process that has the database in dir open: it is what an Options.Compactor has
// somebody call, in any process that sees the files, and in the same one too. Input is that of a CompactionJob. The new
// tables go into the folder output, which is made, or must be empty, and which the other process must know by the
// same path, in a file system from which it can move files into dir. What is returned goes back to it, as the Compactor's answer.
//
// o is that of Open, of which the family's operators, comparator, table options and Extra count, as Open would take them over; nil
// will do where the defaults do. All else is as the database's OPTIONS file says. The database in dir is only read.
//
// After an error nothing of it is left in output. ErrInvalidArgument for an input that is none, or damaged, or of another
// database, for a folder with something in it, and for options as in Open; ErrUnsupported for an operator that is not
// known here, for a database with blob files, and before RocksDB 10.11; ErrAborted with an *OperatorError if an operator
// written in Go failed. When ctx, which may be nil, ends, the call ends soon, with its error. 16 calls run at once in a
// process, others wait. It is safe for concurrent use.
func OpenAndCompact(ctx context.Context, dir, output string, input []byte, o *Options) ([]byte, error) {
	if o == nil {
		o = &Options{}
	}
	result, err := openAndCompact(ctx, dir, output, input, o)
	return result, describe(err, "open and compact", dir)
}

func openAndCompact(ctx context.Context, dir, output string, input []byte, o *Options) (result []byte, err error) {
	if !Supports(RemoteCompaction) {
		return nil, unsupported("", RemoteCompaction)
	}
	if err := errors.Join(validatePath(dir), validatePath(output)); err != nil {
		return nil, invalid("", "a directory's name is empty, contains a zero byte, or is too long")
	}
	// What has nothing to do with one family is not there for the worker.
	own := Options{FamilyOptions: o.FamilyOptions, Families: o.Families, BlockCacheSize: o.BlockCacheSize, Extra: o.Extra}
	if err := own.validate(); err != nil {
		return nil, err
	}
	if o.InMemory != nil || o.TimedRows {
		return nil, invalid("", "InMemory and TimedRows make no sense here")
	}
	job, err := parseJobInput(input)
	if err != nil {
		return nil, err
	}
	if err := job.isOf(dir); err != nil {
		return nil, err
	}
	if err := workers.acquire(ctx); err != nil {
		return nil, err
	}
	defer workers.release()
	if output, err = filepath.Abs(output); err != nil {
		return nil, fileError("", output, err)
	}
	undo, err := emptyFolder(output)
	if err != nil {
		return nil, err
	}
	result, err = job.run(ctx, dir, output, &own)
	if err != nil {
		undo()
	}
	return result, err
}

// isOf tells whether the database in dir is the job's, and one that a worker can compact.
func (j *jobInput) isOf(dir string) error {
	identity, err := identityOnDisk(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist): // of what no file names, RocksDB would begin a job of another database
		return invalid("", "there is no database, or it has no IDENTITY")
	case err != nil:
		return fileError("", filepath.Join(dir, "IDENTITY"), err)
	case identity != strings.TrimSpace(j.database):
		return invalid("", "the input is of another database")
	}
	if _, err := os.Stat(filepath.Join(dir, "CURRENT")); err != nil {
		return errMissing(err)
	}
	if hasBlobs(dir) {
		return dberr.New("", dberr.Unsupported, "there are blob files, which RocksDB would lose")
	}
	return nil
}

// emptyFolder makes a folder, or sees to it that nothing is in it; undo removes what has been put there.
func emptyFolder(dir string) (undo func(), err error) {
	switch err := os.Mkdir(dir, 0o755); {
	case err == nil:
		return func() { clearFolder(dir); os.Remove(dir) }, nil
	case !errors.Is(err, fs.ErrExist):
		return nil, fileError("", dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fileError("", dir, err)
	}
	if len(entries) > 0 {
		return nil, invalid("", "the folder for the tables is not empty")
	}
	return func() { clearFolder(dir) }, nil
}

// clearFolder removes what RocksDB has written into a worker's folder.
func clearFolder(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if name := e.Name(); isTableName(name) || isWorkersOwn(name) {
			os.Remove(filepath.Join(dir, name))
		}
	}
}

// isWorkersOwn tells whether a file beside the tables is one of RocksDB's.
func isWorkersOwn(name string) bool {
	return name == "LOG" || strings.HasPrefix(name, "LOG.old.") || name == "LOCK" || name == "IDENTITY"
}

// run makes the call.
func (j *jobInput) run(ctx context.Context, dir, output string, o *Options) ([]byte, error) {
	plan, err := cbridge.NewPlan(dir, o.plan())
	if err != nil {
		return nil, err
	}
	defer plan.Free()
	failures := &operatorFailures{}
	if err := j.planFamily(plan, dir, o, failures); err != nil {
		return nil, err
	}
	w, err := cbridge.NewWorker()
	if err != nil {
		return nil, err
	}
	defer w.Free()
	defer stopAt(ctx, w)()
	data, err := plan.OpenAndCompact(j.family, output, j.data, w)
	if ctx != nil && ctx.Err() != nil {
		return nil, dberr.FromContext("", ctx.Err())
	}
	if failed := failures.error(); failed != nil { // a filter that panicked keeps its rows, and says nothing
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	return j.result(output, data)
}

// stopAt stops w when ctx, which may be nil, ends, until the function that it gives is called.
func stopAt(ctx context.Context, w *cbridge.Worker) (done func()) {
	if ctx == nil {
		return func() {}
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		w.Stop()
	})
	return func() {
		if !stop() {
			<-stopped
		}
	}
}

// planFamily gives the plan the job's family, as Open would.
func (j *jobInput) planFamily(plan *cbridge.Plan, dir string, o *Options, failures *operatorFailures) error {
	disk, err := readOptionsFile(dir)
	if err != nil {
		return err
	}
	if disk == nil {
		return dberr.New("", dberr.NotFound, "the database has no OPTIONS file")
	}
	if err := o.timesAgree(disk, j.family); err != nil {
		return describeFamily(err, j.family)
	}
	if what := disk.unknownOperator(j.family, o.family(j.family)); what != "" {
		return describeFamily(dberr.New("", dberr.Unsupported, what+" is not known here"), j.family)
	}
	if o.Extra != "" {
		if err := plan.Extra(o.Extra); err != nil {
			return err
		}
	}
	_, err = planFamily(plan, o, disk, j.family, failures)
	return err
}

// result looks at what was written.
func (j *jobInput) result(output string, data []byte) ([]byte, error) {
	r := jobResult{nonce: j.nonce, output: output, data: data}
	entries, err := os.ReadDir(output)
	if err != nil {
		return nil, fileError("", output, err)
	}
	for _, e := range entries {
		if isWorkersOwn(e.Name()) {
			os.Remove(filepath.Join(output, e.Name())) // so that the folder is empty once the tables have moved
			continue
		}
		if !isTableName(e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fileError("", filepath.Join(output, e.Name()), err)
		}
		r.tables = append(r.tables, jobTable{e.Name(), uint64(info.Size())})
	}
	return r.append(nil), nil
}
