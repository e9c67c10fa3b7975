package engine

import (
	"context"
	"runtime"
	"sync"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// Limits of what is written together: beyond them commits wait for the next group. A write-ahead log
// with larger records takes more memory to recover from.
const (
	groupBytes   = 1 << 20
	groupCommits = 4096
	joinBytes    = 128 << 10 // a larger batch is not copied into a group: it is one by itself
)

// committer brings commits with the same flags to RocksDB. Who finds nobody at it goes into C directly,
// unless it may have to leave; the others gather in groups, which a goroutine then writes one after the
// other, so that no thread waits and a caller may leave. At most one call is in C, so it takes no lane.
type committer struct {
	write  func(flags uint32, rep []byte) error // the call into C for a batch
	flags  uint32
	counts *commitCounters
	syncer *syncer // knows whether a sync has failed
	behind bool    // the syncer makes durable what was written, not the write itself

	mu          sync.Mutex
	busy        bool
	closed      bool
	first, last *commitGroup
	spare       []byte       // memory for a group
	spareParts  []commitPart //
}

// commitGroup is commits that are written together.
type commitGroup struct {
	rep    []byte // in RocksDB's format
	count  uint32
	parts  []commitPart
	left   int  // parts that did not leave
	lent   bool // rep is the caller's
	taken  bool // it is being written: nobody joins, and who leaves does not know the outcome
	done   chan struct{}
	err    error // once done is closed
	behind *commitGroup
}

// commitPart is the records of one commit in a group.
type commitPart struct {
	at, size int
	count    uint32
}

// pending is a commit as the committer sees it. Its functions are called before it returns, or not.
type pending struct {
	size, count int
	gather      bool                     // whoever is ready may join
	apply       func(flags uint32) error // the call into C by itself
	join        func(rep []byte) []byte  // appends the records
}

// commit writes p and waits for it. own is the batch, if p is one, and may be kept until then. Who leaves
// because ctx, which may be nil, has ended while p is being written gets in gone what tells when it was.
func (k *committer) commit(ctx context.Context, p pending, own []byte) (gone <-chan struct{}, err error) {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return nil, ErrClosed
	}
	mayLeave := ctx != nil && ctx.Done() != nil
	leads := !k.busy && !mayLeave
	if leads {
		k.busy = true
		if p.gather {
			k.mu.Unlock()
			runtime.Gosched()
			k.mu.Lock()
		}
		if k.first == nil {
			k.mu.Unlock()
			return nil, k.direct(p)
		}
	}
	var g *commitGroup
	i := 0
	if len(own) > joinBytes {
		g = k.queue(&commitGroup{rep: own, lent: true, left: 1})
	} else {
		g = k.room(p.size)
		i = g.join(p)
	}
	if !k.busy {
		k.busy = true
		go k.lead(nil)
	}
	k.mu.Unlock()
	if leads {
		k.lead(g)
	}
	return k.wait(ctx, g, i)
}

// direct writes p by itself, and lets a goroutine write what has gathered meanwhile.
func (k *committer) direct(p pending) error {
	err := k.syncer.failure()
	if err == nil {
		k.count(1)
		err = k.syncer.note(p.apply(k.flags))
	}
	k.mu.Lock()
	if k.first == nil {
		k.busy = false
	} else {
		go k.lead(nil)
	}
	k.mu.Unlock()
	if err == nil && k.behind {
		err = unsynced(k.syncer.sync())
	}
	return err
}

// lead writes group after group until none is left, or last is written: then a goroutine writes the others.
func (k *committer) lead(last *commitGroup) {
	k.mu.Lock()
	for {
		g := k.take()
		if g == nil {
			k.busy = false
			k.mu.Unlock()
			return
		}
		k.mu.Unlock()
		g.err = k.writeGroup(g)
		k.mu.Lock()
		if !g.lent {
			k.spare, k.spareParts = g.rep, g.parts
		}
		g.rep, g.parts = nil, nil
		if k.behind && g.err == nil {
			k.syncer.settle(g)
		} else {
			close(g.done)
		}
		if g == last && k.first != nil {
			go k.lead(nil)
			k.mu.Unlock()
			return
		}
	}
}

