package works

import (
	"fmt"
	"time"
)

// A writer overwrites rows with what they have, in batches at fixed times, so that every peer's readers meet the same
// writes. What cannot keep up writes less: the report says how much.
const (
	writerBatch = 100
	writerPause = 5 * time.Millisecond
)

// startWriter begins to write; what it returns ends that and tells how many rows were written.
func startWriter(s Store, t Task) (stop func() (int64, error)) {
	t.Ops, t.Keys, t.Seed = 100*writerBatch, AnyRow, t.Seed+1
	all := choose(&t)
	end, done := make(chan struct{}), make(chan error)
	var written int64
	go func() {
		begin := time.Now()
		for i := 0; ; i++ {
			select {
			case <-end:
				done <- nil
				return
			case <-time.After(time.Until(begin.Add(time.Duration(i) * writerPause))):
			}
			from := i % 100 * writerBatch
			if err := s.Put(all.part(from, from+writerBatch), writerBatch); err != nil {
				<-end
				done <- fmt.Errorf("the writer: %w", err)
				return
			}
			written += writerBatch
		}
	}()
	return func() (int64, error) {
		close(end)
		err := <-done
		return written, err
	}
}

// part gives some of the rows.
func (r *Rows) part(from, to int) *Rows {
	p := *r
	p.Packed, p.Offsets = r.Packed[from*r.Width:to*r.Width], r.Offsets[from:to]
	return &p
}
