package engine_test

import (
	"errors"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// expectError checks that err is all of targets, and an *Error unless it is one of the two bare ones.
func expectError(t *testing.T, what string, err error, targets ...error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %v", what, targets)
		return
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("%s: %v is not %v", what, err, target)
		}
	}
	var e *engine.Error
	if err != engine.ErrNotFound && err != engine.ErrClosed && !errors.As(err, &e) {
		t.Errorf("%s: %v is a %T", what, err, err)
	}
}
