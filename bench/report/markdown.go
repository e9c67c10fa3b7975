package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/launch"
)

// Table writes a table in Markdown. Rows may be empty strings only in their first cell's favour: a row without any other
// text is left out.
func Table(b *strings.Builder, heading []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(heading, " | "), strings.Repeat("---|", len(heading)))
	for _, row := range rows {
		if strings.Join(row[1:], "") != "" {
			fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
		}
	}
	b.WriteString("\n")
}

// Picture shows a chart, nothing without a file.
func Picture(b *strings.Builder, file, what string) {
	if file != "" {
		fmt.Fprintf(b, "![%s](%s)\n\n", what, file)
	}
}

// Circumstances are the rows that each report begins with.
func Circumstances(date time.Time, took time.Duration, m launch.Machine, loads [2]string) [][]string {
	return [][]string{
		{"made", fmt.Sprintf("%s, in %v", date.UTC().Format("2006-01-02 15:04 MST"), took.Round(time.Second))},
		{"machine", fmt.Sprintf("%s, %d cores, %.0f GiB, %s", m.CPU, m.Cores, m.MemoryGiB, m.Kernel)},
		{"load averages", fmt.Sprintf("%s before, %s after", loads[0], loads[1])},
		{"file system", m.FileSystem},
	}
}

// Verdict tells whether an aim was met.
func Verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}

// RawHeading begins the raw results, which benchstat reads. pkg is the package behind the module's path.
func RawHeading(w io.Writer, pkg string, m launch.Machine, goos, goarch string) {
	fmt.Fprintf(w, "goos: %s\ngoarch: %s\npkg: github.com/rockbridge-db/rockbridge/%s\ncpu: %s\n", goos, goarch, pkg, m.CPU)
}
