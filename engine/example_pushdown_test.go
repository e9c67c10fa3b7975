package engine_test

import (
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Rows that a filter does not keep never come to Go.
func ExamplePredicate() {
	db, closeDB := opened(nil)
	defer closeDB()
	for _, row := range [][2]string{{"user:1", "Ada, admin"}, {"user:2", "Bob, guest"}, {"user:3", "Eve, admin"}} {
		db.Put([]byte(row[0]), []byte(row[1]), nil)
	}
	admins := engine.And(
		engine.RowValue.HasSuffix([]byte(", admin")),
		engine.Not(engine.RowKey.Is(engine.Equal, []byte("user:1"))),
	)
	rows, done := engine.Scan(db, &engine.IterOptions{Prefix: []byte("user:"), Filter: admins})
	for key, value := range rows {
		fmt.Printf("%s: %s\n", key, value)
	}
	if err := done(); err != nil {
		log.Fatal(err)
	}
	// Output: user:3: Eve, admin
}
