//go:build !linux

package main

import "errors"

// lookAtFileSystem tells of the file system that path lies on.
func lookAtFileSystem(string) (fileSystem, error) {
	return fileSystem{}, errors.New("file systems can be looked at on Linux only")
}
