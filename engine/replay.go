package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// ReplayOptions say how Replay works. Nil and the zero value mean the defaults.
type ReplayOptions struct {
	// Speed is how fast records follow each other, against the times that they were recorded at: 1 as then, 2 in half of
	// the time. 0: as fast as they can be done.
	Speed float64

	// Readers are goroutines that do lookups and seeks beside each other and beside the writes, which keep their order.
	// Then a lookup may come before or behind a write beside which it was recorded. 0: one record after the other.
	Readers int

	// Kinds are the records that are done; nil: all. The others are passed over.
	Kinds []TraceKind

	// Write says how writes are made: a trace does not tell how they were. Their Context is that of Replay.
	Write *WriteOptions

	// Each, if not nil, is told of every record that was done, and of its error: ErrNotFound itself for a lookup that finds
	// nothing, which is none. An error that it returns ends the replay. It is called by one goroutine at a time.
	Each func(r TraceRecord, err error) error
}

// maxReaders bounds ReplayOptions.Readers.
const maxReaders = 1024

// ReplayReport tells what became of a replay.
type ReplayReport struct {
	Kinds  map[TraceKind]ReplayCount // of the kinds that there were
	Errors map[Code]int64            // how many records failed, by why
	First  error                     // of the record that failed first; nil: none has
	Took   time.Duration
	Behind time.Duration // with Speed: the longest that a record was late when it began
}

// ReplayCount counts records of one kind.
type ReplayCount struct {
	Done   int64 // without an error
	Failed int64
	Found  int64 // keys that were there, of all the keys of lookups; seeks that found a row
}

// Replay does to the database what a trace has: its lookups, seeks and writes, from where t is to its end. The database is
// meant to be a copy from when the recording began, such as a Checkpoint: families are known by their numbers, which copies
// keep, and need the operators that they had.
//
// A record that fails is counted, and the replay goes on: ErrFamilyNotFound, in a database without the family; ErrReadOnly,
// for writes to one that is open for reading only; ErrInvalidArgument, for operands without an operator; what the
// database answers otherwise. What ends it is the error of ctx, which may be nil, that of Each, ErrClosed, and those of
// Trace.Error, ErrIncomplete for a trace that breaks off among them. The report is of what was done until then in any case.
//
// Lookups in families with timestamps see the newest versions, since a trace does not tell as of when they were. What
// transactions in two phases have prepared is done with their commits. ErrUnsupported for writes to a database with
// TimedRows, on which the times would come twice; ErrInvalidArgument for options that are none. t is not closed. It is safe
// for concurrent use, of one Trace by one replay at a time.
func (d *DB) Replay(ctx context.Context, t *Trace, o *ReplayOptions) (ReplayReport, error) {
	report, err := d.replay(ctx, t, o)
	return report, d.describe(err, "replay")
}

func (d *DB) replay(ctx context.Context, t *Trace, o *ReplayOptions) (ReplayReport, error) {
	if err := d.enter(ctx, opProperty); err != nil { // the records enter by themselves
		return ReplayReport{}, err
	}
	d.guard.leave(opProperty)
	if o == nil {
		o = &ReplayOptions{}
	}
	p := &replay{db: d, o: *o, begun: time.Now()}
	p.report = ReplayReport{Kinds: map[TraceKind]ReplayCount{}, Errors: map[Code]int64{}}
	switch {
	case t == nil || t.in == nil || t.closed:
		return ReplayReport{}, ErrClosed
	case !(o.Speed >= 0) || o.Readers < 0 || o.Readers > maxReaders:
		return ReplayReport{}, invalid("", "Speed or Readers is negative, none, or too large")
	}
	if err := checkTraceKinds(o.Kinds); err != nil {
		return ReplayReport{}, err
	}
	if d.timed && !d.readOnly && p.does(TraceWrite) {
		return ReplayReport{}, dberr.New("", dberr.Unsupported, "writes of a trace to a database with TimedRows would have their times twice")
	}
	p.o.Write = &WriteOptions{}
	if o.Write != nil {
		*p.o.Write = *o.Write
	}
	p.o.Write.Context = ctx
	err := p.run(ctx, t)
	p.report.Took = time.Since(p.begun)
	return p.report, err
}

