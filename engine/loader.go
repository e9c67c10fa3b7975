package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// Loader loads rows into a family, all or none. Rows that come in ascending order go straight into table
// files; from the first that does not on, rows are sorted, in memory and in files. Finish ingests all
// table files in one call: until then nobody sees a row, and if the process dies, the database is as it
// was. Neither the write-ahead log nor the memtables have a part in it. Rows replace those that the family
// has.
//
// One goroutine at a time; others wait. A nil, zero, finished or closed Loader answers ErrClosed, and so
// does one whose database is closed. It must be closed. What a process that died leaves in the load's
// folder is removed by the next load into the same database, or taken over: see Resume.
type Loader struct {
	mu sync.Mutex
	s  *loadState // nil: zero
}

// loadState is a load.
type loadState struct {
	ctx    context.Context
	cf     *ColumnFamily
	o      *BulkLoadOptions
	recipe *recipe
	folder string

	rows   *packer    // while the input is sorted
	tables *tableSink //
	names  int        // given to runs so far

	sorting bool
	base    []SSTInfo // table files from before
	arena   *rowArena // that rows go into
	spare   *rowArena // nil: it is being sorted
	spilled chan spill
	runs    []run

	note  *loadNotes
	stats LoadStats
	err   error
	ended bool
	safe  bool // nothing in the folder is needed any more
}

// spill is an arena that has become a run.
type spill struct {
	arena *rowArena
	run   run
	rows  uint64 // of the input, that have come so far
	err   error
}

// NewLoader begins a bulk load into the family. ctx, which may be nil, covers the whole load. See Loader.
func (c *ColumnFamily) NewLoader(ctx context.Context, o *BulkLoadOptions) (*Loader, error) {
	if c == nil || c.db == nil {
		return nil, ErrClosed
	}
	if ctx == nil {
		ctx = context.Background()
	}
	s, err := c.newLoad(ctx, o)
	if err != nil {
		return nil, c.describe(err, "new loader", nil)
	}
	return &Loader{s: s}, nil
}

func (c *ColumnFamily) newLoad(ctx context.Context, o *BulkLoadOptions) (*loadState, error) {
	if err := ctx.Err(); err != nil {
		return nil, dberr.FromContext("", err)
	}
	o, err := o.validate()
	if err != nil {
		return nil, err
	}
	if err := c.bytewiseOnly(""); err != nil {
		return nil, err
	}
	s := &loadState{ctx: ctx, cf: c, o: o}
	if s.recipe, err = c.recipe(); err != nil {
		return nil, err
	}
	if err := s.begin(); err != nil {
		s.recipe.free()
		return nil, err
	}
	return s, nil
}

// begin makes the folder, or takes one over, and what rows go into.
func (s *loadState) begin() (err error) {
	if s.cf.db.readOnly {
		return dberr.New("", dberr.ReadOnly, "")
	}
	if s.cf.db.tx.mode != NoTx {
		return errUnlocked()
	}
	var keep func(string) bool
	if s.o.Resume {
		keep = s.mayResume
	}
	if s.folder, err = s.cf.db.loads.begin(s.cf.db.path, s.o.TempDir, keep); err != nil {
		return err
	}
	if s.note == nil {
		if s.note, err = newNotes(s.folder, s.cf.name, s.o.Keep || s.o.Resume); err != nil {
			return errors.Join(err, s.cf.db.loads.end(s.folder, false))
		}
	}
	s.tables = &tableSink{
		recipe: s.recipe, dir: s.folder, target: uint64(s.o.TargetFileSize), noted: s.note.table,
		files: s.base, made: len(s.base), consumed: s.stats.Skipped,
	}
	s.rows = newPacker(s.o, int(min(loadBatch, s.o.Memory/4)), s.tables.add)
	s.rows.put = s.stats.Skipped
	s.stats.Rows, s.stats.Runs = s.stats.Skipped, len(s.runs)
	for _, r := range s.runs {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(r.Path), "%d.run", &n); err == nil {
			s.names = max(s.names, n)
		}
	}
	if n := len(s.base); n > 0 {
		s.rows.floor = s.base[n-1].Largest
	}
	if len(s.runs) > 0 {
		s.beginSorting()
	}
	return nil
}

// Resumed is how many rows at the beginning of the input an earlier load has dealt with; they must not
// be added again. 0 without Resume.
func (l *Loader) Resumed() uint64 { return l.Stats().Skipped }

