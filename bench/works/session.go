package works

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/program"
)

// slot is one of a program's databases.
type slot[S Store] struct {
	config Config
	store  S
}

// session is what a program does from its start to its end.
type session[S Store] struct {
	engine Engine[S]
	stores map[string]*slot[S]
}

// do answers one request:
//
//	open    make a database, or open one that is there
//	fill    put the task's keys into it, 1,000 in a batch, settle and close it, open it again and go over it once
//	run     do the task and measure it
//	close   close the database and remove it
//	ways    name all ways
func (s *session[S]) do(r Request) (res Result, err error) {
	if r.Do == "open" {
		res.Version = s.engine.Version()
		return res, s.open(r.Slot, r.Config)
	}
	if r.Do == "ways" {
		res.Ways = slices.Sorted(maps.Keys(s.engine.Ways))
		return res, nil
	}
	sl := s.stores[r.Slot]
	if sl == nil {
		return res, fmt.Errorf("works: no database is called %q", r.Slot)
	}
	switch r.Do {
	case "fill":
		if err := s.fill(r.Slot, sl, r.Task); err != nil {
			return res, err
		}
		res.DiskBytes, err = program.DiskBytes(sl.config.Dir)
	case "run":
		return s.run(sl, r.Task)
	case "close":
		delete(s.stores, r.Slot)
		if err := sl.store.Close(); err != nil {
			return res, err
		}
		if res.DiskBytes, err = program.DiskBytes(sl.config.Dir); err != nil {
			return res, err
		}
		err = os.RemoveAll(sl.config.Dir)
	default:
		err = fmt.Errorf("works: nobody knows how to %q", r.Do)
	}
	return res, err
}

func (s *session[S]) open(name string, c Config) error {
	if _, err := os.Lstat(c.Dir); !c.Exists && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("works: %q is there already, or cannot be looked for: %v", c.Dir, err)
	}
	if s.stores[name] != nil {
		return fmt.Errorf("works: %q is open", name)
	}
	store, err := s.engine.Open(c)
	if err != nil {
		return err
	}
	s.stores[name] = &slot[S]{c, store}
	return nil
}

func (s *session[S]) fill(name string, sl *slot[S], t Task) error {
	ops, err := prepare(&t)
	if err != nil {
		return err
	}
	if err := sl.store.Put(ops.Rows, 1000); err != nil {
		return err
	}
	if err := sl.store.Settle(); err != nil {
		return err
	}
	delete(s.stores, name)
	if err := sl.store.Close(); err != nil {
		return err
	}
	sl.config.Exists = true
	if err := s.open(name, sl.config); err != nil {
		return err
	}
	var sum Sum
	if err := s.stores[name].store.Scan(&sum); err != nil {
		return err
	}
	if sum.Rows != int64(ops.Len()) {
		return fmt.Errorf("works: %d rows of %d are there", sum.Rows, ops.Len())
	}
	return nil
}

func prepare(t *Task) (*Ops, error) {
	if t.Keys == Traced {
		return tracedOps(t)
	}
	return &Ops{Rows: choose(t)}, nil
}

func (s *session[S]) run(sl *slot[S], t Task) (res Result, err error) {
	way := s.engine.Ways[t.Work+"/"+t.Way]
	if t.Work == "put" {
		way = func(s S, w *Work) error { return s.Put(w.Rows, w.N) }
	}
	if way == nil {
		return res, fmt.Errorf("%s: no work is done as %s/%s", s.engine.Name, t.Work, t.Way)
	}
	w := &Work{Task: t}
	if w.Ops, err = prepare(&w.Task); err != nil {
		return res, err
	}
	if p, ok := any(sl.store).(Preparer); ok {
		if err := p.Prepare(t.Work, t.Way); err != nil {
			return res, err
		}
	}
	stop := func() (int64, error) { return 0, nil }
	if t.Writer {
		stop = startWriter(sl.store, t)
	}
	runtime.GC() // what came before is not to be collected during the work
	program.ForgetPeak()
	before := program.Now()
	start := time.Now()
	err = way(sl.store, w)
	res.Elapsed = time.Since(start)
	res.Used = program.Now().Since(before)
	written, writeErr := stop()
	if w.Elapsed != 0 {
		res.Elapsed = w.Elapsed
	}
	res.Sum, res.Written = w.Sum, written
	return res, errors.Join(err, writeErr)
}
