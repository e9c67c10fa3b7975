package commits

import (
	"errors"
	"io"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/bench/report"
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
	err = report.Create(filepath.Join(dir, ReportFile), func(w io.Writer) error { return r.WriteMarkdown(w, RawFile, charts) })
	return errors.Join(err, report.Create(filepath.Join(dir, RawFile), r.WriteRaw))
}
