package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// What a database is asked is recorded, looked at, and done again on a copy from before. Without the tag rb_cxx it needs
// RocksDB 11.6.
func ExampleDB_StartTrace() {
	dir, err := os.MkdirTemp("", "traced")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, done := opened(nil)
	defer done()
	copied, trace := filepath.Join(dir, "copy"), filepath.Join(dir, "trace")
	if err := db.Checkpoint(context.Background(), copied); err != nil {
		log.Fatal(err)
	}

	err = db.StartTrace(trace, &engine.TraceOptions{MaxBytes: 100 << 20})
	if errors.Is(err, engine.ErrUnsupported) {
		fmt.Print("write of \"\"\nget of \"Berlin\"\n1 write and 1 lookup, which found 1 key\n")
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	err = db.Put([]byte("Berlin"), []byte("3.6 million"), nil)
	if _, got := db.Get([]byte("Berlin"), nil); err != nil || got != nil {
		log.Fatal(err, got)
	}
	if err := db.EndTrace(); err != nil {
		log.Fatal(err)
	}

	t, err := engine.OpenTrace(trace)
	if err != nil {
		log.Fatal(err)
	}
	for t.Next() {
		fmt.Printf("%s of %q\n", t.Record().Kind, t.Record().Key)
	}
	if err := errors.Join(t.Error(), t.Close()); err != nil {
		log.Fatal(err)
	}

	again, err := engine.Open(copied, nil)
	if err != nil {
		log.Fatal(err)
	}
	if t, err = engine.OpenTrace(trace); err != nil {
		log.Fatal(err)
	}
	report, err := again.Replay(context.Background(), t, &engine.ReplayOptions{Speed: 10})
	if err := errors.Join(err, report.First, t.Close(), again.Close()); err != nil {
		log.Fatal(err)
	}
	gets := report.Kinds[engine.TraceGet]
	fmt.Println(report.Kinds[engine.TraceWrite].Done, "write and", gets.Done, "lookup, which found", gets.Found, "key")
	// Output:
	// write of ""
	// get of "Berlin"
	// 1 write and 1 lookup, which found 1 key
}

// A trace is read from anywhere, a request's body for example. Without the tag rb_cxx it needs RocksDB 11.6.
func ExampleReadTrace() {
	db, done := opened(nil)
	defer done()
	path := db.Path() + "-trace"
	if err := db.StartTrace(path, nil); errors.Is(err, engine.ErrUnsupported) {
		fmt.Print("get of \"Lima\"\n<nil> <nil>\n")
		return
	} else if err != nil {
		log.Fatal(err)
	}
	db.Get([]byte("Lima"), nil)
	if err := db.EndTrace(); err != nil {
		log.Fatal(err)
	}
	sent, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}

	t, err := engine.ReadTrace(bytes.NewReader(sent))
	if err != nil {
		log.Fatal(err)
	}
	for t.Next() {
		fmt.Printf("%s of %q\n", t.Record().Kind, t.Record().Key)
	}
	fmt.Println(t.Error(), t.Close())
	// Output:
	// get of "Lima"
	// <nil> <nil>
}

// What RocksDB asks of files and of its block cache, for its own programs that look at such traces. Without the tag rb_cxx it
// needs RocksDB 11.6.
func ExampleDB_StartIOTrace() {
	db, done := opened(nil)
	defer done()
	files, blocks := db.Path()+"-files", db.Path()+"-blocks"
	if err := db.StartIOTrace(files, nil); errors.Is(err, engine.ErrUnsupported) {
		fmt.Print("true\ntrue\n")
		return
	} else if err != nil {
		log.Fatal(err)
	}
	if err := db.StartBlockCacheTrace(blocks, &engine.TraceOptions{Every: 1}); err != nil {
		log.Fatal(err)
	}
	err := errors.Join(db.Put([]byte("Lima"), nil, nil), db.Flush())
	_, got := db.Get([]byte("Lima"), nil)
	if err := errors.Join(err, got, db.EndIOTrace(), db.EndBlockCacheTrace()); err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{files, blocks} {
		info, err := os.Stat(path)
		fmt.Println(err == nil && info.Size() > 0)
	}
	// Output:
	// true
	// true
}