// writeGroup is the call into C for a group.
func (k *committer) writeGroup(g *commitGroup) error {
	if err := k.syncer.failure(); err != nil {
		return err
	}
	if !g.lent {
		batchrepr.SetCount(g.rep, g.count)
	}
	k.count(g.left)
	return k.syncer.note(k.write(k.flags, g.rep))
}

// count counts a write of so many commits.
func (k *committer) count(commits int) {
	k.counts.group(commits)
	if k.flags&cbridge.Sync != 0 {
		k.counts.synced(commits)
	}
}

// take takes the first group that was not left by all its commits. mu is held.
func (k *committer) take() *commitGroup {
	for g := k.first; g != nil; g = g.behind {
		if k.first = g.behind; k.first == nil {
			k.last = nil
		}
		if g.left > 0 {
			g.taken = true
			return g
		}
	}
	return nil
}

// room gives the group that a commit of so many bytes joins. mu is held.
func (k *committer) room(size int) *commitGroup {
	if g := k.last; g != nil && !g.lent && len(g.rep)+size <= groupBytes && len(g.parts) < groupCommits {
		return g
	}
	g := &commitGroup{rep: batchrepr.AppendHeader(k.spare[:0]), parts: k.spareParts[:0]}
	k.spare, k.spareParts = nil, nil
	return k.queue(g)
}

// queue puts a group at the end. mu is held.
func (k *committer) queue(g *commitGroup) *commitGroup {
	g.done = make(chan struct{})
	if k.last == nil {
		k.first = g
	} else {
		k.last.behind = g
	}
	k.last = g
	return g
}

// join adds the records of p and gives their place.
func (g *commitGroup) join(p pending) int {
	at := len(g.rep)
	g.rep = p.join(g.rep)
	g.count += uint32(p.count)
	g.parts = append(g.parts, commitPart{at, len(g.rep) - at, uint32(p.count)})
	g.left++
	return len(g.parts) - 1
}

// leave takes the records of commit i out again.
func (g *commitGroup) leave(i int) {
	g.left--
	if g.lent {
		return
	}
	p := &g.parts[i]
	g.rep = append(g.rep[:p.at], g.rep[p.at+p.size:]...)
	g.count -= p.count
	for j := i + 1; j < len(g.parts); j++ {
		g.parts[j].at -= p.size
	}
	p.size = 0
}

// wait waits for the group that commit i is in.
func (k *committer) wait(ctx context.Context, g *commitGroup, i int) (gone <-chan struct{}, err error) {
	if ctx == nil || ctx.Done() == nil {
		<-g.done
		return nil, ownError(g.err)
	}
	select {
	case <-g.done:
		return nil, ownError(g.err)
	case <-ctx.Done():
	}
	k.mu.Lock()
	taken := g.taken
	if !taken {
		g.leave(i)
	}
	k.mu.Unlock()
	switch {
	case !taken:
		return nil, dberr.FromContext("", ctx.Err())
	case g.lent:
		<-g.done // RocksDB reads the caller's memory
		return nil, ownError(g.err)
	}
	select {
	case <-g.done:
		return nil, ownError(g.err)
	default:
	}
	e := dberr.FromContext("", ctx.Err())
	e.Msg += ": the write is under way, its outcome is unknown"
	return g.done, e
}

// close refuses whoever waits and is not being written, and everybody later.
func (k *committer) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	for g := k.take(); g != nil; g = k.take() {
		g.err = ErrClosed
		close(g.done)
	}
}

// ownError copies an error that several get, as each completes its own.
func ownError(err error) error {
	if e, ok := err.(*Error); ok {
		own := *e
		return &own
	}
	return err
}
