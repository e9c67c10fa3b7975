//go:build pebblegozstd

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

type pebbleSource struct{ db *pebble.DB }

// quiet is a logger that says nothing: errors come back from the calls.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}

// Fatalf must not return. What is in DST.importing then is removed by the next import.
func (quiet) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "rockbridge-import: "+format+"\n", args...)
	os.Exit(exitError)
}

func openPebble(dir string) (source, error) {
	o := &pebble.Options{ReadOnly: true, ErrorIfNotExists: true, Logger: quiet{}}
	o.EventListener = &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}} // the calls tell; the default ends the process
	db, err := pebble.Open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &pebbleSource{db}, nil
}

func (s *pebbleSource) families() ([]family, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{KeyTypes: pebble.IterKeyTypeRangesOnly})
	if err != nil {
		return nil, err
	}
	found := it.First()
	if err := it.Close(); err != nil {
		return nil, firstLine(err)
	}
	if found {
		return nil, errors.New("the store has range keys, which have no twin here")
	}
	return []family{{name: "default", rows: s.rows}}, nil
}

func (s *pebbleSource) rows(f func(key, value []byte) error) error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err == nil {
			err = f(it.Key(), value)
		}
		if err != nil {
			it.Close() // the error that ended the loop is the one to tell
			return err
		}
	}
	return firstLine(it.Close()) // which tells what ended the loop
}

// firstLine leaves out the marks that Pebble puts behind an error's text.
func firstLine(err error) error {
	if err == nil {
		return nil
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(text)
}

func (s *pebbleSource) notes() []string { return nil }

func (s *pebbleSource) close() error { return s.db.Close() }
