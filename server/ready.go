package server

import (
	"errors"
	"fmt"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// refusal is the last write, if the database did not take it.
type refusal struct {
	err error
	at  time.Time
}

// refusalTime is how long a refused write tells of the next one. Then somebody has to try, or nobody would know that the fault
// has passed.
const refusalTime = 10 * time.Second

// noteWrite remembers whether the database takes writes. What is wrong with the write itself tells nothing.
func (s *Server) noteWrite(err error) {
	switch {
	case err == nil:
		if s.refusal.Load() != nil {
			s.refusal.Store(nil)
		}
	case errors.Is(err, engine.ErrInvalidArgument), errors.Is(err, engine.ErrTooLarge):
	default:
		s.refusal.Store(&refusal{err, time.Now()})
	}
}

// ErrNotListening is Ready's answer before the first Serve, and when all have ended.
var ErrNotListening = errors.New("server: it takes no clients")

// Ready is nil while the server takes clients and the database their writes. ErrServerClosed once Shutdown has begun,
// ErrNotListening without a Serve under way, and what clients are told as MISCONF: what engine.DB.Health says, or with which
// error a write was refused in the last ten seconds, after which none succeeded. It asks the database, as Health does. It may
// be called at any time, and concurrently.
func (s *Server) Ready() error {
	s.mu.Lock()
	closing, listening := s.closing, len(s.listeners) > 0
	s.mu.Unlock()
	switch {
	case closing:
		return ErrServerClosed
	case !listening:
		return ErrNotListening
	}
	if err := s.db.Health(); err != nil {
		return err
	}
	if r := s.refusal.Load(); r != nil && time.Since(r.at) < refusalTime {
		return fmt.Errorf("server: writes are refused: %w", r.err)
	}
	return nil
}
