package iterator_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// towns opens a database with some towns and how many people live there, in thousands.
func towns() (db *engine.DB, remove func()) {
	dir, err := os.MkdirTemp("", "towns")
	if err != nil {
		log.Fatal(err)
	}
	db, err = engine.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	var b engine.Batch
	for _, town := range [][2]string{
		{"at/Graz", "303"},
		{"at/Linz", "210"},
		{"at/Wien", "2006"},
		{"ch/Basel", "178"},
		{"ch/Bern", "137"},
		{"de/Bonn", "332"},
		{"de/Jena", "111"},
	} {
		if err := b.Put([]byte(town[0]), []byte(town[1])); err != nil {
			log.Fatal(err)
		}
	}
	if err := db.Write(&b, nil); err != nil {
		log.Fatal(err)
	}
	return db, func() {
		db.Close()
		os.RemoveAll(dir)
	}
}

// Next goes to the first row from where a fresh iterator stands. Key and Value are copies.
func ExampleIterator_Next() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	for it.Next() {
		fmt.Printf("%s: %s\n", it.Key(), it.Value())
	}
	if err := it.Error(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// at/Graz: 303
	// at/Linz: 210
	// at/Wien: 2006
	// ch/Basel: 178
	// ch/Bern: 137
	// de/Bonn: 332
	// de/Jena: 111
}

// A prefix may also be given in the options; then the rows behind it are not even fetched.
func ExampleIterator_HasPrefix() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	prefix := []byte("ch/")
	for ok := it.SeekGE(prefix); ok && it.HasPrefix(prefix); ok = it.Next() {
		fmt.Printf("%s\n", it.Key())
	}
	if err := it.Error(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// ch/Basel
	// ch/Bern
}

func ExampleIterator_Prev() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(&engine.IterOptions{Prefix: []byte("at/"), KeysOnly: true})
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	for ok := it.Last(); ok; ok = it.Prev() {
		fmt.Printf("%s\n", it.Key())
	}
	if err := it.Error(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// at/Wien
	// at/Linz
	// at/Graz
}

// SeekLE finds the row that a key belongs to when rows stand for the ranges that begin with them.
func ExampleIterator_SeekLE() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	if it.SeekLE([]byte("ch/Bergün")) {
		fmt.Printf("%s\n", it.Key())
	}
	fmt.Println(it.SeekLE([]byte("aa")), it.Error())
	// Output:
	// ch/Basel
	// false <nil>
}

// The rows of a loop are not copied, and may be kept all the same.
func ExampleIterator_All() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	var kept [][]byte
	for key, value := range it.All() {
		if len(value) > 3 {
			fmt.Printf("%s has millions\n", key)
		}
		kept = append(kept, key)
	}
	if err := it.Error(); err != nil { // a loop cannot tell why it ended
		log.Fatal(err)
	}
	fmt.Printf("%d keys, the first is %s\n", len(kept), kept[0])
	// Output:
	// at/Wien has millions
	// 7 keys, the first is at/Graz
}

func ExampleIterator_From() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	for key := range it.From([]byte("ch/Bern")) {
		fmt.Printf("%s\n", key)
		if it.HasPrefix([]byte("de/")) {
			break
		}
	}
	fmt.Printf("on %s\n", it.Key())
	// Output:
	// ch/Bern
	// de/Bonn
	// on de/Bonn
}

// One chunk serves a whole scan without a copy or an allocation for any row.
func ExampleIterator_NextChunk() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	var c iterator.Chunk
	rows, bytes := 0, 0
	for it.NextChunk(&c) {
		for i := range c.Len() {
			rows++
			bytes += len(c.Key(i)) + len(c.Value(i))
		}
	}
	if err := it.Error(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d rows, %d bytes\n", rows, bytes)
	// Output:
	// 7 rows, 72 bytes
}

// Rows taken out of a chunk are the taker's: another goroutine may go on with them while the scan
// does.
func ExampleChunk_Take() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	work, done := make(chan iterator.Chunk), make(chan int)
	go func() {
		rows := 0
		for c := range work {
			for key, value := range c.All() {
				if len(key) > 0 && len(value) > 0 {
					rows++
				}
			}
		}
		done <- rows
	}()
	var c iterator.Chunk
	for it.NextChunk(&c) {
		work <- c.Take()
	}
	close(work)
	fmt.Println(<-done, "rows")
	if err := it.Error(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 7 rows
}

// One iterator serves many ranges of one state.
func ExampleIterator_SetBounds() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	for _, country := range []string{"at", "ch", "de"} {
		it.SetBounds([]byte(country+"/"), []byte(country+"0")) // 0 is the byte after the slash
		for it.Next() {
			fmt.Printf("%s ", it.AppendKey(nil)[len("at/"):])
		}
		if err := it.Error(); err != nil {
			log.Fatal(err)
		}
		fmt.Println("in", country)
	}
	// Output:
	// Graz Linz Wien in at
	// Basel Bern in ch
	// Bonn Jena in de
}

// An iterator shows the state of its creation until it is refreshed.
func ExampleIterator_Refresh() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	if err := db.Put([]byte("fr/Metz"), []byte("122"), nil); err != nil {
		log.Fatal(err)
	}
	it.Last()
	fmt.Printf("%s\n", it.Key())
	if err := it.Refresh(); err != nil {
		log.Fatal(err)
	}
	it.Last()
	fmt.Printf("%s\n", it.Key())
	// Output:
	// de/Jena
	// fr/Metz
}

func ExampleIterator_Count() {
	db, remove := towns()
	defer remove()
	it, err := db.NewIter(&engine.IterOptions{UpperBound: []byte("de/")})
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	rows, keyBytes, valueBytes, err := it.Count(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rows, keyBytes, valueBytes)
	// Output:
	// 5 36 16
}
