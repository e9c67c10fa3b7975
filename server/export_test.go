package server

import "time"

// Directives are all that a configuration file may have.
func Directives() (names []string) {
	for name := range fileDirectives {
		names = append(names, name)
	}
	for _, d := range directives {
		if d.set != nil {
			names = append(names, d.name)
		}
	}
	return names
}

func KnowsDirective(name string) bool {
	for _, n := range Directives() {
		if n == name {
			return true
		}
	}
	return false
}

// LatencyCounter counts as a command's latencies are counted.
type LatencyCounter struct{ l latencies }

func (c *LatencyCounter) Count(d time.Duration, n int) { c.l.add(d, n) }

func (c *LatencyCounter) All() (all Latencies) {
	c.l.addTo(&all)
	return all
}

// RefuseWrite is a write that the database refused so long ago.
func (s *Server) RefuseWrite(err error, ago time.Duration) {
	s.noteWrite(err)
	if r := s.refusal.Load(); r != nil {
		r.at = r.at.Add(-ago)
	}
}

// KeepConfig gives what brings back the settings as they are now.
func (s *Server) KeepConfig() (restore func()) {
	was := s.conf.now.Load()
	return func() { s.conf.now.Store(was) }
}
