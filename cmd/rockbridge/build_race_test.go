//go:build race

package main

import (
	"os"
	"strings"
)

// buildFlags build the program as the test is built.
var buildFlags = []string{"-race"}

// The race detector sleeps for a second at each exit unless told not to, and
// the tests run the program hundreds of times.
func init() {
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
}
