package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleOpenSecondary() {
	primary, done := opened(nil) // usually another process
	defer done()
	s, err := engine.OpenSecondary(primary.Path(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	show := func() {
		err := s.View(context.Background(), func(db *engine.DB) error {
			there, err := db.Has([]byte("key"), nil)
			fmt.Println(there)
			return err
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	primary.Put([]byte("key"), []byte("value"), nil)
	show()
	if err := s.CatchUp(context.Background()); err != nil {
		log.Fatal(err)
	}
	show()
	// Output:
	// false
	// true
}
