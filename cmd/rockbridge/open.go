package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// target is an open database and the family that a command works on.
type target struct {
	db     *engine.DB
	family *engine.ColumnFamily
}

// read runs f on the existing database in dir, opened read-only.
func (g *globals) read(dir string, f func(target) error) error {
	return g.open(dir, &engine.Options{ReadOnly: true, ErrorIfMissing: true}, f)
}

// change runs f on the existing database in dir, opened for writing.
func (g *globals) change(dir string, f func(target) error) error {
	return g.open(dir, &engine.Options{ErrorIfMissing: true}, f)
}

// create is change for a database and a family that may be new.
func (g *globals) create(dir string, f func(target) error) error {
	return g.openWith(dir, &engine.Options{}, orCreateFamily, f)
}

func (g *globals) open(dir string, o *engine.Options, f func(target) error) error {
	return g.openWith(dir, o, (*engine.DB).ColumnFamily, f)
}

func (g *globals) openWith(
	dir string, o *engine.Options,
	find func(*engine.DB, string) (*engine.ColumnFamily, error),
	f func(target) error,
) (err error) {
	db, err := engine.Open(dir, o)
	if err != nil && o.ErrorIfMissing && !holdsDatabase(dir) {
		return fmt.Errorf("%s: there is no database", dir)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	family, err := find(db, g.family)
	if errors.Is(err, engine.ErrFamilyNotFound) {
		return fmt.Errorf("%s: no column family %q", dir, g.family)
	}
	if err != nil {
		return err
	}
	return f(target{db, family})
}

// holdsDatabase looks for the file that every database has. RocksDB says of a
// missing one only which call of the system failed.
func holdsDatabase(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "CURRENT"))
	return !errors.Is(err, fs.ErrNotExist)
}

func orCreateFamily(db *engine.DB, name string) (*engine.ColumnFamily, error) {
	family, err := db.ColumnFamily(name)
	if errors.Is(err, engine.ErrFamilyNotFound) {
		return db.CreateColumnFamily(name, nil)
	}
	return family, err
}
