//go:build !pebblegozstd

package main

func main() { panic("maker was built without -tags pebblegozstd") }
