package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleBulkLoad() {
	db, done := opened(nil)
	defer done()
	cities, err := db.CreateColumnFamily("cities", nil)
	if err != nil {
		log.Fatal(err)
	}
	rows := func(yield func(key, value []byte) bool) { // in any order
		for _, row := range []string{"Lima=10.1 million", "Berlin=3.6 million", "Berlin=3.7 million"} {
			key, value, _ := bytes.Cut([]byte(row), []byte("="))
			if !yield(key, value) {
				return
			}
		}
	}
	stats, err := engine.BulkLoad(context.Background(), cities, rows, nil)
	if err != nil {
		log.Fatal(err) // and no row is there
	}
	fmt.Printf("%d rows, %d keys, sorted: %v\n", stats.Rows, stats.Stored, stats.Sorted)
	v, err := cities.Get([]byte("Berlin"), nil)
	fmt.Printf("%s %v\n", v, err)
	// Output:
	// 3 rows, 2 keys, sorted: false
	// 3.7 million <nil>
}

func ExampleColumnFamily_NewLoader() {
	db, done := opened(nil)
	defer done()
	l, err := db.NewLoader(context.Background(), &engine.BulkLoadOptions{
		Combine: func(_, earlier, later []byte) ([]byte, error) { return append(earlier, later...), nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close() // gives up what is not finished
	for _, word := range []string{"to", "be", "or", "not", "to", "be"} {
		if err := l.Add([]byte(word), []byte("x")); err != nil {
			log.Fatal(err)
		}
	}
	if err := l.Finish(); err != nil {
		log.Fatal(err)
	}
	rows, end := engine.Scan(db, nil)
	for word, times := range rows {
		fmt.Printf("%s %d\n", word, len(times))
	}
	if err := end(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// be 2
	// not 1
	// or 1
	// to 2
}

func ExampleSSTWriter() {
	db, done := opened(nil)
	defer done()
	if err := db.Put([]byte("b"), []byte("in the way"), nil); err != nil {
		log.Fatal(err)
	}
	def, err := db.ColumnFamily("default")
	if err != nil {
		log.Fatal(err)
	}
	w, err := engine.NewSSTWriter(filepath.Join(filepath.Dir(db.Path()), "rows.sst"), &engine.SSTWriterOptions{Family: def})
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()                         // removes the file, unless it is finished
	w.DeleteRange([]byte("a"), []byte("c")) // of what is there; not of this file's own rows
	w.Put([]byte("a"), []byte("1"))
	w.Put([]byte("c"), []byte("3"))
	file, err := w.Finish() // tells the first error of them all
	if err != nil {
		log.Fatal(err)
	}
	if err := db.Ingest(context.Background(), []string{file.Path}, &engine.IngestOptions{Move: true, Trusted: true}); err != nil {
		log.Fatal(err)
	}
	rows, end := engine.Scan(db, nil)
	for key, value := range rows {
		fmt.Printf("%s=%s\n", key, value)
	}
	if err := end(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// a=1
	// c=3
}

// Old rows from an archive: those that are there win.
func ExampleIngestOptions() {
	db, done := opened(&engine.Options{Extra: "allow_ingest_behind=true"}) // before the first row
	defer done()
	db.Put([]byte("b"), []byte("newer"), nil)
	w, err := engine.NewSSTWriter(db.Path()+"-archive.sst", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	for _, key := range []string{"a", "b"} {
		if err := w.Put([]byte(key), []byte("archive")); err != nil {
			log.Fatal(err)
		}
	}
	file, err := w.Finish()
	if err != nil {
		log.Fatal(err)
	}
	if err := db.Ingest(context.Background(), []string{file.Path}, &engine.IngestOptions{Behind: true}); err != nil {
		log.Fatal(err)
	}
	rows, end := engine.Scan(db, nil)
	for key, value := range rows {
		fmt.Printf("%s=%s\n", key, value)
	}
	fmt.Println(end())
	// Output:
	// a=archive
	// b=newer
	// <nil>
}

// A large file becomes part of the database without being copied, or not at all, and goes where it is compacted last.
func ExampleIngestOptions_link() {
	db, done := opened(nil)
	defer done()
	w, err := engine.NewSSTWriter(db.Path()+"-rows.sst", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	w.Put([]byte("key"), []byte("value"))
	file, err := w.Finish()
	if err != nil {
		log.Fatal(err)
	}
	o := &engine.IngestOptions{
		Link:           engine.Supports(engine.IngestLinks), // RocksDB 11.6; Move takes the old name away
		NoCopy:         engine.Supports(engine.IngestNoCopy),
		BottommostOnly: engine.Supports(engine.IngestBottommost), // RocksDB 8.1
	}
	o.Move = !o.Link
	fmt.Println(db.Ingest(context.Background(), []string{file.Path}, o))
	has, err := db.Has([]byte("key"), nil)
	fmt.Println(has, err)
	// Output:
	// <nil>
	// true <nil>
}
