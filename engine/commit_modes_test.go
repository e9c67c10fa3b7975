package engine_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// inEveryCommitMode runs a test once for each.
func inEveryCommitMode(t *testing.T, test func(t *testing.T, mode engine.CommitMode)) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(commitModes)) {
		t.Run(name, func(t *testing.T) { test(t, commitModes[name]) })
	}
}

// outcomeUnknown reports whether the error of a commit that was left says that it may be written all the same.
func outcomeUnknown(err error) bool {
	return strings.Contains(err.Error(), "unknown") || strings.Contains(err.Error(), "perhaps not synced")
}
