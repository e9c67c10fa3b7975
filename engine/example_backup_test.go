package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

func ExampleBackups() {
	db, done := opened(nil)
	defer done()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	backups, err := engine.OpenBackups(filepath.Join(dir, "backups"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer backups.Close()
	for _, city := range []string{"Lima", "Ulm"} { // the second copies what is new only
		db.Put([]byte(city), []byte("a city"), nil)
		if _, err := backups.Create(ctx, db, &engine.BackupOptions{Flush: true}); err != nil {
			log.Fatal(err)
		}
	}
	db.DeleteRange(nil, []byte("z"), nil) // an accident

	all, err := backups.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range all {
		fmt.Println("backup", b.ID, "is good:", backups.Verify(ctx, b.ID, nil) == nil)
	}
	restored := filepath.Join(dir, "restored")
	if err := backups.Restore(ctx, 0, restored, nil); err != nil { // 0: the newest
		log.Fatal(err)
	}
	again, err := engine.Open(restored, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer again.Close()
	cities, _, _, err := engine.Count(ctx, again, nil)
	fmt.Println(cities, "cities are back:", err)

	if err := backups.Purge(ctx, 1); err != nil {
		log.Fatal(err)
	}
	all, _ = backups.List(ctx)
	fmt.Println("kept:", len(all))
	// Output:
	// backup 1 is good: true
	// backup 2 is good: true
	// 2 cities are back: <nil>
	// kept: 1
}

// A backup with a note, and somebody who watches its making. Notes need RocksDB 11.6.
func ExampleBackupOptions() {
	db, done := opened(nil)
	defer done()
	db.Put([]byte("key"), nil, nil)
	backups, err := engine.OpenBackups(db.Path()+"-backups", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer backups.Close()
	o := &engine.BackupOptions{
		Flush:    true,
		Note:     []byte("before the upgrade"),
		Progress: func(copied int64) {}, // a bar, for example
	}
	if !engine.Supports(engine.BackupNote) {
		o.Note = nil
	}
	b, err := backups.Create(context.Background(), db, o)
	fmt.Println(b.ID, bytes.Equal(b.Note, o.Note), err)
	// Output: 1 true <nil>
}
