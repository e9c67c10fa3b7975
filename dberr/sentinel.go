package dberr

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// sentinel is the comparable value behind ErrNotFound and the others. It holds no context, so
// returning one allocates nothing.
type sentinel struct{ code Code }

func (s *sentinel) Error() string { return "rockbridge: " + s.code.String() }

// Is lets a bare sentinel match the standard library's error of the same meaning.
func (s *sentinel) Is(target error) bool { return matches(s.code, target) }

// The sentinels, for errors.Is. ErrNotFound and ErrClosed are also returned as they are.
var (
	ErrNotFound        error = &sentinel{NotFound}
	ErrClosed          error = &sentinel{Closed}
	ErrCorruption      error = &sentinel{Corruption}
	ErrInvalidArgument error = &sentinel{InvalidArgument}
	ErrIO              error = &sentinel{IO}
	ErrNoSpace         error = &sentinel{NoSpace}
	ErrReadOnly        error = &sentinel{ReadOnly}
	ErrTooLarge        error = &sentinel{TooLarge}
	ErrBusy            error = &sentinel{Busy}
	ErrTimedOut        error = &sentinel{TimedOut}
	ErrTryAgain        error = &sentinel{TryAgain}
	ErrAborted         error = &sentinel{Aborted}
	ErrIncomplete      error = &sentinel{Incomplete}
	ErrWouldBlock      error = &sentinel{WouldBlock}
	ErrLocked          error = &sentinel{Locked}
	ErrFamilyNotFound  error = &sentinel{FamilyNotFound}
	ErrFamilyDropped   error = &sentinel{FamilyDropped}
	ErrSyncFailed      error = &sentinel{SyncFailed}
	ErrUnsupported     error = &sentinel{Unsupported}
	ErrDeadlock        error = &sentinel{Deadlock}
	ErrExpired         error = &sentinel{Expired}
	ErrGap             error = &sentinel{Gap}
	ErrNoHistory       error = &sentinel{NoHistory}
)

// alsoMatches names, for each code, the errors besides its own sentinel that it answers to: a wider
// sentinel of ours, and the standard library's value of the same meaning.
var alsoMatches = map[Code][]error{
	Closed:      {fs.ErrClosed},
	Unsupported: {errors.ErrUnsupported},
	TimedOut:    {os.ErrDeadlineExceeded},
	NoSpace:     {ErrIO, syscall.ENOSPC},
	Locked:      {ErrIO},
	SyncFailed:  {ErrIO},
	WouldBlock:  {ErrIncomplete},
	NoMemory:    {syscall.ENOMEM},
	Canceled:    {context.Canceled},
	Deadlock:    {ErrBusy},
}

func matches(code Code, target error) bool {
	if s, ok := target.(*sentinel); ok && s.code == code {
		return true
	}
	for _, e := range alsoMatches[code] {
		if e == target {
			return true
		}
	}
	return false
}
