//go:build race

package engine_test

// raceDetector tells that this binary has the race detector, which takes 8,128 goroutines at most.
const raceDetector = true
