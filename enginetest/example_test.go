package enginetest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/enginetest"
)

// addAll is code to be tested: it writes to anything that takes writes.
func addAll(w engine.Writer, keys ...string) error {
	for _, k := range keys {
		if err := w.Put([]byte(k), []byte("1")); err != nil {
			return err
		}
	}
	return nil
}

// A test of rows that survive a crash.
func ExampleCrash() {
	test := func(t *testing.T) {
		db := enginetest.Open(t, nil)
		model := enginetest.NewModel(nil)
		if err := errors.Join(addAll(db.Writer(nil), "a", "b"), addAll(model, "a", "b")); err != nil {
			t.Fatal(err)
		}
		db = enginetest.Crash(t, db, nil)
		model.Check(t, db)
	}
	fmt.Println(passes(test))
	// Output: true
}

// passes does as go test with what stands for a test function in these examples.
func passes(test func(t *testing.T)) bool {
	verbose := flag.Lookup("test.v").Value // what -v prints would be in the example's output
	defer verbose.Set(verbose.String())
	if err := verbose.Set("false"); err != nil {
		log.Fatal(err)
	}
	all := func(string, string) (bool, error) { return true, nil }
	return testing.RunTests(all, []testing.InternalTest{{Name: "Test", F: test}})
}

func ExampleRun() {
	test := func(t *testing.T) {
		o := &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.AppendDelimited("")}}
		enginetest.Run(t, enginetest.Config{
			Open:       enginetest.Databases(o),
			Operations: 50,
			Merge:      func(old, operand []byte) []byte { return append(old, operand...) },
		})
	}
	fmt.Println(passes(test))
	// Output: true
}

func ExampleModel_Diff() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	model := enginetest.NewModel(nil)
	fmt.Println(addAll(db.Writer(nil), "a", "b"), addAll(model, "a", "b", "c"))
	fmt.Println(model.Diff(db))
	// Output:
	// <nil> <nil>
	// forward: the row "c" is missing, and so is all behind it
}

func ExampleFailWrites() {
	full := &engine.Error{Op: "put", Code: engine.CodeNoSpace}
	w := enginetest.FailWrites(new(engine.Batch), 2, full)
	err := addAll(w, "a", "b", "c")
	fmt.Println(errors.Is(err, engine.ErrNoSpace))
	// Output: true
}

// sum is code to be tested: it reads from anything that can be read.
func sum(r engine.Reader, keys ...string) (n int, err error) {
	for _, k := range keys {
		value, err := r.Get([]byte(k), nil)
		if err != nil {
			return 0, fmt.Errorf("sum: %w", err)
		}
		n += len(value)
	}
	return n, nil
}

func ExampleFailReads() {
	test := func(t *testing.T) {
		db := enginetest.Open(t, nil)
		if err := addAll(db.Writer(nil), "a", "b"); err != nil {
			t.Fatal(err)
		}
		bad := enginetest.FailReads(db, 1, &engine.Error{Op: "get", Code: engine.CodeCorruption})
		if _, err := sum(bad, "a", "b"); !errors.Is(err, engine.ErrCorruption) {
			t.Error(err)
		}
	}
	fmt.Println(passes(test))
	// Output: true
}

// A program that reads a damaged table says so, and shows no wrong row.
func ExampleFlipBit() {
	test := func(t *testing.T) {
		db := enginetest.Open(t, nil)
		if err := errors.Join(addAll(db.Writer(nil), "a", "b"), db.Flush(), db.Close()); err != nil {
			t.Fatal(err)
		}
		enginetest.FlipBit(t, db.Path(), enginetest.Table, 10)
		db = enginetest.OpenDir(t, db.Path(), nil)
		if _, err := sum(db, "a", "b"); !errors.Is(err, engine.ErrCorruption) {
			t.Error(err)
		}
	}
	fmt.Println(passes(test))
	// Output: true
}

// A power cut takes the end of the log, and with it the newest write that was not synced.
func ExampleCutOff() {
	test := func(t *testing.T) {
		db := enginetest.Open(t, nil)
		if err := addAll(db.Writer(nil), "a", "b"); err != nil {
			t.Fatal(err)
		}
		dir := enginetest.CrashCopy(t, db)
		enginetest.CutOff(t, dir, enginetest.Log, 1)
		model := enginetest.NewModel(nil)
		if err := addAll(model, "a"); err != nil {
			t.Fatal(err)
		}
		model.Check(t, enginetest.OpenDir(t, dir, nil))
	}
	fmt.Println(passes(test))
	// Output: true
}

// Without one of its tables a database is not opened.
func ExampleRemove() {
	test := func(t *testing.T) {
		db := enginetest.Open(t, nil)
		if err := errors.Join(addAll(db.Writer(nil), "a"), db.Flush(), db.Close()); err != nil {
			t.Fatal(err)
		}
		enginetest.Remove(t, db.Path(), enginetest.Table)
		if db, err := engine.Open(db.Path(), nil); err == nil {
			t.Error("a database without its table was opened")
			db.Close()
		}
	}
	fmt.Println(passes(test))
	// Output: true
}

// Databases that are quick to make, and touch no disk.
func ExampleOpenInMemory() {
	test := func(t *testing.T) {
		db := enginetest.OpenInMemory(t, nil)
		if err := errors.Join(addAll(db.Writer(nil), "a", "b"), db.Flush()); err != nil {
			t.Fatal(err)
		}
		db = enginetest.Reopen(t, db, nil)
		if rows, _, _, err := engine.Count(context.Background(), db, nil); rows != 2 || err != nil {
			t.Error(rows, err)
		}
	}
	fmt.Println(passes(test))
	// Output: true
}
