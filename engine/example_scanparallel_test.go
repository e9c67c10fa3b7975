package engine_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

func ExampleScanParallel() {
	dir, err := os.MkdirTemp("", "rockbridge")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	b := db.NewBatch()
	for i := range 1000 {
		b.Put(fmt.Appendf(nil, "user/%04d", i), make([]byte, i))
	}
	if err := db.Write(b, nil); err != nil {
		log.Fatal(err)
	}

	// How many bytes do the values have? Of each, one byte is fetched.
	var total atomic.Int64
	o := &engine.IterOptions{Prefix: []byte("user/"), ValuesUpTo: 1}
	err = engine.ScanParallel(context.Background(), db, o, 4, func(part int, c *iterator.Chunk) error {
		for i := range c.Len() {
			total.Add(int64(c.ValueLen(i)))
		}
		return nil
	})
	fmt.Println(total.Load(), err)
	// Output: 499500 <nil>
}
