package engine_test

import (
	"context"
	"fmt"
	"log"
	"time"

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

// A reader that follows by itself, and whose state is watched.
func ExampleSecondary_CatchUpError() {
	primary, done := opened(nil)
	defer done()
	s, err := engine.OpenSecondary(primary.Path(), &engine.Options{CatchUpEvery: time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	primary.Put([]byte("key"), nil, nil)
	for there := false; !there; time.Sleep(time.Millisecond) {
		err := s.View(context.Background(), func(db *engine.DB) (err error) { there, err = db.Has([]byte("key"), nil); return err })
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("up to date:", s.CatchUpError())
	// Output: up to date: <nil>
}
