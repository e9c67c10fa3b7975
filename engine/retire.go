package engine

import "sync"

// retirement frees what dropped families have in C, and with it their files. A call that began before the drop may be in C
// with such a family: it is freed when those have ended, and its iterators are closed, by a goroutine that lives
// as long as there is something to free.
type retirement struct {
	mu      sync.Mutex
	dropped []*ColumnFamily // that calls in flight may name
	closed  bool
	running bool
	wake    chan struct{} // has room for one
	ended   sync.WaitGroup
}

// add hands over a family that new calls do not name any more.
func (r *retirement) add(d *DB, c *ColumnFamily) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropped = append(r.dropped, c)
	switch {
	case r.closed:
	case r.running:
		r.kick()
	default:
		r.running = true
		r.ended.Add(1)
		go r.run(d)
	}
}

// kick has the goroutine look again: an iterator was closed, or a family dropped.
func (r *retirement) kick() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *retirement) run(d *DB) {
	defer r.ended.Done()
	var read []*ColumnFamily // iterators are open on them
	for {
		dropped, end := r.next(len(read) > 0)
		if end || len(dropped) > 0 && !d.guard.quiet() {
			return // what is left is freed with the database
		}
		read = d.free(append(dropped, read...))
		if len(read) > 0 {
			<-r.wake
		}
	}
}

// next takes what was dropped. end: there is nothing to do, or no more time.
func (r *retirement) next(more bool) (dropped []*ColumnFamily, end bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	dropped, r.dropped = r.dropped, nil
	if end = r.closed || len(dropped) == 0 && !more; end {
		r.running = false
	}
	return dropped, end
}

// free frees those that can be, and gives the others.
func (d *DB) free(families []*ColumnFamily) (read []*ColumnFamily) {
	d.guard.running[opSettle].begin()
	defer d.guard.running[opSettle].end()
	if d.guard.closing.Load() {
		return families
	}
	for _, c := range families {
		if !c.c.Retire() {
			read = append(read, c)
		}
	}
	return read
}

// close ends the goroutine.
func (r *retirement) close() {
	r.mu.Lock()
	r.closed = true
	if r.running {
		r.kick()
	}
	r.mu.Unlock()
	r.ended.Wait()
}

// iteratorClosed is told of each iterator of the family that was closed.
func (c *ColumnFamily) iteratorClosed() {
	if c.dropped.Load() {
		c.db.retired.kick()
	}
}
