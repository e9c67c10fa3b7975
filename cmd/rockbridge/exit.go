package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// The exit codes of every command.
const (
	exitOK    = 0
	exitError = 1 // also a key that get does not find, and what doctor finds wrong
	exitUsage = 2
)

// errAbsent is what get returns for a key that is not there: it sets the exit
// code and prints nothing.
var errAbsent = errors.New("no such key")

// usageError is a mistake in the command line that shows only when the command
// runs, such as a format that does not exist.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// exitCode says how the process ends. Errors of a command line that never got
// as far as its command (started is false) are usage errors: an unknown
// command or flag, a wrong number of arguments.
func exitCode(err error, started bool) int {
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return exitOK // the reader of the output has seen enough
	case !started, errors.As(err, &usage):
		return exitUsage
	default:
		return exitError
	}
}

// errorMessage is the text for a person, empty where nothing is to be said.
func errorMessage(err error) string {
	switch {
	case err == nil, errors.Is(err, errAbsent), errors.Is(err, errUnwell), errors.Is(err, syscall.EPIPE):
		return ""
	case errors.Is(err, context.Canceled) && !errors.As(err, new(*partialLoadError)) && !errors.As(err, new(*directLoadError)):
		return "interrupted"
	default:
		// The library's errors begin with its name, which is the program's too.
		return strings.TrimPrefix(err.Error(), "rockbridge: ")
	}
}
