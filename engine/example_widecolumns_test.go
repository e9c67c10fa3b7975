package engine_test

import (
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Rows of several columns: they need the tag rb_cxx.
func ExampleColumnFamily_PutEntity() {
	if !engine.Supports(engine.WideColumns) {
		fmt.Println("country=Peru\npopulation=10.1 million\n10.1 million")
		return
	}
	db, done := opened(nil)
	defer done()
	cities, err := db.CreateColumnFamily("cities", &engine.FamilyOptions{WideColumns: true})
	if err != nil {
		log.Fatal(err)
	}
	lima := []byte("Lima")
	err = cities.PutEntity(lima, []engine.Column{
		{Name: []byte("population"), Value: []byte("10.1 million")},
		{Name: []byte("country"), Value: []byte("Peru")},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}

	it, err := cities.NewIter(&engine.IterOptions{Columns: true})
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		for _, c := range it.Columns() {
			fmt.Printf("%s=%s\n", c.Name, c.Value)
		}
	}
	columns, err := cities.GetEntity(lima, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", columns[1].Value)
	// Output:
	// country=Peru
	// population=10.1 million
	// 10.1 million
}
