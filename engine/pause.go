package engine

import (
	"context"
	"log/slog"
	"runtime"
	"sync"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// BackgroundPause keeps RocksDB from flushing and compacting by itself. It is safe for concurrent use. A nil or zero
// one answers as one whose database is closed.
type BackgroundPause struct {
	hold    *pauseHold
	cleanup runtime.Cleanup
}

// pauseHold is the part of a BackgroundPause that the database knows.
type pauseHold struct {
	db    *DB
	ended bool // under pauses.mu
}

// pauses is what a database knows of its pauses. RocksDB waits for the end of a pause in every call that flushes and
// waits for that. So these calls are counted: a pause begins when there is none, and until its end they are refused.
type pauses struct {
	mu      sync.Mutex
	held    map[*pauseHold]bool
	asking  int           // that wait for the calls
	calls   int           // that need RocksDB's threads
	closed  bool          // the database is being closed
	changed chan struct{} // closed when calls has come to 0, or closed has changed; nil: nobody waits
}

// PauseBackground waits until no flush and no compaction runs, and keeps RocksDB from beginning any: a time for reading
// from a disk, or copying files, undisturbed. It lasts until Continue of what it returns, at the latest until Close;
// several may be held, and the last one to end counts. One that is garbage is ended, and reported as other handles are.
//
// Readers go on meanwhile, and so do writers, until the memtables are full: then they wait, as in any stall. What would
// wait for a flush or a compaction answers ErrBusy: Flush, Compact, Checkpoint, Ingest and what loads in bulk (but
// with NoFlush), ExportFiles, Resume, WaitForCompact, and a backup with Flush. CompactFiles runs.
//
// The calls just named that are under way are waited for, until ctx, which may be nil, ends. ErrReadOnly on a database
// that is open for reading only; ErrUnsupported before RocksDB 11.6 without the build tag rb_cxx.
func (d *DB) PauseBackground(ctx context.Context) (*BackgroundPause, error) {
	h, err := d.pauseBackground(ctx)
	if err != nil {
		return nil, d.describe(err, "pause background")
	}
	p := &BackgroundPause{hold: h}
	p.cleanup = runtime.AddCleanup(p, (*pauseHold).lost, h)
	return p, nil
}

func (d *DB) pauseBackground(ctx context.Context) (*pauseHold, error) {
	if err := d.enterWrite(ctx, opPause); err != nil {
		return nil, err
	}
	h := &pauseHold{db: d}
	err := error(nil)
	if !Supports(PauseBackground) {
		err = unsupported("pause background", PauseBackground)
	}
	if err == nil {
		err = d.pauses.ask(ctx)
	}
	if err == nil {
		if err = d.guard.lanes.enterWork(ctx); err != nil {
			d.pauses.give()
		}
	}
	if err != nil {
		d.guard.leave(opPause)
		return nil, err
	}
	return h, detached{
		call: func() error {
			if d.observed() {
				defer d.observe(ctx, opPause, nil, noKey)()
			}
			err := d.c.PauseBackground()
			return d.pauses.settle(h, err)
		},
		undo: func() { _ = h.end() }, // nobody has it
		end: func(bool) {
			d.guard.lanes.leaveWork()
			d.guard.leave(opPause)
		},
	}.run(ctx)
}

// Continue ends the pause. Again it does nothing, and answers nil. ErrClosed on a database that is closed, which has
// ended it.
func (p *BackgroundPause) Continue() error {
	if p == nil || p.hold == nil {
		return ErrClosed
	}
	d := p.hold.db
	if err := d.enter(nil, opPause); err != nil {
		return err
	}
	defer d.guard.leave(opPause)
	p.cleanup.Stop()
	return d.describe(p.hold.end(), "continue background")
}

// end ends the pause in C, once. The database is open.
func (h *pauseHold) end() error {
	p := &h.db.pauses
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.ended {
		return nil
	}
	h.ended = true
	delete(p.held, h)
	return h.db.c.ContinueBackground()
}

// lost ends a pause that is garbage.
func (h *pauseHold) lost() {
	if h.db.enter(nil, opPause) != nil {
		return
	}
	defer h.db.guard.leave(opPause)
	say(h.db.log, slog.LevelWarn, "rockbridge: a handle was garbage before it was closed",
		slog.String("kind", "pause"), slog.String("db", h.db.path))
	_ = h.end()
}

// begin begins a call that needs RocksDB's threads. ErrBusy while there is a pause, or somebody waits for one.
func (p *pauses) begin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed && (p.asking > 0 || len(p.held) > 0) {
		return errPaused()
	}
	p.calls++
	return nil
}

func errPaused() error { return dberr.New("", dberr.Busy, "the background work is paused") }

// active tells whether there is a pause.
func (p *pauses) active() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held) > 0
}

// done ends a call that begin let in.
func (p *pauses) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls--
	if p.calls == 0 {
		p.tell()
	}
}

// tell wakes who waits.
func (p *pauses) tell() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// ask waits until no call needs RocksDB's threads, and lets none begin until settle or give.
func (p *pauses) ask(ctx context.Context) error {
	var gone <-chan struct{}
	if ctx != nil {
		gone = ctx.Done()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking++
	for p.calls > 0 && !p.closed {
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
			p.mu.Lock()
		case <-gone:
			p.mu.Lock()
			p.asking--
			return dberr.FromContext("", ctx.Err())
		}
	}
	if p.closed {
		p.asking--
		return ErrClosed
	}
	return nil
}

// give gives up what ask began.
func (p *pauses) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking--
}

// settle notes what came of a pause that was asked for. One that comes while the database is being closed is ended.
func (p *pauses) settle(h *pauseHold, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking--
	switch {
	case err != nil:
		h.ended = true
		return err
	case p.closed:
		h.ended = true
		_ = h.db.c.ContinueBackground()
		return ErrClosed
	}
	if p.held == nil {
		p.held = map[*pauseHold]bool{}
	}
	p.held[h] = true
	return nil
}

// close ends all pauses, and lets no more begin: RocksDB waits for them at its end, and so do calls that are waited for.
func (p *pauses) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.tell()
	for h := range p.held {
		h.ended = true
		_ = h.db.c.ContinueBackground()
	}
	p.held = nil
}
