package engine_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Events are written once, so that those of older tables need not be looked at for what is new. Without the tag rb_cxx it needs
// RocksDB 11.6.
func ExampleTablesFrom() {
	db, done := opened(nil)
	defer done()
	if err := errors.Join(db.Put([]byte("event/1"), []byte("seen"), nil), db.Flush()); err != nil {
		log.Fatal(err)
	}
	tomorrow := uint64(time.Now().Add(24 * time.Hour).Unix())
	it, err := db.NewIter(&engine.IterOptions{
		Tables: []engine.TableCondition{engine.TablesFrom(engine.TableFileCreationTime, tomorrow)},
	})
	if errors.Is(err, engine.ErrUnsupported) {
		fmt.Println("rows: false")
		return
	} else if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	fmt.Println("rows:", it.First())
	// Output: rows: false
}

// Tables that hold few rows, as those that were flushed early. Without the tag rb_cxx it needs RocksDB 11.6.
func ExampleTablesUpTo() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{Extra: "disable_auto_compactions=true"}})
	defer done()
	err := errors.Join(db.Put([]byte("alone"), nil, nil), db.Flush(), db.Put([]byte("with"), nil, nil), db.Put([]byte("others"), nil, nil), db.Flush())
	if err != nil {
		log.Fatal(err)
	}
	it, err := db.NewIter(&engine.IterOptions{Tables: []engine.TableCondition{engine.TablesUpTo(engine.TableEntries, 1)}})
	if errors.Is(err, engine.ErrUnsupported) {
		fmt.Println("alone")
		return
	} else if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		fmt.Printf("%s\n", it.Key())
	}
	// Output: alone
}
