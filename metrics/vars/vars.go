// Package vars shows a database's metrics among the variables of package expvar, which serves them as
// JSON under /debug/vars. It is a package of its own because expvar brings net/http and registers a
// handler: programs that do not import vars have neither.
package vars

import (
	"expvar"
	"sync"
	"weak"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/engine"
)

// slot is a published name. The package expvar never lets go of one, so that slots are used again.
type slot struct {
	mu sync.Mutex
	db weak.Pointer[engine.DB] // publishing keeps no database alive
}

var (
	mu    sync.Mutex // round slots, and round what is published
	slots = map[string]*slot{}
)

// Publish shows db's metrics, an engine.Metrics, under a name, gathered anew each time that they are
// asked for. Once db is closed, or was garbage, the variable is null, and the name can be published
// again. A name that is taken is engine.ErrInvalidArgument, where expvar.Publish ends the process. It is
// safe for concurrent use, but for a foreign expvar.Publish of the same name at the same moment;
// engine.ErrClosed if db is closed.
func Publish(name string, db *engine.DB) error {
	if name == "" {
		return dberr.New("publish", dberr.InvalidArgument, "the name is empty")
	}
	if _, err := db.Metrics(); err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	s := slots[name]
	switch {
	case s != nil && s.metrics() != nil, s == nil && expvar.Get(name) != nil:
		return dberr.New("publish", dberr.InvalidArgument, "the name "+name+" is taken")
	case s == nil:
		s = new(slot)
		slots[name] = s
		s.set(db)
		expvar.Publish(name, expvar.Func(s.metrics))
	default:
		s.set(db)
	}
	return nil
}

func (s *slot) set(db *engine.DB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db = weak.Make(db)
}

// metrics is what the variable shows: nil if the database is closed.
func (s *slot) metrics() any {
	s.mu.Lock()
	db := s.db.Value()
	s.mu.Unlock()
	m, err := db.Metrics()
	if err != nil {
		return nil
	}
	return m
}
