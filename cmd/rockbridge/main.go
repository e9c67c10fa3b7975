// Command rockbridge loads, reads, scans and measures RocksDB databases from
// the command line. Run `rockbridge --help` for its commands.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// Ignored, so that a closed pipe is an error of Write and the database is
	// closed in order; the default would kill the process.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal finds the default action: it ends a command that is slow
	// to stop.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:]))
}

// run executes one command line and gives the exit code.
func run(ctx context.Context, args []string) int {
	root, started := newRootCommand()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	code := exitCode(err, *started)
	if message := errorMessage(err); message != "" {
		fmt.Fprintln(os.Stderr, "rockbridge:", message)
	}
	if code == exitUsage {
		fmt.Fprintf(os.Stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
	}
	return code
}
