package dberr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// sentinels has each with its code.
var sentinels = map[string]struct {
	err  error
	code dberr.Code
}{
	"ErrNotFound": {dberr.ErrNotFound, dberr.NotFound}, "ErrClosed": {dberr.ErrClosed, dberr.Closed},
	"ErrCorruption": {dberr.ErrCorruption, dberr.Corruption}, "ErrInvalidArgument": {dberr.ErrInvalidArgument, dberr.InvalidArgument},
	"ErrIO": {dberr.ErrIO, dberr.IO}, "ErrNoSpace": {dberr.ErrNoSpace, dberr.NoSpace}, "ErrReadOnly": {dberr.ErrReadOnly, dberr.ReadOnly},
	"ErrTooLarge": {dberr.ErrTooLarge, dberr.TooLarge}, "ErrBusy": {dberr.ErrBusy, dberr.Busy}, "ErrTimedOut": {dberr.ErrTimedOut, dberr.TimedOut},
	"ErrTryAgain": {dberr.ErrTryAgain, dberr.TryAgain}, "ErrAborted": {dberr.ErrAborted, dberr.Aborted},
	"ErrIncomplete": {dberr.ErrIncomplete, dberr.Incomplete}, "ErrWouldBlock": {dberr.ErrWouldBlock, dberr.WouldBlock},
	"ErrLocked": {dberr.ErrLocked, dberr.Locked}, "ErrFamilyNotFound": {dberr.ErrFamilyNotFound, dberr.FamilyNotFound},
	"ErrFamilyDropped": {dberr.ErrFamilyDropped, dberr.FamilyDropped}, "ErrSyncFailed": {dberr.ErrSyncFailed, dberr.SyncFailed},
	"ErrUnsupported": {dberr.ErrUnsupported, dberr.Unsupported}, "ErrDeadlock": {dberr.ErrDeadlock, dberr.Deadlock},
	"ErrExpired": {dberr.ErrExpired, dberr.Expired},
	"ErrGap":     {dberr.ErrGap, dberr.Gap}, "ErrNoHistory": {dberr.ErrNoHistory, dberr.NoHistory},
}

// others are what a code answers to besides its own sentinel: the whole table, so that what is not
// here must not match.
var others = map[dberr.Code][]error{
	dberr.Closed:      {fs.ErrClosed},
	dberr.Unsupported: {errors.ErrUnsupported},
	dberr.TimedOut:    {os.ErrDeadlineExceeded},
	dberr.NoSpace:     {dberr.ErrIO, syscall.ENOSPC},
	dberr.Locked:      {dberr.ErrIO},
	dberr.SyncFailed:  {dberr.ErrIO},
	dberr.WouldBlock:  {dberr.ErrIncomplete},
	dberr.NoMemory:    {syscall.ENOMEM},
	dberr.Canceled:    {context.Canceled},
	dberr.Deadlock:    {dberr.ErrBusy},
}

// standard are the errors of other packages that somebody might compare with.
var standard = []error{
	fs.ErrClosed, fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, errors.ErrUnsupported, os.ErrDeadlineExceeded,
	context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
	syscall.ENOSPC, syscall.ENOMEM, syscall.EIO, syscall.EINVAL, syscall.EROFS,
}

// codes are all that there are.
func codes() []dberr.Code {
	var all []dberr.Code
	for c := dberr.OK + 1; c <= dberr.NoHistory; c++ {
		all = append(all, c)
	}
	return all
}

func TestEachCodeMatchesItsSentinelsAndNoOther(t *testing.T) {
	for _, code := range codes() {
		right := map[error]bool{}
		for _, s := range sentinels {
			right[s.err] = s.code == code
		}
		for _, e := range standard {
			right[e] = false
		}
		for _, e := range others[code] {
			right[e] = true
		}
		err := fmt.Errorf("wrapped: %w", &dberr.Error{Op: "op", Code: code})
		for target, want := range right {
			if got := errors.Is(err, target); got != want {
				t.Errorf("code %v is %v: %v, want %v", code, target, got, want)
			}
		}
	}
}

