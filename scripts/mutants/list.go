package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one change of one file of cbridge that breaks something.
type mutant struct {
	line   int    // where it stands in the list
	file   string // "get.c"
	tests  []string
	breaks string // what it breaks, in words
	old    string
	new    string
}

// readMutants reads a list, and makes sure that each mutant applies at exactly one place.
func readMutants(name string) ([]mutant, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	list, err := parseMutants(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	var errs []error
	for _, m := range list {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(name), m.file))
		if err == nil {
			_, err = m.apply(string(text))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, m.line, err))
		}
	}
	return list, errors.Join(errs...)
}

// parseMutants reads stanzas: a line "FILE [TEST...]: what it breaks", lines that begin with "-" and are looked for, and
// lines that begin with "+" and come in their place. Empty lines and lines that begin with "#" are left out.
func parseMutants(text string) ([]mutant, error) {
	var list []mutant
	for i, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] != '-' && line[0] != '+':
			head, breaks, ok := strings.Cut(line, ": ")
			words := strings.Fields(head)
			if !ok || len(words) == 0 || breaks == "" {
				return nil, fmt.Errorf("%d: no mutant begins like this", i+1)
			}
			list = append(list, mutant{line: i + 1, file: words[0], tests: words[1:], breaks: breaks})
		case len(list) == 0:
			return nil, fmt.Errorf("%d: a change of no file", i+1)
		case line[0] == '-' && list[len(list)-1].new != "":
			return nil, fmt.Errorf("%d: what is looked for comes first", i+1)
		case line[0] == '-':
			list[len(list)-1].old += line[1:] + "\n"
		default:
			list[len(list)-1].new += line[1:] + "\n"
		}
	}
	for i, m := range list {
		// Part of a line may be enough, so the last end of line is none of it.
		list[i].old, list[i].new = strings.TrimSuffix(m.old, "\n"), strings.TrimSuffix(m.new, "\n")
		if list[i].old == "" || list[i].old == list[i].new {
			return nil, fmt.Errorf("%d: changes nothing", m.line)
		}
	}
	return list, nil
}

// apply gives the file's text with the mutant in it.
func (m mutant) apply(text string) (string, error) {
	if n := strings.Count(text, m.old); n != 1 {
		return "", fmt.Errorf("%s: stands in %s %d times, not once: %q", m.breaks, m.file, n, m.old)
	}
	return strings.Replace(text, m.old, m.new, 1), nil
}
