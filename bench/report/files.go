// Package report is how the benchmarks show what they measured: numbers, tables, charts and files.
package report

import (
	"errors"
	"io"
	"os"
)

// Create writes a file anew.
func Create(file string, fill func(io.Writer) error) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(fill(f), f.Close())
}
