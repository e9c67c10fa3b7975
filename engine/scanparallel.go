package engine

import (
	"context"
	"runtime"
	"sync"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// maxParts is how many parts a range is divided into at most.
const maxParts = 1 << 12

// ScanParallel scans the rows that o describes in parts at the same time, over one state of the
// database, and calls f with chunks of them. The parts divide the range: all rows of a part come before
// those of the next one. Within a part, chunks come in ascending order, one call of f after the other;
// calls for different parts run in different goroutines at the same time. Every row comes exactly
// once. A chunk is filled again after f has returned, unless f has taken its rows with Take.
//
// parts is how many there are at most, 0 or less meaning GOMAXPROCS; 4,096 is the most. They are of
// about the same size in the files, and in the memtables too from RocksDB 9.5 on; where all rows are in
// memtables, before that, of the same width in the key space. There are fewer, numbered without gaps,
// where the rows are few, and one only for an IndexedBatch and every other Reader that is not a DB, a
// ColumnFamily or a Snapshot, for a family with a comparator, with a Limit, and with CacheOnly. A part needs a slot of the gate for each
// of its calls into C.
//
// The first error, of f or of the scan, ends all parts, each after the call that it is in, and is
// returned as it is; what other parts meet because of that is not. So is the end of ctx, which may be
// nil. If f panics or ends its goroutine, so does ScanParallel, once all parts have ended.
func ScanParallel(ctx context.Context, r Reader, o *IterOptions, parts int, f func(part int, c *iterator.Chunk) error) error {
	if f == nil {
		return invalid("scan", "the function is nil")
	}
	if ctx != nil && ctx.Err() != nil {
		return dberr.FromContext("scan", ctx.Err())
	}
	if parts <= 0 {
		parts = runtime.GOMAXPROCS(0)
	}
	if o == nil {
		o = &IterOptions{}
	}
	if o.Limit > 0 || o.CacheOnly {
		parts = 1
	}
	switch r := r.(type) {
	case nil:
		return ErrClosed
	case *DB:
		return r.family().scanParallel(ctx, o, parts, f)
	case *ColumnFamily:
		return r.scanParallel(ctx, o, parts, f)
	case *Snapshot:
		return r.scanParallel(ctx, o, parts, f)
	}
	return scanParts(ctx, r, []*IterOptions{o}, f)
}

// scanParallel is ScanParallel over a snapshot of its own.
func (c *ColumnFamily) scanParallel(ctx context.Context, o *IterOptions, parts int, f func(int, *iterator.Chunk) error) error {
	if c == nil || c.db == nil {
		return ErrClosed
	}
	if parts == 1 {
		return scanParts(ctx, c, []*IterOptions{o}, f)
	}
	s, err := c.db.snapshot()
	if err != nil {
		return err
	}
	defer s.Close()
	return s.In(c).scanParallel(ctx, o, parts, f)
}

func (s *Snapshot) scanParallel(ctx context.Context, o *IterOptions, parts int, f func(int, *iterator.Chunk) error) error {
	v, err := s.view()
	if err != nil {
		return err
	}
	o, stop := o.within(ctx)
	defer stop()
	keys, err := v.splitKeys(o, min(parts, maxParts))
	if err != nil {
		return err
	}
	return scanParts(nil, s, o.split(keys), f)
}

// splitKeys finds up to parts-1 keys at which the rows of o fall into parts of about the same size.
func (v view) splitKeys(o *IterOptions, parts int) ([][]byte, error) {
	r, err := v.enter(opIterate, nil, &ReadOptions{Context: o.Context})
	if err != nil {
		return nil, err
	}
	defer v.leave(opIterate)
	if err := v.cf.validateIter(o); err != nil || parts < 2 || v.cf.ordered() {
		return nil, err
	}
	if v.cf.db.observed() {
		defer v.cf.db.observe(o.Context, opIterate, v.cf, noKey)()
	}
	keys, err := v.cf.c.SplitKeys(r.Snapshot, o.plan(), parts)
	if err != nil {
		return nil, v.cf.explainIter(err, "split", o)
	}
	return keys, nil
}

// split gives the options of the parts that keys divide the range into.
func (o *IterOptions) split(keys [][]byte) []*IterOptions {
	plan := o.plan()
	parts := make([]*IterOptions, 0, len(keys)+1)
	lower := plan.Lower
	for i := range len(keys) + 1 {
		p := *o
		p.Prefix, p.LowerBound, p.UpperBound = nil, lower, plan.Upper
		if i < len(keys) {
			p.UpperBound = keys[i]
			lower = keys[i]
		}
		p.NoBackground = o.NoBackground || len(keys) > 0 // the parts are beside each other
		parts = append(parts, &p)
	}
	return parts
}

// partsRun is a scan in parts under way.
type partsRun struct {
	r      Reader
	f      func(part int, c *iterator.Chunk) error
	cancel context.CancelFunc

	mu     sync.Mutex
	ended  bool // something has ended the scan: what follows is not told
	err    error
	panics any  // what f panicked with
	exited bool // f ended its goroutine
}

// scanParts scans parts at the same time, the only one in the caller's goroutine.
func scanParts(ctx context.Context, r Reader, parts []*IterOptions, f func(int, *iterator.Chunk) error) error {
	run := &partsRun{r: r, f: f, cancel: func() {}}
	if len(parts) == 1 {
		o, stop := parts[0].within(ctx)
		defer stop()
		return run.scan(0, o)
	}
	both, cancel := context.WithCancel(context.Background())
	defer cancel()
	run.cancel = cancel
	var wg sync.WaitGroup
	for i, o := range parts {
		o, stop := o.within(both)
		defer stop()
		wg.Go(func() { run.part(i, o) })
	}
	wg.Wait()
	switch {
	case run.panics != nil:
		panic(run.panics)
	case run.exited:
		runtime.Goexit()
	}
	return run.err
}

// part scans one part in a goroutine of its own.
func (p *partsRun) part(i int, o *IterOptions) {
	returned := false
	defer func() {
		if !returned {
			caught := recover()
			p.end(nil, caught, caught == nil)
		}
	}()
	err := p.scan(i, o)
	returned = true
	if err != nil {
		p.end(err, nil, false)
	}
}

// end ends all parts. Only the first reason counts.
func (p *partsRun) end(err error, caught any, exited bool) {
	p.mu.Lock()
	if !p.ended {
		p.ended, p.err, p.panics, p.exited = true, err, caught, exited
	}
	p.mu.Unlock()
	p.cancel()
}

// scan brings the rows of one part to f.
func (p *partsRun) scan(i int, o *IterOptions) (err error) {
	it, err := p.r.NewIter(o)
	if err != nil {
		return err
	}
	defer func() {
		if closed := it.Close(); err == nil {
			err = closed
		}
	}()
	var c iterator.Chunk
	for it.NextChunk(&c) {
		if err := p.f(i, &c); err != nil {
			return err
		}
		if o.Context != nil && o.Context.Err() != nil {
			return dberr.FromContext("scan", o.Context.Err())
		}
	}
	return nil
}
