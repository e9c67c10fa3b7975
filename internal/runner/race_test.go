//go:build race

package runner_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// plantedRace names the variable that has the test below be its own child, and which of its bodies.
const plantedRace = "ROCKBRIDGE_PLANTED_RACE"

// The negative control of "make race": a race is reported and fails the test, the same work under a channel does not.
func TestThePlantedRaceIsReported(t *testing.T) {
	if which := os.Getenv(plantedRace); which != "" {
		writeTwice(which == "racy")
		return
	}
	run := func(which string) (string, error) {
		c := runner.Command(t.Context(), os.Args[0], "-test.run=^TestThePlantedRaceIsReported$")
		c.Env = append(os.Environ(), plantedRace+"="+which)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := run("racy")
	if _, failed := err.(*exec.ExitError); !failed || !strings.Contains(out, "WARNING: DATA RACE") {
		t.Errorf("the race is not reported: %v\n%s", err, out)
	}
	if out, err := run("ordered"); err != nil {
		t.Errorf("without a race: %v\n%s", err, out)
	}
}

// writeTwice writes from two goroutines, one after the other; if racy, nothing but time orders them.
func writeTwice(racy bool) {
	n, done := 0, make(chan bool, 1)
	go func() {
		n++
		done <- true
	}()
	if racy {
		time.Sleep(10 * time.Millisecond)
		n++
		<-done
	} else {
		<-done
		n++
	}
	_ = n
}
