// Importer is a program that imports rockbridge, for the tests of the ways to link it: it writes and
// reads with every codec, merges, opens again, and says what the linked RocksDB is and has.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// codecs are all that a distribution's RocksDB is built with, the archives among rockbridge's flags.
func codecs() map[string]engine.FamilyOptions {
	families := map[string]engine.FamilyOptions{
		"bzip2": {Extra: "compression=kBZip2Compression"},
	}
	for _, c := range []engine.Compression{
		engine.SnappyCompression, engine.ZlibCompression, engine.LZ4Compression, engine.ZSTDCompression,
	} {
		families[string(c)] = engine.FamilyOptions{Compression: c}
	}
	return families
}

func run(dir string) error {
	counter := engine.FamilyOptions{MergeOperator: engine.Int64Add}
	o := &engine.Options{FamilyOptions: counter, Families: codecs()}
	for range 2 {
		if err := fill(filepath.Join(dir, "db"), o); err != nil {
			return err
		}
	}
	fmt.Println("RocksDB", engine.Version())
	for _, f := range engine.Features() {
		fmt.Printf("%s: %v\n", f, engine.Supports(f))
	}
	return nil
}

// fill adds to the database what it would not read back were a codec or an operator missing.
func fill(dir string, o *engine.Options) error {
	db, err := engine.Open(dir, o)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Merge([]byte("counter"), engine.EncodeInt64(21), engine.Sync); err != nil {
		return err
	}
	for name := range o.Families {
		cf, err := db.ColumnFamily(name)
		if err != nil {
			return err
		}
		for i := range 1000 {
			if err := cf.Put(fmt.Appendf(nil, "%s %04d", name, i), make([]byte, 100), nil); err != nil {
				return err
			}
		}
	}
	if err := db.Flush(); err != nil {
		return err
	}
	for _, cf := range db.ColumnFamilies() {
		rows, done := engine.Scan(cf, nil)
		n := 0
		for range rows {
			n++
		}
		if err := done(); err != nil {
			return err
		}
		fmt.Println(cf.Name(), n)
	}
	sum, err := db.Get([]byte("counter"), nil)
	if err != nil {
		return err
	}
	n, err := engine.DecodeInt64(sum)
	fmt.Println("counter", n)
	return err
}
