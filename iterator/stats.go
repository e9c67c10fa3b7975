package iterator

import (
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// Stats counts what an iterator's calls into C brought. The iterator adds to it between its Owner's
// Enter and Leave; it may be read at any time.
type Stats struct {
	Fills   atomic.Uint64 // calls that moved and brought rows to Go, even if none was there
	Refills atomic.Uint64 // of these, those that went on where the one before had ended
	Rows    atomic.Uint64 // rows that fills brought
	Counted atomic.Uint64 // rows that Count, and whatever else looks at rows in C, passed there
	Ahead   atomic.Uint64 // fills that were made beside the user
}

// filled counts one call of Fill.
func (s *Stats) filled(m cbridge.Move, f *cbridge.Filled) {
	if s == nil {
		return
	}
	s.Fills.Add(1)
	if m == cbridge.MoveOn {
		s.Refills.Add(1)
	}
	if f.Rows > 0 {
		s.Rows.Add(uint64(f.Rows))
	}
}

// ahead counts one fill that was made beside the user.
func (s *Stats) ahead() {
	if s != nil {
		s.Ahead.Add(1)
	}
}

// counted counts one call of Count or Push.
func (s *Stats) counted(rows int64) {
	if s != nil {
		s.Counted.Add(uint64(rows))
	}
}
