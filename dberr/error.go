package dberr

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// Error is every error of rockbridge but a miss and a closed handle. Use errors.As to read its
// fields and errors.Is to compare with a sentinel or with the standard library's error of the same
// meaning. It is immutable once returned and safe for concurrent use.
type Error struct {
	Op     string // the call that failed: "put", "open", "iterator fill"
	Path   string // directory of the database, or the file concerned
	Family string // column family, empty when the call names none
	Msg    string // RocksDB's words, or ours
	Key    []byte // a copy of the key concerned, nil when there is none; not printed, it may be private
	Code   Code

	cause error
}

// New returns an error of the given code for an operation, in our own words.
func New(op string, code Code, msg string) *Error {
	return &Error{Op: op, Code: code, Msg: msg}
}

// FromContext returns the error of an operation that ended because its context did. It unwraps to
// err, so that errors.Is finds context.Canceled or context.DeadlineExceeded.
func FromContext(op string, err error) *Error {
	code := Canceled
	if errors.Is(err, context.DeadlineExceeded) {
		code = TimedOut
	}
	return &Error{Op: op, Code: code, Msg: err.Error(), cause: err}
}

// Wrap returns an error of the given code whose cause is err.
func Wrap(op string, code Code, err error) *Error {
	return &Error{Op: op, Code: code, Msg: err.Error(), cause: err}
}

// Error describes the failure in one line. The key is given by its length only.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("rockbridge: ")
	b.WriteString(e.Op)
	if e.Path != "" {
		b.WriteByte(' ')
		b.WriteString(e.Path)
	}
	if e.Family != "" {
		b.WriteString(", family ")
		b.WriteString(strconv.Quote(e.Family))
	}
	if e.Key != nil {
		b.WriteString(", key of ")
		b.WriteString(strconv.Itoa(len(e.Key)))
		b.WriteString(" bytes")
	}
	b.WriteString(": ")
	b.WriteString(e.Code.String())
	if e.Msg != "" {
		b.WriteString(": ")
		b.WriteString(e.Msg)
	}
	return b.String()
}

// Is reports whether target is the sentinel of e's code, or an error that the code also answers to.
func (e *Error) Is(target error) bool { return matches(e.Code, target) }

// Unwrap returns what caused the error in Go, a context's error for example, or nil.
func (e *Error) Unwrap() error { return e.cause }
