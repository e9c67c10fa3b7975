//go:build asan

package main

// buildFlags build the program as the test is built.
var buildFlags = []string{"-asan"}
