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