// replay is one that is under way.
type replay struct {
	db    *DB
	o     ReplayOptions
	begun time.Time
	first time.Time // that of the first record

	mu     sync.Mutex
	report ReplayReport
	ended  error // why no more is done
}

func (p *replay) does(k TraceKind) bool { return p.o.Kinds == nil || slices.Contains(p.o.Kinds, k) }

// run does the records. Those who read beside have ended when it returns.
func (p *replay) run(ctx context.Context, t *Trace) error {
	var readers sync.WaitGroup
	var records chan TraceRecord
	if p.o.Readers > 0 {
		records = make(chan TraceRecord)
		for range p.o.Readers {
			readers.Go(func() {
				for r := range records {
					p.do(ctx, r)
				}
			})
		}
	}
	err := p.feed(ctx, t, records)
	if records != nil {
		close(records)
		readers.Wait()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended != nil {
		return p.ended
	}
	return err
}

// feed reads the records, and has each done at its time.
func (p *replay) feed(ctx context.Context, t *Trace, records chan<- TraceRecord) error {
	for t.Next() {
		r := t.Record()
		if !p.does(r.Kind) {
			continue
		}
		if err := p.wait(ctx, r.Time); err != nil {
			return err
		}
		if p.over() {
			return nil
		}
		if records != nil && r.Kind != TraceWrite {
			records <- r
		} else {
			p.do(ctx, r)
		}
	}
	return t.Error()
}

// glance is how often a replay that waits for the time of a record looks whether the database is still open.
const glance = 50 * time.Millisecond

// wait waits for the time of a record, and tells why there is nothing more to do.
func (p *replay) wait(ctx context.Context, at time.Time) error {
	if p.first.IsZero() {
		p.first = at
	}
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	due := time.Now()
	if p.o.Speed > 0 {
		due = p.begun.Add(time.Duration(float64(at.Sub(p.first)) / p.o.Speed))
	}
	for {
		switch {
		case ctx != nil && ctx.Err() != nil:
			return dberr.FromContext("", ctx.Err())
		case p.db.guard.closing.Load():
			return ErrClosed
		case p.over():
			return nil
		}
		left := time.Until(due)
		if left <= 0 {
			p.mu.Lock()
			if p.o.Speed > 0 {
				p.report.Behind = max(p.report.Behind, -left)
			}
			p.mu.Unlock()
			return nil
		}
		select {
		case <-done:
		case <-time.After(min(left, glance)):
		}
	}
}

func (p *replay) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended != nil
}

// do does a record, and counts what came of it.
func (p *replay) do(ctx context.Context, r TraceRecord) {
	if p.over() {
		return
	}
	var found int64
	var err error
	switch r.Kind {
	case TraceGet:
		found, err = p.get(ctx, r.Family, r.Key)
	case TraceMultiGet:
		found, err = p.multiGet(ctx, r.Keys)
	case TraceWrite:
		err = p.write(r.Batch)
	default:
		found, err = p.seek(ctx, r)
	}
	p.count(ctx, r, found, err)
}

func (p *replay) count(ctx context.Context, r TraceRecord, found int64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == ErrClosed || ctx != nil && ctx.Err() != nil && err != nil && err != ErrNotFound {
		p.end(err) // not the record's
		return
	}
	c := p.report.Kinds[r.Kind]
	c.Found += found
	if err == nil || err == ErrNotFound {
		c.Done++
	} else {
		c.Failed++
		p.report.Errors[codeOf(err)]++
		if p.report.First == nil {
			p.report.First = err
		}
	}
	p.report.Kinds[r.Kind] = c
	if p.o.Each != nil && p.ended == nil {
		p.end(p.o.Each(r, err))
	}
}

