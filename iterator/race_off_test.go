//go:build !race

package iterator_test

// raceDetector tells that this binary has the race detector, under which pools forget one in four of what they are given.
const raceDetector = false