// Stats tell what has become of the load so far; after Finish, of all of it. Zero for a zero Loader.
func (l *Loader) Stats() LoadStats {
	if l == nil {
		return LoadStats{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.s == nil {
		return LoadStats{}
	}
	return l.s.stats
}

// lock gives the load that is in use, locked; nil if it is not.
func (l *Loader) lock() *loadState {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	if l.s == nil || l.s.ended || l.s.cf.db.guard.closing.Load() {
		l.mu.Unlock()
		return nil
	}
	return l.s
}

// Add adds a row, which is copied. ErrTooLarge beyond MaxKeySize and MaxValueSize; ErrInvalidArgument as
// Sorted and Unique ask for it, where what comes twice may only be found by a later call; ErrNoSpace and
// other errors of files, here or in a later call. After an error the load has failed: every call answers
// it again, and nothing will be loaded.
func (l *Loader) Add(key, value []byte) error {
	s := l.lock()
	if s == nil {
		return ErrClosed
	}
	defer l.mu.Unlock()
	if s.err == nil {
		s.err = s.describe(s.add(key, value), key)
	}
	return s.err
}

func (s *loadState) describe(err error, key []byte) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); !ok || e.Code != dberr.InvalidArgument && e.Code != dberr.TooLarge {
		key = nil
	}
	return s.cf.describe(err, "bulk load", key)
}

func (s *loadState) add(key, value []byte) error {
	if err := checkSizes(key, value); err != nil {
		return err
	}
	if s.stats.Rows%1024 == 0 {
		if err := s.ctx.Err(); err != nil {
			return dberr.FromContext("", err)
		}
	}
	s.stats.Rows++
	if !s.sorting {
		err := s.rows.add(key, value)
		if err != errUnsorted {
			return err
		}
		if s.o.Sorted {
			return invalid("", "Sorted is set, and the key is below the one before")
		}
		if err := s.startSorting(); err != nil {
			return err
		}
	}
	if s.arena.size > 0 && int64(s.arena.size+s.arena.room(key, value)) > s.o.Memory/2 {
		if err := s.spill(s.stats.Rows - 1); err != nil {
			return err
		}
	}
	s.arena.add(key, value, s.o.block())
	return nil
}

// startSorting ends the part of the input that was sorted. What is not yet in a file is sorted anew.
func (s *loadState) startSorting() error {
	if len(s.tables.files) == 0 && s.tables.spare == nil { // nothing has gone to the tables
		s.beginSorting()
		for at := 0; at < len(s.rows.buf); {
			var key, value []byte
			key, value, at = rowAt(s.rows.buf, at)
			s.arena.add(key, value, s.o.block())
		}
		s.rows.buf = nil
		return nil
	}
	if err := s.rows.flush(); err != nil {
		return err
	}
	if err := s.tables.finish(); err != nil {
		return err
	}
	s.beginSorting()
	return nil
}

func (s *loadState) beginSorting() {
	s.sorting = true
	s.base, s.tables.files = s.tables.files, nil
	s.arena, s.spare = &rowArena{}, &rowArena{}
}

// spill has the arena sorted and written as a run, in a goroutine, and goes on in the other one.
func (s *loadState) spill(rows uint64) error {
	if err := s.waitSpill(); err != nil {
		return err
	}
	full := s.arena
	s.arena, s.spare = s.spare, nil
	path := s.newRun()
	s.spilled = make(chan spill, 1)
	go func(done chan<- spill) {
		full.sort()
		r, err := s.writeRun(path, full.source())
		full.reset()
		done <- spill{full, r, rows, err}
	}(s.spilled)
	return nil
}

func (s *loadState) newRun() string {
	s.names++
	return filepath.Join(s.folder, fmt.Sprintf("%06d.run", s.names))
}

// waitSpill waits for the run under way.
func (s *loadState) waitSpill() error {
	if s.spilled == nil {
		return nil
	}
	done := <-s.spilled
	s.spilled, s.spare = nil, done.arena
	if done.err != nil {
		return done.err
	}
	s.runs = append(s.runs, done.run)
	s.stats.Runs++
	return s.note.run(done.run, done.rows)
}

// writeRun writes a run of rows that come sorted.
func (s *loadState) writeRun(path string, rows rowSource) (run, error) {
	w, err := newRunWriter(path)
	if err != nil {
		return run{}, err
	}
	p := newPacker(s.o, s.o.block(), w.add)
	if err := s.copy(p, rows); err != nil {
		w.file.Close()
		return run{}, err
	}
	return w.finish(s.o.Keep || s.o.Resume)
}

