package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleExport() {
	ctx := context.Background()
	from, done := opened(nil)
	defer done()
	for _, city := range []string{"FR/Lyon", "FR/Paris", "NO/Oslo"} {
		from.Put([]byte(city), []byte("a city"), nil)
	}
	var file bytes.Buffer // an *os.File as well
	end, err := engine.Export(ctx, from, &engine.IterOptions{Prefix: []byte("FR/")}, &file, nil)
	fmt.Println(end.Rows, end.Whole, err)

	to, done := opened(nil)
	defer done()
	end, err = to.Import(ctx, &file, nil)
	fmt.Printf("%d rows, %s to %s, %v\n", end.Rows, end.FirstKey, end.LastKey, err)
	// Output:
	// 2 true <nil>
	// 2 rows, FR/Lyon to FR/Paris, <nil>
}

// An export that was interrupted goes on at the end of the last whole frame of its file.
func ExampleCheckExport() {
	ctx := context.Background()
	db, done := opened(nil)
	defer done()
	for i := range 5 {
		db.Put(fmt.Append(nil, i), bytes.Repeat([]byte("long "), 100_000), nil)
	}
	var file bytes.Buffer
	if _, err := engine.Export(ctx, db, nil, &file, nil); err != nil {
		log.Fatal(err)
	}
	file.Truncate(file.Len() - 30) // as if the power had gone

	at, err := engine.CheckExport(ctx, bytes.NewReader(file.Bytes()), nil)
	fmt.Println(at.Whole, errors.Is(err, engine.ErrCorruption))
	file.Truncate(int(at.Offset))
	end, err := engine.Export(ctx, db, nil, &file, &engine.ExportOptions{Resume: &at})
	fmt.Println(end.Rows, end.Whole, err)
	// Output:
	// false true
	// 5 true <nil>
}

func ExampleDB_Import() {
	ctx := context.Background()
	from, done := opened(nil)
	defer done()
	for i := range 5 {
		from.Put(fmt.Append(nil, i), bytes.Repeat([]byte("long "), 100_000), nil)
	}
	var buf bytes.Buffer
	if _, err := engine.Export(ctx, from, nil, &buf, nil); err != nil {
		log.Fatal(err)
	}
	file := buf.Bytes()

	to, done := opened(nil)
	defer done()
	at, err := to.Import(ctx, bytes.NewReader(file[:len(file)/2]), nil)
	fmt.Println(at.Whole, errors.Is(err, engine.ErrCorruption))
	at, err = to.Import(ctx, bytes.NewReader(file[at.Offset:]), &engine.ImportOptions{Resume: &at})
	fmt.Println(at.Rows, at.Whole, err)
	// Output:
	// false true
	// 5 true <nil>
}
