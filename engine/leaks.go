package engine

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// What the garbage collector finds that was never closed. A handle of the user's has an inner part,
// which the database lists; nothing inside refers to the handle, so that the collector can tell when
// its user has lost it. Its inner part is then freed: no call can be under way, since a call holds the
// handle, and none can follow.

// abandoned is the inner part of a handle.
type abandoned interface {
	// abandon frees the C side under the guard, and reports whether there was something to free.
	abandon() bool
	// report says what was lost.
	report() lost
}

// lost is a handle that was collected without Close.
type lost struct {
	db *DB
	c  *child
}

// watch has a handle that is collected before its Close reported, and its inner part freed.
func watch[T any](handle *T, c *child, inner abandoned) {
	c.cleanup = runtime.AddCleanup(handle, collected, inner)
}

// collected runs when the handle of inner is gone.
func collected(inner abandoned) {
	if !inner.abandon() {
		return // its database's Close counts it, or did
	}
	l := inner.report()
	l.db.children.lose(l.c)
	attrs := []slog.Attr{
		slog.String("kind", childNames[l.c.kind]), slog.String("db", l.db.path), slog.Duration("age", age(l.c.since)),
	}
	if s := l.c.record.stack(); s != "" {
		attrs = append(attrs, slog.String("made_at", s))
	}
	say(l.db.log, slog.LevelWarn, "rockbridge: a handle was garbage before it was closed", attrs...)
}

// say logs, to the default logger if there is none. A handler that panics must not end the process from
// a goroutine that is none of its owner's.
func say(l *slog.Logger, level slog.Level, msg string, attrs ...slog.Attr) {
	defer func() { _ = recover() }()
	if l == nil {
		l = slog.Default()
	}
	l.LogAttrs(context.Background(), level, msg, attrs...)
}

// lose counts a handle that was collected without Close.
func (l *children) lose(c *child) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rbdebug.On {
		stacks := l.stacks.Of()
		*stacks = append(*stacks, c.whence())
	}
	l.lost[c.kind]++
}

// whence tells where a handle was made, in the debug build.
func (c *child) whence() string { return childNames[c.kind] + " made by\n" + c.made.Of().String() }

func (o *iterOwner) report() lost { return lost{o.cf.db, &o.child} }

func (o *iterOwner) abandon() bool {
	if o.Enter(nil) != nil {
		return false
	}
	defer o.Leave()
	o.cf.db.children.remove(&o.child)
	o.freeC()
	return true
}

func (s *snapshotState) report() lost { return lost{s.db, &s.child} }

func (s *snapshotState) abandon() bool {
	if s.db.guard.enter(nil, opSnapshot) != nil {
		return false
	}
	defer s.db.guard.leave(opSnapshot)
	if s.closed.Swap(true) {
		return false
	}
	s.release()
	return true
}

func (s *indexedState) report() lost { return lost{s.db, &s.child} }

func (s *indexedState) abandon() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db.guard.enter(nil, opBatch) != nil {
		return false
	}
	defer s.db.guard.leave(opBatch)
	if s.closed {
		return false
	}
	s.closed = true
	s.db.children.remove(&s.child)
	s.freeIndex()
	return true
}

// lostDatabases counts those that were collected without Close, in this process.
var lostDatabases atomic.Uint64

// remains is what is left of a database that was collected. It must not refer to the DB.
type remains struct {
	c       *cbridge.DB
	open    *atomic.Int64
	path    string
	log     *slog.Logger
	follow  *follower
	watched *watched
	leave   func() // the files in memory
}

// newCount is what remains of the list of handles.
func newCount() *atomic.Int64 { return new(atomic.Int64) }

// watchDB has a database that is collected before its Close reported and closed. It ends its opening.
func (d *DB) watchDB() {
	if d.log != nil && !d.readOnly && d.files == nil {
		d.follow = follow(d.path, d.log)
	}
	d.watched = new(watched)
	d.watched.born("database")
	d.watched.cleanup = runtime.AddCleanup(d, (*remains).bury, &remains{
		c: d.c, open: d.children.open, path: d.path, log: d.log, follow: d.follow, watched: d.watched,
		leave: d.files.leaving(d.path, d.readOnly),
	})
}

// bury closes the C side, which gives its lock and its memory back, unless handles of it live on in C:
// closing it would pull the memory from under them. It waits for compactions, hence the goroutine.
func (r *remains) bury() {
	lostDatabases.Add(1)
	open := r.open.Load()
	attrs := []slog.Attr{
		slog.String("kind", "database"), slog.String("db", r.path), slog.Duration("age", age(r.watched.since)),
		slog.Bool("freed", open == 0),
	}
	if s := r.watched.record.stack(); s != "" {
		attrs = append(attrs, slog.String("made_at", s))
	}
	say(r.log, slog.LevelWarn, "rockbridge: a handle was garbage before it was closed", attrs...)
	r.watched.buried()
	go func() {
		if open == 0 {
			r.c.Close()
			r.leave()
		}
		r.follow.stop()
	}()
}
