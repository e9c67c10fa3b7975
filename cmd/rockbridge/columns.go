package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// columnChoice is what --key, --value and --header say. A column is its number
// from 1 or, with --header, its name; in JSON, always the name of a field. An
// empty key is the format's own choice; an empty value is all that is not the
// key.
type columnChoice struct {
	key, value string
	header     bool
}

func (c columnChoice) refuseAll(name string) error {
	if c.key != "" || c.value != "" {
		return usagef("%s: a line is one key: --key and --value do not apply", name)
	}
	return c.refuseHeader(name)
}

func (c columnChoice) refuseHeader(name string) error {
	if c.header {
		return usagef("%s: --header is for tsv and csv only", name)
	}
	return nil
}

// checkNumbers refuses a column that is no number where no header gives names.
func (c columnChoice) checkNumbers(name string) error {
	for _, column := range []string{c.key, c.value} {
		if column == "" || c.header {
			continue
		}
		if n, err := strconv.Atoi(column); err != nil || n < 1 {
			return usagef("%s: column %q is not a number from 1; for names say --header", name, column)
		}
	}
	return nil
}

// columns are a columnChoice resolved: indexes from 0; restOfRow as the value.
type columns struct{ key, value int }

const restOfRow = -1

// resolve finds the chosen columns; header is nil if there is none.
func (c columnChoice) resolve(header []string) (columns, error) {
	found := columns{key: 0, value: restOfRow}
	var err error
	if c.key != "" {
		if found.key, err = indexOf(c.key, header); err != nil {
			return found, err
		}
	}
	if c.value != "" {
		found.value, err = indexOf(c.value, header)
	}
	return found, err
}

// indexOf looks a column up by name, then by number.
func indexOf(column string, header []string) (int, error) {
	if i := slices.Index(header, column); i >= 0 {
		return i, nil
	}
	if n, err := strconv.Atoi(column); err == nil && n >= 1 {
		return n - 1, nil
	}
	return 0, fmt.Errorf("no column %q; there are %s", column, strings.Join(header, ", "))
}

// check refuses a row too short to hold both columns.
func (c columns) check(have int) error {
	if need := max(c.key, c.value) + 1; have < need {
		return fmt.Errorf("column %d is wanted, the row has %d", need, have)
	}
	return nil
}
