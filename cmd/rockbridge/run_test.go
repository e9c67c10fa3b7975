package main

import (
	"context"
	"path/filepath"
	"testing"
)

// TestRunGivesTheExitCode calls the program's entry in this process. Without
// it the linker would leave most of the program out of the test, and go test
// could not see that a result in its cache is of an older program.
func TestRunGivesTheExitCode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"put", dir, "k", "v", "--create"}, exitOK},
		{[]string{"get", dir, "absent"}, exitError},
		{[]string{"get", dir}, exitUsage},
	} {
		if got := run(context.Background(), c.args); got != c.want {
			t.Errorf("%q: exit code %d, want %d", c.args, got, c.want)
		}
	}
}
