//go:build race

package main

// buildFlags build the program as the test is built.
var buildFlags = []string{"-race"}
