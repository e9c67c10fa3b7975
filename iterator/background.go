package iterator

import (
	"context"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// Fills in the background. While the user is at work on a window or a chunk, a goroutine makes the fill
// that follows it, into a second buffer; the user's next fill then exchanges the two. There is one such
// goroutine for one fill, so that none is left behind. It refers to the C iterator and its owner only, so
// that an Iterator whose user has lost it is still found by the garbage collector. Everything else that
// the iterator does in C waits for it first: see settle.

// Background is what lets an iterator fill beside its user.
type Background interface {
	// TryEnter begins a call into C as Owner's Enter does, but never waits for its turn: false where it
	// would have to, or where Enter would fail. Leave ends the call.
	TryEnter(ctx context.Context) bool
	Leave()
}

// filler makes fills in the background. While one is under way, only its goroutine touches it.
type filler struct {
	src   *cbridge.Iter
	gate  Background
	ctx   context.Context
	stats *Stats
	done  chan struct{} // holds one: the end of a fill

	buf  []byte // spare, or what the fill filled
	size int    // that buf must have at least
	made bool   // there was a fill; else the C iterator stands where it stood
	f    cbridge.Filled
	took time.Duration
}

// fill makes one fill that goes on where the last one ended.
func (b *filler) fill() {
	defer func() { b.done <- struct{}{} }()
	if b.made = b.gate.TryEnter(b.ctx); !b.made {
		return
	}
	defer b.gate.Leave()
	begun := clock()
	if cap(b.buf) < b.size {
		b.buf = make([]byte, b.size)
	}
	for b.buf = b.buf[:cap(b.buf)]; ; b.buf = make([]byte, grown(b.f.Need)) {
		if rbdebug.On {
			rbdebug.Poison(b.buf)
		}
		b.f = b.src.Fill(cbridge.MoveOn, nil, b.buf, anyRows)
		b.stats.filled(cbridge.MoveOn, &b.f)
		if b.f.Need == 0 {
			break
		}
	}
	b.stats.ahead()
	b.took = clock() - begun
}

// keep makes buf the spare buffer, if it is worth keeping.
func (b *filler) keep(buf []byte) {
	if b.buf = buf; cap(buf) > keepBuffer && cap(buf) > 4*b.f.Used {
		b.buf = nil
	}
}

// fillAhead begins a fill in the background, if one of so many bytes pays there. What the user has in
// hand is a full window or, in c, a chunk; with a limit there is no telling how far a fill may go.
func (it *Iterator) fillAhead(c *Chunk, size int) {
	if it.cfg.Background == nil || it.cfg.Filtered || it.cfg.Limit > 0 || it.win.end || !(it.cfg.Eager || size >= keptFill && it.pace.pays()) {
		return
	}
	if it.filler == nil {
		it.filler = &filler{
			src: it.src, gate: it.cfg.Background, ctx: it.cfg.Context, stats: it.cfg.Stats, done: make(chan struct{}, 1),
		}
	}
	if c != nil { // the C iterator will not stand behind the chunk: turn round by key
		it.win.turnKey = append(it.win.turnKey[:0], c.r.key(c.r.n-1)...)
		it.win.turnHere = true
	}
	it.filler.size = size
	it.pending = true
	go it.filler.fill()
}

// fromAhead takes the rows of the fill that was made in the background, if it is what move m asks for;
// spare is then kept for the next. In every other case the C iterator is the caller's afterwards.
func (it *Iterator) fromAhead(m cbridge.Move, spare []byte) (f fetched, ok bool) {
	if !it.pending {
		it.pace.asked(m)
		return fetched{}, false
	}
	if m != cbridge.MoveOn {
		it.settle()
		return fetched{}, false
	}
	if ctx := it.cfg.Context; ctx != nil && ctx.Err() != nil {
		return fetched{err: dberr.FromContext("iterate", ctx.Err())}, true
	}
	b := it.filler
	it.pace.asked(m)
	begun := clock()
	<-b.done
	it.pending = false
	if !b.made {
		it.pace.refused()
		return fetched{}, false
	}
	it.pace.taken(b.took, clock()-begun)
	f = fetched{Filled: b.f, buf: b.buf}
	b.keep(spare)
	b.f.Err = nil
	if rbdebug.On {
		it.checkAhead(f)
	}
	return f, true
}

// settle waits for a fill in the background and forgets its rows. The C iterator then stands behind
// them: the caller moves it to a key, to an end, or not at all.
func (it *Iterator) settle() {
	it.pace.left = 0
	if !it.pending {
		return
	}
	<-it.filler.done
	it.pending = false
	it.filler.keep(it.filler.buf)
}

// spare is the window's memory, as far as it may be filled again.
func (it *Iterator) spare() []byte {
	if it.win.lent || it.win.pooled || it.keep || rbdebug.On {
		return nil
	}
	return it.win.buf
}
