package engine_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleDB_MultiGet() {
	db, done := opened(nil)
	defer done()
	db.Put([]byte("a"), []byte("first"), nil)
	db.Put([]byte("c"), []byte("third"), nil)

	keys := [][]byte{[]byte("c"), []byte("b"), []byte("a"), []byte("c")}
	values, err := db.MultiGet(keys, nil) // one call into C
	if err != nil {
		log.Fatal(err)
	}
	for i, v := range values {
		if v.Err == engine.ErrNotFound {
			fmt.Printf("%s is absent\n", keys[i])
			continue
		}
		fmt.Printf("%s: %s %v\n", keys[i], v.Data, v.Err)
	}
	kept := bytes.Clone(values[0].Data) // without the buffer of all
	fmt.Printf("%s\n", kept)
	// Output:
	// c: third <nil>
	// b is absent
	// a: first <nil>
	// c: third <nil>
	// third
}

func ExampleDB_MultiGetFamilies() {
	db, done := opened(nil)
	defer done()
	names, err := db.CreateColumnFamily("names", nil)
	if err != nil {
		log.Fatal(err)
	}
	ages, err := db.CreateColumnFamily("ages", nil)
	if err != nil {
		log.Fatal(err)
	}
	b := db.NewBatch()
	b.In(names).Put([]byte("1"), []byte("Ada"))
	b.In(ages).Put([]byte("1"), []byte("36"))
	if err := db.Write(b, nil); err != nil {
		log.Fatal(err)
	}

	// Both values are of one state, whatever is written meanwhile.
	values, err := db.MultiGetFamilies([]engine.FamilyKey{
		{Family: names, Key: []byte("1")}, {Family: ages, Key: []byte("1")},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %s\n", values[0].Data, values[1].Data)
	// Output: Ada, 36
}
