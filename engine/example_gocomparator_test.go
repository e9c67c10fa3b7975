package engine_test

import (
	"cmp"
	"fmt"
	"log"
	"strconv"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Keys that are numbers in decimal lie in the order of the numbers.
func ExampleGoComparator() {
	byNumber := &engine.GoComparator{
		Name: "numbers.decimal",
		Compare: func(a, b []byte) int {
			x, _ := strconv.Atoi(string(a))
			y, _ := strconv.Atoi(string(b))
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(string(a), string(b)))
		},
	}
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{GoComparator: byNumber}})
	defer done()

	for _, key := range []string{"9", "1000", "80"} {
		if err := db.Put([]byte(key), nil, nil); err != nil {
			log.Fatal(err)
		}
	}
	rows, end := engine.Scan(db, &engine.IterOptions{LowerBound: []byte("10")})
	for key := range rows {
		fmt.Println(string(key))
	}
	fmt.Println(end())
	// Output:
	// 80
	// 1000
	// <nil>
}
