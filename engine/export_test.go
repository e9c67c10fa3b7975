package engine

import "time"

// SetCloseTimeout changes how long d's Close waits for calls in flight. Not while Close runs.
func SetCloseTimeout(d *DB, timeout time.Duration) { d.timeout = timeout }

// Children counts the handles that d has registered as open.
func Children(d *DB) int {
	d.children.mu.Lock()
	defer d.children.mu.Unlock()
	n := 0
	for c := d.children.head; c != nil; c = c.next {
		n++
	}
	return n
}

// SetMultiGetMost changes how many bytes the values of a MultiGet may take, and gives back what puts
// it right again. Not while one runs.
func SetMultiGetMost(n uint64) (restore func()) {
	old := multiGetMost
	multiGetMost = n
	return func() { multiGetMost = old }
}

// SetSecondaryTimeout changes how long s's Close waits. Not while Close runs.
func SetSecondaryTimeout(s *Secondary, timeout time.Duration) { s.timeout = timeout }

// WithoutLanes has databases opened with o let any number of goroutines into C.
func WithoutLanes(o *Options) { o.unbounded = true }

// ReadApart has d make each cold read by itself, or not. Not while any runs.
func ReadApart(d *DB, apart bool) { d.guard.lanes.apart = apart }
