package iterator

import (
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// Whether fills pay in the background. One saves at most the shorter of two times, that of a fill and
// that which the user takes for its rows, and costs the start of a goroutine on another processor, whose
// cache the rows then lie in. So an idle user gets none. Only large fills are looked at: two readings of
// the clock each.
const (
	useShare   = 2  // begin where a user takes at least 1/useShare of the time of a fill
	savedShare = 4  // go on while at least 1/savedShare of a fill's time is saved
	firstRest  = 16 // fills that are left in the foreground after it did not pay, and twice as many
	longRest   = 4096
)

// pace is what an iterator knows of its user and of its fills.
type pace struct {
	left      time.Duration // when the user got the last large fill; 0: it got none
	fill, use time.Duration // of a large fill, and of the user with its rows, smoothed; 0: unknown
	poor      int           // fills in a row that saved too little
	rest      int           // how many fills to leave in the foreground
	pause     int           // the next rest
}

var began = time.Now()

// clock is a time that only differences are taken of; never 0.
func clock() time.Duration { return time.Since(began) + 1 }

// smooth brings a mean closer to its newest value.
func smooth(mean *time.Duration, newest time.Duration) {
	if *mean == 0 {
		*mean = newest
	}
	*mean += (newest - *mean) / 4
}

// asked notes that the user has done with its rows and asks for move m.
func (p *pace) asked(m cbridge.Move) {
	if m == cbridge.MoveOn && p.left > 0 {
		smooth(&p.use, clock()-p.left+1)
	}
	p.left = 0
}

// filled notes a large fill that the user waited for since begun.
func (p *pace) filled(begun time.Duration) {
	now := clock()
	smooth(&p.fill, now-begun)
	p.left = now
}

// taken notes a fill of the background's, and how long the user waited for it.
func (p *pace) taken(took, waited time.Duration) {
	smooth(&p.fill, took)
	p.left = clock()
	if took-waited >= took/savedShare {
		if p.poor--; p.poor < -firstRest {
			p.poor, p.pause = 0, 0
		}
		return
	}
	if p.poor = max(p.poor, 0) + 1; p.poor >= 3 {
		p.refused()
	}
}

// refused leaves the next fills in the foreground, more of them each time.
func (p *pace) refused() {
	p.pause = min(max(2*p.pause, firstRest), longRest)
	p.rest, p.poor = p.pause, 0
}

// pays tells whether the next fill should be made in the background.
func (p *pace) pays() bool {
	if p.rest > 0 {
		p.rest--
		return false
	}
	return p.fill > 0 && p.use >= p.fill/useShare
}
