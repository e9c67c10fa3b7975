package runner_test

import (
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/internal/runner"
)

func TestAProgramIsStartedThroughTheEmulatorIfThereIsOne(t *testing.T) {
	for emulator, want := range map[string][]string{
		"":                    {"/bin/program", "a", "b c"},
		"emulate":             {"emulate", "/bin/program", "a", "b c"},
		" emulate  -L  /tree": {"emulate", "-L", "/tree", "/bin/program", "a", "b c"},
	} {
		t.Setenv(runner.Variable, emulator)
		if got := runner.Command(t.Context(), "/bin/program", "a", "b c").Args; !slices.Equal(got, want) {
			t.Errorf("with %q: %q, want %q", emulator, got, want)
		}
	}
}
