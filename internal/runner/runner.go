// Package runner starts programs that tests have built, where the machine cannot run them by itself.
package runner

import (
	"context"
	"os"
	"os/exec"
	"strings"
)

// Variable names the environment variable that holds an emulator and its flags, separated by spaces: the
// same as the -exec of go test, which covers only the test programs themselves. scripts/cross sets both.
const Variable = "ROCKBRIDGE_EXEC"

// Command is exec.CommandContext for a program that was built for the tests' own architecture, such as
// the test program itself. Programs of the machine, such as go and ldb, are started without it.
func Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	if emulator := strings.Fields(os.Getenv(Variable)); len(emulator) > 0 {
		return exec.CommandContext(ctx, emulator[0], append(append(emulator[1:], program), args...)...)
	}
	return exec.CommandContext(ctx, program, args...)
}