// copy packs all rows of a source.
func (s *loadState) copy(p *packer, rows rowSource) error {
	for n := 0; ; n++ {
		more, err := rows.next()
		switch {
		case err != nil:
			return err
		case !more:
			return p.flush()
		}
		if n%4096 == 0 && s.ctx.Err() != nil {
			return dberr.FromContext("", s.ctx.Err())
		}
		if err := p.add(rows.row()); err != nil {
			return err
		}
	}
}

// Finish ends the load: it sorts what is left, writes the last table files and ingests all of them, as
// ColumnFamily.Ingest does. When it has returned nil, the rows are there, and durable. No row at all is
// fine. An error before the files are ingested leaves the database as it was; where the context ends
// while that is under way, the error says that the outcome is unknown. Only Close may follow.
func (l *Loader) Finish() error {
	s := l.lock()
	if s == nil {
		return ErrClosed
	}
	defer l.mu.Unlock()
	if s.err == nil {
		s.err = s.describe(s.finish(), nil)
	}
	_ = s.end() // a folder that cannot be removed is left to the next load: the rows are there
	return s.err
}

func (s *loadState) finish() error {
	if s.sorting {
		if err := s.merge(); err != nil {
			return err
		}
	} else {
		s.stats.Sorted = true
		if err := s.rows.flush(); err != nil {
			return err
		}
	}
	if err := s.tables.finish(); err != nil {
		return err
	}
	s.stats.Files = len(s.tables.files)
	var paths []string
	for _, f := range s.tables.files {
		paths = append(paths, f.Path)
		s.stats.Bytes += f.Size
		s.stats.Stored += f.Entries
	}
	if len(paths) == 0 {
		s.safe = true
		return nil
	}
	if err := s.note.ingesting(); err != nil {
		return err
	}
	s.safe = true
	return s.cf.Ingest(s.ctx, paths, &IngestOptions{Move: true, Trusted: true})
}

// merge writes table files of everything.
func (s *loadState) merge() error {
	if err := s.waitSpill(); err != nil {
		return err
	}
	s.spare = nil
	if err := s.mergeRuns(); err != nil {
		return err
	}
	var sources []rowSource
	defer func() {
		for _, one := range sources {
			one.close()
		}
	}()
	if len(s.base) > 0 {
		t, err := openTables(filepath.Join(s.folder, "base"), s.base, s.recipe.ops)
		if err != nil {
			return err
		}
		sources = append(sources, t)
	}
	for _, r := range s.runs {
		one, err := openRun(r)
		if err != nil {
			return err
		}
		sources = append(sources, one)
	}
	s.arena.sort()
	sources = append(sources, s.arena.source())
	s.rows = newPacker(s.o, int(min(loadBatch, s.o.Memory/4)), s.tables.add)
	s.tables.noted = nil
	if len(sources) == 1 {
		return s.copy(s.rows, sources[0])
	}
	return s.copy(s.rows, newMerger(sources))
}

// mergeRuns merges runs into fewer until all can be merged at once. Neighbours stay neighbours, as the
// later row wins.
func (s *loadState) mergeRuns() error {
	for n := s.o.fanIn(); len(s.runs) > n; {
		var merged []run
		for group := range slices.Chunk(s.runs, n) {
			r, err := s.mergeGroup(group)
			if err != nil {
				return err
			}
			merged = append(merged, r)
		}
		s.runs = merged
	}
	return nil
}

func (s *loadState) mergeGroup(group []run) (run, error) {
	if len(group) == 1 {
		return group[0], nil
	}
	m := newMerger(nil)
	defer func() { m.close() }()
	var sources []rowSource
	for _, r := range group {
		one, err := openRun(r)
		if err != nil {
			newMerger(sources).close()
			return run{}, err
		}
		sources = append(sources, one)
	}
	m = newMerger(sources)
	merged, err := s.writeRun(s.newRun(), m)
	if err != nil {
		return run{}, err
	}
	s.stats.Merges++
	return merged, s.note.merged(group, merged)
}

// Close ends the load. What was not finished is given up, and removed unless Keep is set. It is
// idempotent, and nil after Finish: fit for defer.
func (l *Loader) Close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.s == nil || l.s.ended {
		return nil
	}
	return l.s.end()
}

// end frees everything.
func (s *loadState) end() error {
	s.ended = true
	s.waitSpill()
	s.tables.abandon()
	s.recipe.free()
	s.note.close()
	s.arena, s.spare, s.rows = nil, nil, nil
	return s.cf.describe(s.cf.db.loads.end(s.folder, s.o.Keep && !s.safe), "bulk load", nil)
}
