package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// findData looks for the project's rows in the current folder and those above
// it, then beside the program and above.
func findData() (string, error) {
	name := filepath.Join("testdata", "cities.tsv.zst")
	if dir, err := os.Getwd(); err == nil {
		if file, ok := findUpwards(dir, name); ok {
			return file, nil
		}
	}
	if program, err := os.Executable(); err == nil {
		if file, ok := findUpwards(filepath.Dir(program), name); ok {
			return file, nil
		}
	}
	return "", fmt.Errorf("no %s here or above: name a file of rows with --data", name)
}

func findUpwards(dir, name string) (string, bool) {
	for {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); err == nil {
			return file, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}
