package enginetest_test

import (
	"errors"
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
	fmt.Println(testing.RunTests(all, []testing.InternalTest{{Name: "TestAddAll", F: test}})) // true; with -v it says more
}

func all(string, string) (bool, error) { return true, nil }

func ExampleRun() {
	test := func(t *testing.T) {
		o := &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.AppendDelimited("")}}
		enginetest.Run(t, enginetest.Config{
			Open:       enginetest.Databases(o),
			Operations: 50,
			Merge:      func(old, operand []byte) []byte { return append(old, operand...) },
		})
	}
	fmt.Println(testing.RunTests(all, []testing.InternalTest{{Name: "TestAppend", F: test}})) // true; with -v it says more
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
