package engine

import (
	"bytes"
	"fmt"
	"path/filepath"
)

// tableSink writes batches of ascending rows to table files of about target bytes, in a goroutine that
// runs while the next batch is made.
type tableSink struct {
	recipe *recipe
	dir    string
	target uint64
	noted  func(SSTInfo, uint64) error // a finished file, and the rows of the input that came so far; may be nil

	file     *sstFile // nil: none is begun
	files    []SSTInfo
	made     int // names given so far
	consumed uint64
	spare    []byte     // memory of the batch before
	busy     chan error // nil: no batch is under way
}

// add takes a batch and gives memory for the next one.
func (s *tableSink) add(b rowBatch) (spare []byte, err error) {
	if err := s.wait(); err != nil {
		return nil, err
	}
	spare, s.spare = s.spare, b.rows
	s.busy = make(chan error, 1)
	go func(done chan<- error) { done <- s.write(b) }(s.busy)
	return spare, nil
}

// wait waits for the batch under way.
func (s *tableSink) wait() error {
	if s.busy == nil {
		return nil
	}
	err := <-s.busy
	s.busy = nil
	return err
}

// write sends a batch down, and ends a file that is large enough.
func (s *tableSink) write(b rowBatch) error {
	if s.file == nil {
		f, err := s.recipe.create(filepath.Join(s.dir, fmt.Sprintf("%06d.sst", s.made)))
		if err != nil {
			return err
		}
		s.file = f
		s.made++
	}
	f := s.file
	if f.first == nil {
		key, _, _ := rowAt(b.rows, 0)
		f.first = append([]byte{}, key...)
	}
	key, _, _ := rowAt(b.rows, b.last)
	f.last = append(f.last[:0], key...)
	f.info.Entries += uint64(b.count)
	s.consumed = b.consumed
	if err := f.addPacked(b.rows); err != nil {
		return err
	}
	if f.size >= s.target {
		return s.end()
	}
	return nil
}

// end finishes the file in hand.
func (s *tableSink) end() error {
	if s.file == nil {
		return nil
	}
	info, err := s.file.finish()
	if err != nil {
		return err
	}
	info.Smallest, info.Largest = bytes.Clone(info.Smallest), bytes.Clone(info.Largest)
	s.file = nil
	s.files = append(s.files, info)
	if s.noted == nil {
		return nil
	}
	return s.noted(info, s.consumed)
}

// finish ends what is under way.
func (s *tableSink) finish() error {
	if err := s.wait(); err != nil {
		return err
	}
	return s.end()
}

// abandon ends the file in hand without finishing it.
func (s *tableSink) abandon() {
	s.wait()
	if s.file != nil {
		s.file.abandon()
		s.file = nil
	}
}