func TestABareSentinelMatchesWhatItsErrorDoes(t *testing.T) {
	for name, s := range sentinels {
		for _, o := range sentinels {
			e := &dberr.Error{Code: s.code}
			if errors.Is(s.err, o.err) != errors.Is(e, o.err) {
				t.Errorf("%s and %v: the bare one says %v", name, o.err, errors.Is(s.err, o.err))
			}
		}
		for _, target := range standard {
			if errors.Is(s.err, target) != errors.Is(&dberr.Error{Code: s.code}, target) {
				t.Errorf("%s and %v: the bare one says %v", name, target, errors.Is(s.err, target))
			}
		}
		if want := "rockbridge: " + s.code.String(); s.err.Error() != want {
			t.Errorf("%s: %q, want %q", name, s.err, want)
		}
		var e *dberr.Error
		if errors.As(s.err, &e) {
			t.Errorf("%s is an *Error", name)
		}
	}
}

func TestEachCodeHasWordsOfItsOwn(t *testing.T) {
	seen := map[string]dberr.Code{}
	for _, code := range append(codes(), dberr.OK) {
		text := code.String()
		if text == "" || code != dberr.Unknown && text == "unknown error" {
			t.Errorf("code %d has no words", code)
		}
		if other, twice := seen[text]; twice {
			t.Errorf("codes %d and %d are both %q", code, other, text)
		}
		seen[text] = code
	}
	for _, code := range []dberr.Code{-1, dberr.NoHistory + 1, 1 << 30} {
		if code.String() != "unknown error" {
			t.Errorf("code %d: %q", code, code)
		}
		if got := (&dberr.Error{Op: "x", Code: code}).Error(); got != "rockbridge: x: unknown error" {
			t.Errorf("code %d: %q", code, got)
		}
	}
}

func TestTextNamesAllButTheKey(t *testing.T) {
	for _, c := range []struct {
		e    *dberr.Error
		want string
	}{
		{&dberr.Error{Op: "put", Code: dberr.ReadOnly}, "rockbridge: put: database is read only"},
		{dberr.New("open", dberr.Corruption, "bad"), "rockbridge: open: corruption: bad"},
		{
			&dberr.Error{Op: "get", Path: "/d", Family: "f\n", Key: []byte("secret"), Code: dberr.IO, Msg: "IO error: x"},
			`rockbridge: get /d, family "f\n", key of 6 bytes: I/O error: IO error: x`,
		},
		{&dberr.Error{Op: "get", Key: []byte{}, Code: dberr.IO}, "rockbridge: get, key of 0 bytes: I/O error"},
		{&dberr.Error{Op: "get", Key: []byte("k"), Code: dberr.IO}, "rockbridge: get, key of 1 bytes: I/O error"},
	} {
		if got := c.e.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		if strings.Contains(fmt.Sprint(c.e), "secret") {
			t.Errorf("%v shows the key", c.e)
		}
	}
}

func TestAnErrorOfAContextIsTheContextsToo(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	e := dberr.FromContext("scan", cancelled.Err())
	if e.Code != dberr.Canceled || !errors.Is(e, context.Canceled) || errors.Is(e, context.DeadlineExceeded) || errors.Is(e, dberr.ErrTimedOut) {
		t.Errorf("%+v", e)
	}
	e = dberr.FromContext("scan", fmt.Errorf("why: %w", context.DeadlineExceeded))
	if e.Code != dberr.TimedOut || !errors.Is(e, context.DeadlineExceeded) || !errors.Is(e, dberr.ErrTimedOut) || !errors.Is(e, os.ErrDeadlineExceeded) || errors.Is(e, context.Canceled) {
		t.Errorf("%+v", e)
	}
	mine := errors.New("mine")
	if e = dberr.FromContext("scan", mine); e.Code != dberr.Canceled || !errors.Is(e, mine) {
		t.Errorf("%+v", e)
	}
}

func TestWrapKeepsTheCause(t *testing.T) {
	cause := &fs.PathError{Op: "open", Path: "/x", Err: syscall.ENOENT}
	e := dberr.Wrap("open", dberr.IO, cause)
	var p *fs.PathError
	if !errors.As(e, &p) || p != cause || !errors.Is(e, fs.ErrNotExist) || !errors.Is(e, dberr.ErrIO) || e.Msg != cause.Error() {
		t.Errorf("%+v", e)
	}
	var as *dberr.Error
	if !errors.As(fmt.Errorf("more: %w", e), &as) || as != e {
		t.Error("errors.As does not find it")
	}
	if dberr.New("op", dberr.IO, "").Unwrap() != nil {
		t.Error("New has a cause")
	}
}

func TestSentinelsCostNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _ = errors.Is(dberr.ErrNotFound, dberr.ErrClosed) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
