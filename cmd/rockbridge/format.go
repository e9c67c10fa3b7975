package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// records yields the rows of one input. next gives a row whose slices hold
// until the next call, and io.EOF after the last; line is the number, from 1,
// of the line on which the last row or error was found.
type records interface {
	next() (key, value []byte, err error)
	line() int
}

// inputFormats are the values of --format.
var inputFormats = []string{"lines", "tsv", "csv", "jsonl"}

// formatOfEnding maps what a file's name ends in, without .zst, to its format.
var formatOfEnding = map[string]string{
	".txt": "lines", ".lines": "lines",
	".tsv": "tsv", ".tab": "tsv",
	".csv":   "csv",
	".jsonl": "jsonl", ".ndjson": "jsonl",
}

// inputChoice is how the flags say that input is read.
type inputChoice struct {
	format  string
	columns columnChoice
	hex     bool
}

// formatOf decides how the file name is read: by --format, else by its ending.
func (c *inputChoice) formatOf(name string) (string, error) {
	if c.format != "" {
		if !slices.Contains(inputFormats, c.format) {
			return "", usagef("--format %q: not one of %s", c.format, strings.Join(inputFormats, ", "))
		}
		return c.format, nil
	}
	if name == stdinName {
		return "", usagef("standard input has no file ending: say --format lines, tsv, csv or jsonl")
	}
	ending := filepath.Ext(strings.TrimSuffix(name, zstdEnding))
	format, ok := formatOfEnding[ending]
	if !ok {
		return "", usagef("%s: the ending tells no format: say --format lines, tsv, csv or jsonl", name)
	}
	return format, nil
}

// check refuses flags that the format of name has no use for, before anything
// is read.
func (c *inputChoice) check(name string) error {
	format, err := c.formatOf(name)
	if err != nil {
		return err
	}
	switch format {
	case "lines":
		return c.columns.refuseAll(name)
	case "jsonl":
		return c.columns.refuseHeader(name)
	default:
		return c.columns.checkNumbers(name)
	}
}

// recordsOf reads r, the content of the input name, in its format.
func (c *inputChoice) recordsOf(name string, r io.Reader) (records, error) {
	format, err := c.formatOf(name)
	if err != nil {
		return nil, err
	}
	var rows records
	switch format {
	case "lines":
		rows = &lineRecords{lines: newLineReader(r)}
	case "tsv":
		rows = newTSVRecords(r, c.columns)
	case "csv":
		rows = newCSVRecords(r, c.columns)
	default:
		rows = newJSONRecords(r, c.columns)
	}
	if c.hex {
		rows = &hexRecords{records: rows}
	}
	return rows, nil
}
