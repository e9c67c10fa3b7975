package main

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// tsvRecords reads lines of fields with tabs between. There is no quoting: what
// stands between two tabs is the field.
type tsvRecords struct {
	lines   *lineReader
	choice  columnChoice
	columns *columns // nil until the first row
	fields  [][]byte
	rest    []byte
}

func newTSVRecords(r io.Reader, choice columnChoice) *tsvRecords {
	return &tsvRecords{lines: newLineReader(r), choice: choice}
}

func (r *tsvRecords) line() int { return r.lines.count }

func (r *tsvRecords) next() (key, value []byte, err error) {
	if r.columns == nil {
		if err := r.begin(); err != nil {
			return nil, nil, err
		}
	}
	line, err := r.lines.next()
	if err != nil {
		return nil, nil, err
	}
	if *r.columns == (columns{key: 0, value: restOfRow}) {
		key, value, found := bytes.Cut(line, []byte{'\t'})
		if !found {
			return nil, nil, errors.New("no tab in the line")
		}
		return key, value, nil
	}
	return r.pick(line)
}

// begin reads the header, if there is one, and finds the columns.
func (r *tsvRecords) begin() error {
	var header []string
	if r.choice.header {
		line, err := r.lines.next()
		if err != nil {
			return err
		}
		header = strings.Split(string(line), "\t")
	}
	found, err := r.choice.resolve(header)
	if err != nil {
		return err
	}
	r.columns = &found
	return nil
}

func (r *tsvRecords) pick(line []byte) (key, value []byte, err error) {
	r.fields = r.fields[:0]
	for field := range bytes.SplitSeq(line, []byte{'\t'}) {
		r.fields = append(r.fields, field)
	}
	if err := r.columns.check(len(r.fields)); err != nil {
		return nil, nil, err
	}
	key = r.fields[r.columns.key]
	if r.columns.value != restOfRow {
		return key, r.fields[r.columns.value], nil
	}
	others := slices.Delete(r.fields, r.columns.key, r.columns.key+1)
	r.rest = r.rest[:0]
	for i, field := range others {
		if i > 0 {
			r.rest = append(r.rest, '\t')
		}
		r.rest = append(r.rest, field...)
	}
	return key, r.rest, nil
}
