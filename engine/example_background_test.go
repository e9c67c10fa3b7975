package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

// All files of level 0 into level 1. Without the tag rb_cxx it needs RocksDB 11.6.
func ExampleColumnFamily_CompactWith() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{Extra: "disable_auto_compactions=true"}}) // which move files on
	defer done()
	if err := db.Put([]byte("Lima"), []byte("a city"), nil); err != nil {
		log.Fatal(err)
	}
	err := db.CompactWith(context.Background(), nil, nil, &engine.CompactOptions{
		Bottommost:  engine.BottommostForce, // what was deleted goes from the last level too
		ChangeLevel: true,
		TargetLevel: 4,
	})
	if err != nil {
		log.Fatal(err)
	}
	files, err := db.LiveFiles()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(files), "file in level", files[0].Level)
	// Output: 1 file in level 4
}

func ExampleColumnFamily_CompactFiles() {
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{Extra: "disable_auto_compactions=true"}}) // which move files on
	defer done()
	for _, city := range []string{"Berlin", "Lima"} {
		if err := db.Put([]byte(city), []byte("a city"), nil); err != nil {
			log.Fatal(err)
		}
		if err := db.Flush(); err != nil {
			log.Fatal(err)
		}
	}

	files, err := db.LiveFiles()
	if err != nil {
		log.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if f.Family == "default" && f.Level == 0 {
			names = append(names, f.Name)
		}
	}
	err = db.CompactFiles(context.Background(), names, 1, nil)
	if errors.Is(err, engine.ErrUnsupported) {
		fmt.Println("1 file in level 1")
		return
	} else if err != nil {
		log.Fatal(err)
	}
	if files, err = db.LiveFiles(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d file in level %d\n", len(files), files[0].Level)
	// Output:
	// 1 file in level 1
}

// The space of rows that were deleted is given back, and nobody waits for it.
func ExampleColumnFamily_SuggestCompact() {
	db, done := opened(nil)
	defer done()
	ctx, start, end := context.Background(), []byte("2025"), []byte("2026")
	for _, day := range []string{"2025-01-01", "2025-12-31", "2026-01-01"} {
		if err := db.Put([]byte(day), []byte("measured"), nil); err != nil {
			log.Fatal(err)
		}
	}
	if err := db.Compact(ctx, nil, nil); err != nil { // they lie below level 0
		log.Fatal(err)
	}
	if err := db.DeleteRange(start, end, nil); err != nil {
		log.Fatal(err)
	}
	if err := db.Flush(); err != nil { // the deletion is in a file, too
		log.Fatal(err)
	}
	if err := db.SuggestCompact(ctx, start, end); err != nil {
		log.Fatal(err)
	}

	if err := db.WaitForCompact(ctx); err != nil && !errors.Is(err, engine.ErrUnsupported) {
		log.Fatal(err)
	}
	rows, _, _, err := engine.Count(ctx, db, nil)
	fmt.Println(rows, err)
	// Output: 1 <nil>
}

// A time without flushes and compactions. Without the tag rb_cxx it needs RocksDB 11.6.
func ExampleDB_PauseBackground() {
	db, done := opened(nil)
	defer done()
	pause, err := db.PauseBackground(context.Background())
	if errors.Is(err, engine.ErrUnsupported) {
		fmt.Println("busy")
		return
	} else if err != nil {
		log.Fatal(err)
	}
	defer pause.Continue()
	if err := db.Put([]byte("k"), []byte("v"), nil); err != nil { // goes on, as long as there is room in memory
		log.Fatal(err)
	}
	if errors.Is(db.Flush(), engine.ErrBusy) { // would wait for the end of the pause
		fmt.Println("busy")
	}
	// Output:
	// busy
}

// Two databases that delete files slowly, and may take 100 GB. Without the tag rb_cxx it needs RocksDB 10.6.
func ExampleNewDiskBudget() {
	budget, err := engine.NewDiskBudget(engine.DiskLimits{MaxBytes: 100e9, DeleteRate: 64 << 20})
	if errors.Is(err, engine.ErrUnsupported) {
		fmt.Println("files: true")
		return
	} else if err != nil {
		log.Fatal(err)
	}
	defer budget.Close()
	one, done := opened(&engine.Options{Disk: budget})
	defer done()
	two, done := opened(&engine.Options{Disk: budget})
	defer done()
	for _, db := range []*engine.DB{one, two} {
		if err := db.Put([]byte("k"), []byte("v"), nil); err != nil {
			log.Fatal(err)
		}
		if err := db.Flush(); errors.Is(err, engine.ErrNoSpace) {
			log.Fatal("more room is needed, or less data: ", err)
		} else if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("files:", budget.Usage().Files > 0)
	// Output:
	// files: true
}

// The limit is reached, nothing is broken, and with a higher one writes go on. Without the tag rb_cxx it needs RocksDB 10.6.
func ExampleDiskBudget_SetLimits() {
	budget, err := engine.NewDiskBudget(engine.DiskLimits{MaxBytes: 1})
	if errors.Is(err, engine.ErrUnsupported) {
		fmt.Print("full: true\nafter that: <nil>\n")
		return
	} else if err != nil {
		log.Fatal(err)
	}
	defer budget.Close()
	db, done := opened(&engine.Options{Disk: budget})
	defer done()
	if err := errors.Join(db.Put([]byte("first"), nil, nil), db.Flush()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("full:", errors.Is(db.Put([]byte("second"), nil, nil), engine.ErrNoSpace))
	if err := budget.SetLimits(engine.DiskLimits{MaxBytes: 1 << 30}); err != nil {
		log.Fatal(err)
	}
	fmt.Println("after that:", db.Put([]byte("second"), nil, nil))
	// Output:
	// full: true
	// after that: <nil>
}
