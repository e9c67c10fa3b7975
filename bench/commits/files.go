package commits

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// The names of the report and of the raw results.
const (
	ReportFile = "commits.md"
	RawFile    = "commits.txt"
)

// WriteFiles writes the report, its charts and the raw results into a folder.
func (r *Run) WriteFiles(dir string) error {
	charts, err := r.WriteCharts(dir)
	if err != nil {
		return err
	}
	err = create(filepath.Join(dir, ReportFile), func(w io.Writer) error { return r.WriteMarkdown(w, RawFile, charts) })
	return errors.Join(err, create(filepath.Join(dir, RawFile), r.WriteRaw))
}

func create(file string, fill func(io.Writer) error) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(fill(f), f.Close())
}
