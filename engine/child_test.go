package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// childRole names the part that this binary plays when a test starts it again: what a signal may end
// must not be the test itself.
const childRole = "ROCKBRIDGE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch role := os.Getenv(childRole); role {
	case "":
		nameTheLibrary()
		os.Exit(m.Run())
	case "lifecycle":
		lifecycleChild(os.Args[1:])
	case "use after Close":
		afterClose(os.Args[1])
	case "crash":
		crashChild(os.Args[1:])
	case "power":
		powerChild(os.Args[1:])
	case "cross":
		crossChild(os.Args[1:])
	case "stall":
		stallChild(os.Args[1:])
	case "low priority":
		lowPriorityChild(os.Args[1])
	case "load":
		loadChild(os.Args[1:])
	case "bank":
		bankChild(os.Args[1:])
	case "backup":
		backupChild(os.Args[1:])
	case "faults":
		faultChild(os.Args[1:])
	case "flips":
		flipsChild(os.Args[1:])
	case "primary":
		primaryChild(os.Args[1])
	case "signals":
		signalsChild(os.Args[1:])
	case "lock":
		lockChild(os.Args[1])
	case "descriptors":
		descriptorsChild()
	case "growth":
		growthChild(os.Args[1])
	case "fickle":
		fickleChild(os.Args[1:])
	case "arenas":
		arenasChild(os.Args[1])
	case "limit":
		limitChild(os.Args[1:])
	case "worker":
		workerChild(os.Args[1:])
	case "lengths":
		lengthsChild(os.Args[1:])
	case "trim":
		trimChild(os.Args[1:])
	default:
		fmt.Fprintf(os.Stderr, "no role %q\n", role)
		os.Exit(2)
	}
	os.Exit(0)
}

// childCommand starts this binary again in a role; ctx ends it.
func childCommand(ctx context.Context, t testing.TB, role string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := runner.Command(ctx, self, args...)
	// Under the race detector a process lingers for a second before it ends, by default.
	c.Env = append(os.Environ(), childRole+"="+role, "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=20")
	return c
}

// childOutput is what a child printed.
type childOutput struct{ stdout, stderr string }

// head is the beginning of what the child complained of: a signal's or a sanitizer's first lines.
func (o childOutput) head() string { return o.stderr[:min(len(o.stderr), 1500)] }

// runChild runs a child to its end, which is an error if it is not exit code 0, and kills it if it
// hangs.
func runChild(t testing.TB, role string, args ...string) (childOutput, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	c := childCommand(ctx, t, role, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("it hung: %w", err)
	}
	return childOutput{stdout.String(), stderr.String()}, err
}
