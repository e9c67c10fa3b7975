package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
)

// csvRecords reads CSV as RFC 4180 has it; every record must have as many
// fields as the first.
type csvRecords struct {
	r       *csv.Reader
	choice  columnChoice
	columns *columns // nil until the first row
	at      int
	key     []byte
	value   bytes.Buffer
}

func newCSVRecords(r io.Reader, choice columnChoice) *csvRecords {
	reader := csv.NewReader(r)
	reader.ReuseRecord = true
	return &csvRecords{r: reader, choice: choice}
}

func (r *csvRecords) line() int { return r.at }

func (r *csvRecords) next() (key, value []byte, err error) {
	if r.columns == nil {
		if err := r.begin(); err != nil {
			return nil, nil, err
		}
	}
	record, err := r.read()
	if err != nil {
		return nil, nil, err
	}
	if err := r.columns.check(len(record)); err != nil {
		return nil, nil, err
	}
	r.key = append(r.key[:0], record[r.columns.key]...)
	value, err = r.valueOf(record)
	return r.key, value, err
}

// begin reads the header, if there is one, and finds the columns.
func (r *csvRecords) begin() error {
	var header []string
	if r.choice.header {
		var err error
		if header, err = r.read(); err != nil {
			return err
		}
	}
	found, err := r.choice.resolve(header)
	if err != nil {
		return err
	}
	r.columns = &found
	return nil
}

// read gives the next record and keeps the line it begins on.
func (r *csvRecords) read() ([]string, error) {
	record, err := r.r.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		r.at = parse.Line
		return nil, parse.Err
	}
	if err != nil {
		r.at++
		return nil, err
	}
	r.at, _ = r.r.FieldPos(0)
	return record, nil
}

// valueOf is the chosen field or, of the others, a line of CSV again without
// its newline.
func (r *csvRecords) valueOf(record []string) ([]byte, error) {
	r.value.Reset()
	if r.columns.value != restOfRow {
		r.value.WriteString(record[r.columns.value])
		return r.value.Bytes(), nil
	}
	others := slices.Delete(record, r.columns.key, r.columns.key+1)
	if len(others) == 0 {
		return nil, nil
	}
	w := csv.NewWriter(&r.value)
	if err := w.Write(others); err != nil {
		return nil, err
	}
	w.Flush()
	return bytes.TrimSuffix(r.value.Bytes(), []byte{'\n'}), w.Error()
}
