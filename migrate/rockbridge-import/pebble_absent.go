//go:build !pebblegozstd

package main

import "errors"

// openPebble refuses: without the tag Pebble's library brings a zstd in C of its own, and the program would have two, of
// which RocksDB calls one or the other as the linker pleases.
func openPebble(string) (source, error) {
	return nil, errors.New("this program was built without Pebble: build it with -tags pebblegozstd")
}
