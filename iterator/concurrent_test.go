package iterator_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Iterators of several goroutines keep their states while another goroutine writes, deletes,
// flushes and compacts without pause.
func TestStatesHoldWhileAnotherGoroutineWrites(t *testing.T) {
	eachRound(t, 4, 1, concurrentRound)
}

func concurrentRound(seed uint64) (err error) {
	d, err := newData(newRand(seed))
	if err != nil {
		return err
	}
	defer func() {
		if e := d.end(); err == nil {
			err = e
		}
	}()
	var mu sync.Mutex // of the truth, and of the moment in which an iterator's state is fixed
	var stop atomic.Bool
	failures := make(chan error, 4)
	var all sync.WaitGroup
	all.Go(func() {
		for !stop.Load() {
			mu.Lock()
			err := d.change()
			mu.Unlock()
			if err != nil {
				failures <- err
				return
			}
			time.Sleep(50 * time.Microsecond) // a mutex alone would hardly ever let the readers in
		}
	})
	var readers sync.WaitGroup
	for i := range uint64(3) {
		readers.Go(func() {
			if err := concurrentReader(d, &mu, newRand(seed+i+1)); err != nil {
				failures <- err
			}
		})
	}
	readers.Wait()
	stop.Store(true)
	all.Wait()
	close(failures)
	return <-failures
}

// concurrentReader runs op lists on iterators of its own; its operations draw from r, and what they
// need of the database they take under mu.
func concurrentReader(d *data, mu *sync.Mutex, r *rand.Rand) error {
	for range 30 {
		mu.Lock()
		own := *d
		own.r = r
		own.keys = d.keys[:len(d.keys):len(d.keys)] // the writer appends to them
		s, err := newSession(&own, false)
		mu.Unlock()
		if err != nil {
			return err
		}
		s.mu = mu
		if err := s.run(10 + r.IntN(40)); err != nil {
			return err
		}
	}
	return nil
}
