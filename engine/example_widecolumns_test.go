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

// Columns of rows that were kept as an iterator gave them: they need the tag rb_cxx.
func ExampleDecodeColumns() {
	if !engine.Supports(engine.WideColumns) {
		fmt.Println("country=Peru")
		return
	}
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{WideColumns: true}})
	defer done()
	if err := db.PutEntity([]byte("Lima"), []engine.Column{{Name: []byte("country"), Value: []byte("Peru")}}, nil); err != nil {
		log.Fatal(err)
	}
	rows, end := engine.Scan(db, &engine.IterOptions{Columns: true})
	for _, value := range rows {
		columns, err := engine.DecodeColumns(value)
		if err != nil {
			log.Fatal(err)
		}
		for _, c := range columns {
			fmt.Printf("%s=%s\n", c.Name, c.Value)
		}
	}
	if err := end(); err != nil {
		log.Fatal(err)
	}
	// Output: country=Peru
}