// end ends the replay, unless err is nil or it has ended.
func (p *replay) end(err error) {
	if p.ended == nil {
		p.ended = err
	}
}

func codeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return dberr.Unknown
}

func (p *replay) family(id uint32) (*ColumnFamily, error) {
	if c := p.db.familyByID(id); c != nil {
		return c, nil
	}
	return nil, describe(dberr.New("", dberr.FamilyNotFound, "no column family has number "+utoa(id)), "replay", p.db.path)
}

// get looks a key up, without a copy of its value.
func (p *replay) get(ctx context.Context, family uint32, key []byte) (found int64, err error) {
	c, err := p.family(family)
	if err != nil {
		return 0, err
	}
	o := &ReadOptions{Context: ctx}
	nothing := func([]byte) error { return nil }
	if c.stamped() {
		err = c.At(Newest).GetPinned(key, o, nothing)
	} else {
		err = c.GetPinned(key, o, nothing)
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// multiGet looks keys up together, but for those with timestamps.
func (p *replay) multiGet(ctx context.Context, all []TraceKey) (found int64, err error) {
	var keys []FamilyKey
	for _, k := range all {
		c, err := p.family(k.Family)
		if err != nil {
			return found, err
		}
		if !c.stamped() {
			keys = append(keys, FamilyKey{c, k.Key})
			continue
		}
		n, err := p.get(ctx, k.Family, k.Key)
		if err != nil && err != ErrNotFound {
			return found, err
		}
		found += n
	}
	if keys == nil {
		return found, nil
	}
	values, err := p.db.MultiGetFamilies(keys, &ReadOptions{Context: ctx})
	for _, v := range values {
		switch {
		case v.Err == nil:
			found++
		case v.Err != ErrNotFound && err == nil:
			err = v.Err
		}
	}
	return found, err
}

func (p *replay) seek(ctx context.Context, r TraceRecord) (found int64, err error) {
	c, err := p.family(r.Family)
	if err != nil {
		return 0, err
	}
	newIter := c.NewIter
	if c.stamped() {
		newIter = c.At(Newest).NewIter
	}
	it, err := newIter(&IterOptions{LowerBound: r.Lower, UpperBound: r.Upper, NoBackground: true, Context: ctx})
	if err != nil {
		return 0, err
	}
	seek := it.SeekGE
	if r.Kind == TraceSeekForPrev {
		seek = it.SeekLE
	}
	if seek(r.Key) {
		found = 1
	}
	err = it.Error()
	if closed := it.Close(); err == nil {
		err = closed
	}
	return found, err
}

// write writes a batch, or of a record of two-phase commit what then took effect. A batch of nothing has RocksDB sync its
// log, for which there is a call.
func (p *replay) write(rep []byte) error {
	rows, err := committedRows(rep)
	if err != nil {
		return describe(dberr.Wrap("", dberr.Corruption, err), "replay", p.db.path)
	}
	if len(rows) <= batchrepr.HeaderLen {
		return nil
	}
	b, err := ParseBatch(rows)
	if err != nil {
		return err
	}
	return p.db.Write(b, p.o.Write)
}

// committedRows are the rows of a recorded batch that took effect, as a batch of their own. RocksDB writes the rows of a
// transaction in two phases twice: to the log when it is prepared, and behind the mark of its commit.
func committedRows(rep []byte) ([]byte, error) {
	parts, err := batchrepr.Parts(rep)
	if err != nil {
		return nil, err
	}
	committed := false
	rows, count := batchrepr.AppendHeader(make([]byte, 0, len(rep))), uint32(0)
	for _, part := range parts {
		switch {
		case part.Kind == batchrepr.PartCommit:
			committed = true
		case part.Kind == batchrepr.PartRows, part.Kind == batchrepr.PartPrepared && committed:
			rows, count = append(rows, part.Records...), count+part.Count
		}
	}
	batchrepr.SetCount(rows, count)
	return rows, nil
}
