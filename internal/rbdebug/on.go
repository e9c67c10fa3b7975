//go:build rbdebug

package rbdebug

// On tells whether this is the debug build.
const On = true

// State is what a handle keeps for the debug build alone.
type State[T any] struct{ v T }

// Of gives access to it.
func (s *State[T]) Of() *T { return &s.v }
