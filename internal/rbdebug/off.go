//go:build !rbdebug

package rbdebug

// On tells whether this is the debug build.
const On = false

// State is what a handle keeps for the debug build alone: nothing here.
type State[T any] struct{}

// Of is not called outside the debug build.
func (s *State[T]) Of() *T { panic("rockbridge: not a debug build") }
