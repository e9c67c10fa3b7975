package engine

import (
	"context"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// detached is a call into C that takes long and cannot be told to end at a context's end. Its caller can
// leave; the rest goes on in a goroutine, and the database's Close waits for that.
type detached struct {
	call func() error
	stop func()          // makes call end sooner, and may wait for that; nil: nothing does
	undo func()          // after a call that succeeded though its caller had left; nil: nothing to undo
	end  func(gone bool) // gives back what the call held
}

// run makes the call, and returns before its end if ctx, which may be nil, ends.
func (t detached) run(ctx context.Context) error {
	if ctx == nil || ctx.Done() == nil {
		defer t.end(false)
		return t.call()
	}
	done := make(chan error, 1)
	go func() { done <- t.call() }()
	select {
	case err := <-done:
		t.end(false)
		return err
	case <-ctx.Done():
	}
	go func() {
		if t.stop != nil {
			t.stop()
		}
		if err := <-done; err == nil && t.undo != nil {
			t.undo()
		}
		t.end(true)
	}()
	return dberr.FromContext("", ctx.Err())
}
