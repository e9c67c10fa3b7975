package engine

import (
	"context"
	"io"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// Updates gives the writes of a database in their order, as its write-ahead logs have them: for change data
// capture, replicas and caches. At the end of what is written it can be asked again. Logs that RocksDB has deleted
// are a gap, which is an error: see docs/changes.md on keeping them. It is for one goroutine at a time, Close
// included, and needs no slot of the database's while nobody asks. A nil or zero Updates answers as a closed one.
type Updates struct {
	db     *DB
	chunk  int
	logs   updateLogs
	next   uint64         // the number of the next row that is read from the logs
	have   UpdatePosition // up to where rows have been taken in
	seen   uint64         // the newest row when the logs were last read
	more   bool           // a chunk was full then
	queue  []Update
	now    Update
	pos    UpdatePosition // up to where Next has given rows
	err    error
	closed bool
}

// UpdatePosition is a place in the changes of a database: before the row of that number, in that log or a later one.
// Numbers alone do not tell a place for ever: when a database is opened, RocksDB gives the newest ones again if it has
// found nothing to keep under them, such as rows that were put and single-deleted, and deletions of empty ranges. The
// zero position is before the first row ever.
type UpdatePosition struct {
	Log      uint64 // number of the write-ahead log's file; 0: not known
	Sequence uint64
}

// UpdatesOptions say how Updates reads. Nil and the zero value mean the defaults.
type UpdatesOptions struct {
	ChunkSize int // bytes of log that are read ahead at once; 0: 256 KiB
}

// Update is one write, or several that RocksDB wrote together.
type Update struct {
	// Sequence is the number of the first row, and the others follow. A write without rows, of LogData only, has
	// the number of the row that comes next.
	Sequence uint64
	// Batch has the rows, and LogData, in their order. It is the caller's, and may be written as it is to a
	// database with the same operators and the same numbers of families: Record.Family is ColumnFamily.ID. Of entities,
	// KindPutEntity, Record.Columns gives the columns, and the families there need WideColumns. What
	// a transaction in two phases has written comes with its commit.
	Batch *Batch

	next UpdatePosition // behind it
}

const (
	chunkDefault = 256 << 10
	chunkMax     = 64 << 20
)

// UpdatesSince begins at the write that has row number seq, with 0 or 1 at the first one ever; rows of the same write
// before it come along. LatestSequence()+1 begins with the next write. To go on later there is UpdatesFrom.
// ErrGap if the logs do not go back so far, ErrInvalidArgument for a number that is not written yet, ErrUnsupported if
// the logs are compressed. ctx, which may be nil, covers the search. The Updates must be closed.
func (d *DB) UpdatesSince(ctx context.Context, seq uint64, o *UpdatesOptions) (*Updates, error) {
	return d.updates(ctx, UpdatePosition{Sequence: seq}, o)
}

// UpdatesFrom goes on where another Updates of the database was, in this process or before: see Updates.Position. The
// errors are those of UpdatesSince; a number that is not written yet is none.
func (d *DB) UpdatesFrom(ctx context.Context, at UpdatePosition, o *UpdatesOptions) (*Updates, error) {
	return d.updates(ctx, at, o)
}

func (d *DB) updates(ctx context.Context, at UpdatePosition, o *UpdatesOptions) (*Updates, error) {
	if o == nil {
		o = &UpdatesOptions{}
	}
	at.Sequence = max(1, at.Sequence)
	u, err := d.openUpdates(ctx, at, o)
	if err != nil {
		return nil, d.describe(err, "updates")
	}
	return u, nil
}

func (d *DB) openUpdates(ctx context.Context, at UpdatePosition, o *UpdatesOptions) (*Updates, error) {
	if err := d.enter(ctx, opUpdates); err != nil {
		return nil, err
	}
	defer d.guard.leave(opUpdates)
	u := &Updates{db: d, chunk: o.ChunkSize, next: at.Sequence, have: at, pos: at}
	switch latest := d.c.LatestSequence(); {
	case o.ChunkSize < 0 || o.ChunkSize > chunkMax:
		return nil, invalid("", "ChunkSize is negative or exceeds 64 MiB")
	case at.Log == 0 && at.Sequence > latest+1:
		return nil, invalid("", "row "+utoa64(at.Sequence)+" is not written yet; the newest is "+utoa64(latest))
	}
	if u.chunk == 0 {
		u.chunk = chunkDefault
	}
	err := u.logs.open(d)
	if err == nil {
		err = u.fill(ctx)
	}
	if err != nil {
		u.logs.close()
		return nil, err
	}
	return u, nil
}

// Next goes to the next write, which Update then gives. False means the end of what is written so far, if
// Error is nil, or an error; either way it may be called again. Rows before an error come first. ctx may be nil.
func (u *Updates) Next(ctx context.Context) bool {
	if u == nil || u.db == nil {
		return false
	}
	u.now, u.err = Update{}, nil
	if len(u.queue) == 0 || u.db.guard.closing.Load() {
		u.err = u.db.describe(u.refill(ctx), "updates")
	}
	if u.err != nil || len(u.queue) == 0 {
		return false
	}
	u.now, u.queue = u.queue[0], u.queue[1:]
	u.pos = u.now.next
	return true
}

// refill reads ahead.
func (u *Updates) refill(ctx context.Context) error {
	if u.closed {
		return ErrClosed
	}
	if err := u.db.enter(ctx, opUpdates); err != nil {
		return err
	}
	defer u.db.guard.leave(opUpdates)
	return u.fill(ctx)
}

// fill reads about a chunk of updates, if there are some. What was read before an error counts.
func (u *Updates) fill(ctx context.Context) error {
	u.queue, u.more = nil, false
	latest := u.db.c.LatestSequence() // rows up to this one are in the logs, if they ever are
	u.seen = latest
	for size := 0; ; {
		if u.more = size >= u.chunk; u.more {
			return nil
		}
		if err := u.interrupted(ctx); err != nil {
			return u.unlessFilled(err)
		}
		record, err := u.logs.record(u.next, u.have.Log)
		if err == io.EOF || err != nil && u.next > latest && u.logs.failed == nil {
			return nil // nothing is missing
		}
		if err != nil {
			return u.unlessFilled(err)
		}
		if record.last() > latest && (record.log != u.have.Log || record.last() >= u.have.Sequence) {
			u.logs.again = &record // it is being written
			return nil
		}
		if err := u.take(record); err != nil {
			u.logs.failed = err
			return u.unlessFilled(err)
		}
		if len(u.queue) > 0 { // what is only passed on the way to the position fills no chunk
			size += len(record.data)
		}
	}
}

// interrupted tells whether the caller or the database has had enough.
func (u *Updates) interrupted(ctx context.Context) error {
	if ctx != nil && ctx.Err() != nil {
		return dberr.FromContext("", ctx.Err())
	}
	if u.db.guard.closing.Load() {
		return ErrClosed
	}
	return nil
}

// unlessFilled leaves an error for the next time if there is something to give first.
func (u *Updates) unlessFilled(err error) error {
	if len(u.queue) > 0 {
		return nil
	}
	return err
}

// take makes an update of a record, if it has something that was not given before.
func (u *Updates) take(r loggedRecord) error {
	rep, count := batchrepr.AppendHeader(make([]byte, 0, len(r.data))), uint32(0)
	for _, p := range r.parts {
		if p.Kind == batchrepr.PartRows {
			rep, count = append(rep, p.Records...), count+p.Count
		}
	}
	if len(rep) == batchrepr.HeaderLen {
		return nil // a mark, or nothing
	}
	batchrepr.SetCount(rep, count)
	b, err := ParseBatch(rep)
	if err != nil {
		return err
	}
	end := UpdatePosition{r.log, r.sequence + uint64(count)}
	if u.have.Log == 0 {
		u.have.Log = r.log // that of the first number
	}
	if r.log < u.have.Log || r.log == u.have.Log && (end.Sequence < u.have.Sequence || count > 0 && end.Sequence == u.have.Sequence) {
		return nil
	}
	u.queue = append(u.queue, Update{Sequence: r.sequence, Batch: b, next: end})
	u.next, u.have = end.Sequence, end
	return nil
}

// Update is the write that Next went to; of no batch if that was false.
func (u *Updates) Update() Update {
	if u == nil {
		return Update{}
	}
	return u.now
}

// Position is where to go on, for a later UpdatesFrom: behind the rows that Next has given. Keep it with what is made of
// the updates, in one transaction if there must be no doubt. LogData that is not followed by rows may come again from
// there.
func (u *Updates) Position() UpdatePosition {
	if u == nil {
		return UpdatePosition{}
	}
	return u.pos
}

// Error is why the last Next was false; nil at the end of what is written. ErrGap: rows are in no log any more, or
// never were, such as those written with DisableWAL. ErrCorruption: a log is damaged. ErrClosed after Close of
// this or the database.
func (u *Updates) Error() error {
	if u == nil || u.db == nil {
		return ErrClosed
	}
	return u.err
}

// Wait returns when there may be something for Next, or with the error of ctx, which may be nil and ends the wait,
// or ErrClosed. It looks every millisecond at first, and ten times a second in the end. Rows that are written and in no
// log, yet or ever, have it return once a second.
func (u *Updates) Wait(ctx context.Context) error {
	if u == nil || u.db == nil {
		return ErrClosed
	}
	return u.db.describe(u.wait(ctx), "updates")
}

func (u *Updates) wait(ctx context.Context) error {
	begun := time.Now()
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		if u.closed {
			return ErrClosed
		}
		if err := u.db.enter(ctx, opProperty); err != nil {
			return err
		}
		latest := u.db.c.LatestSequence()
		u.db.guard.leave(opProperty)
		if len(u.queue) > 0 || u.more || latest > u.seen || latest >= u.next && time.Since(begun) > time.Second {
			return nil
		}
		if ctx == nil {
			time.Sleep(pause)
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return dberr.FromContext("", ctx.Err())
		}
	}
}

// Close ends it. It is idempotent. The database's own Close does not wait for it.
func (u *Updates) Close() error {
	if u == nil || u.db == nil || u.closed {
		return nil
	}
	u.closed, u.queue, u.now, u.err = true, nil, Update{}, ErrClosed
	u.logs.close()
	return nil
}
