package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// The libraries that read the sources are not ours. Over a damaged store they may panic in goroutines of their own, or end the
// process, which nobody can prevent from within. So a worker, this program again, does the import, and who started it tells
// what became of it and clears up.

// workerVariable tells a worker that it is one.
const workerVariable = "ROCKBRIDGE_IMPORT_WORKER"

// workerEnded is added to the exit code of a worker that ends as it should: a panic ends with 2 by itself.
const workerEnded = 10

func isWorker() bool { return os.Getenv(workerVariable) != "" }

// endWithStarter ends the process when its standard input does, since who started it is gone then.
func endWithStarter() {
	_, _ = io.Copy(io.Discard, os.Stdin) // whatever ends it
	os.Exit(exitError)
}

// superviseRun has a worker execute the command line, and gives the exit code.
func superviseRun(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	code, err := runWorker(ctx, args, stdout, stderr)
	if err != nil { // no process could be started: the import is as good, but for that
		return run(ctx, args, stdout, stderr)
	}
	if code >= workerEnded {
		return code - workerEnded
	}
	_, paths, err := parse(args, io.Discard)
	if err != nil { // of which a worker does not die
		fmt.Fprintln(stderr, "rockbridge-import:", err)
		return exitError
	}
	if p, err := claim(paths[1]); err == nil {
		_ = p.release() // what stays, the next import removes
	}
	why := paths[0] + ": it is damaged, or memory was short: the library that reads it has ended the process"
	if ctx.Err() != nil {
		why = "interrupted"
	}
	fmt.Fprintln(stderr, "rockbridge-import:", why)
	return exitError
}

// runWorker gives the exit code of a worker; -1 if a signal ended it.
func runWorker(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), workerVariable+"=1", "GOTRACEBACK=none")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt of the terminal comes by way of this process, once
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	alive, err := cmd.StdinPipe() // it ends with this process
	if err != nil {
		return 0, err
	}
	defer alive.Close()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_ = cmd.Wait() // its state tells more
	return cmd.ProcessState.ExitCode(), nil
}
