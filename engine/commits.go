package engine

import (
	"context"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// commits is the way of every commit of a database into C.
type commits struct {
	mode   CommitMode
	lanes  *lanes
	counts *commitCounters
	groups [4]committer // by the flags Sync and NoWAL
	syncer syncer

	unlogged atomic.Bool // there were commits without log
}

// groupFlags are the flags that commits have in common when they are written together.
const groupFlags = cbridge.Sync | cbridge.NoWAL

// start makes it ready for a database that is open.
func (c *commits) start(db *DB, mode CommitMode, l *lanes) {
	c.mode, c.lanes, c.counts = mode, l, &db.counters.commits
	c.syncer.call, c.syncer.counts = db.syncWAL, c.counts
	for i := range c.groups {
		k := &c.groups[i]
		k.write, k.flags, k.syncer, k.counts = db.writeBatch, uint32(i), &c.syncer, c.counts
		if mode == CommitPipelined && k.flags&cbridge.Sync != 0 {
			k.flags, k.behind = k.flags&^cbridge.Sync, true
		}
	}
}

// lane is that of a commit which goes into C by itself, with these flags; nil: no bound.
func (c *commits) lane(flags uint32) *lane {
	switch {
	case c.lanes == nil:
		return nil
	case flags&cbridge.LowPriority != 0:
		return &c.lanes.work // it is made to wait
	case flags&(cbridge.NoSlowdown|cbridge.Sync) == cbridge.NoSlowdown:
		return &c.lanes.quick // it is not
	}
	return &c.lanes.writes
}

// commit writes p, and syncs the log if flags say so. See committer.commit.
func (c *commits) commit(ctx context.Context, flags uint32, p pending, own []byte) (gone <-chan struct{}, err error) {
	c.noteLog(flags)
	if c.mode == CommitAlone || flags&^groupFlags != 0 {
		err = c.alone(ctx, flags, p)
	} else {
		gone, err = c.groups[flags&groupFlags].commit(ctx, p, own)
	}
	return gone, shutDown(err)
}

// noteLog remembers that there is more than what the log has.
func (c *commits) noteLog(flags uint32) {
	if flags&cbridge.NoWAL != 0 && !c.unlogged.Load() {
		c.unlogged.Store(true)
	}
}

// alone is a call into C for one commit.
func (c *commits) alone(ctx context.Context, flags uint32, p pending) error {
	c.noteLog(flags)
	if l := c.lane(flags); l != nil {
		if err := l.acquire(ctx); err != nil {
			return err
		}
		defer l.release()
	}
	if err := c.syncer.failure(); err != nil {
		return err
	}
	c.counts.group(1)
	if flags&cbridge.Sync != 0 {
		c.counts.synced(1)
	}
	return c.syncer.note(p.apply(flags))
}

// close refuses the commits that wait to be written.
func (c *commits) close() {
	for i := range c.groups {
		c.groups[i].close()
	}
}
