package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

// The longest word that was merged stays.
func ExampleGoMergeOperator() {
	longest := &engine.GoMergeOperator{
		Name: "words.longest",
		Merge: func(dst, key, base []byte, operands [][]byte) ([]byte, error) {
			for _, word := range operands {
				if len(word) > len(base) {
					base = word
				}
			}
			return append(dst, base...), nil
		},
	}
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{GoMerge: longest}})
	defer done()

	for _, word := range []string{"sea", "mountain", "lake"} {
		if err := db.Merge([]byte("word"), []byte(word), nil); err != nil {
			log.Fatal(err)
		}
	}
	value, err := db.Get([]byte("word"), nil)
	fmt.Printf("%s %v\n", value, err)
	// Output:
	// mountain <nil>
}

// A compaction removes drafts and shortens what is long.
func ExampleGoCompactionFilter() {
	tidy := &engine.GoCompactionFilter{
		Name: "notes.tidy",
		New: func(c engine.FilterContext) func(int, []byte, []byte) (engine.FilterVerdict, []byte) {
			if !c.Manual {
				return nil // only when the program asks for it
			}
			return func(level int, key, value []byte) (engine.FilterVerdict, []byte) {
				switch {
				case bytes.HasPrefix(key, []byte("draft/")):
					return engine.FilterRemove, nil
				case len(value) > 5:
					return engine.FilterReplace, value[:5]
				}
				return engine.FilterKeep, nil
			}
		},
	}
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{GoFilter: tidy}})
	defer done()

	for key, value := range map[string]string{"draft/1": "x", "note/1": "short", "note/2": "a longer one"} {
		if err := db.Put([]byte(key), []byte(value), nil); err != nil {
			log.Fatal(err)
		}
	}
	if err := db.Compact(nil, nil, nil); err != nil {
		log.Fatal(err)
	}
	rows, end := engine.Scan(db, nil)
	for k, v := range rows {
		fmt.Printf("%s: %s\n", k, v)
	}
	fmt.Println(end())
	// Output:
	// note/1: short
	// note/2: a lon
	// <nil>
}

// A server asks for its health: an operator that panics ends no process.
func ExampleOperatorError() {
	picky := &engine.GoMergeOperator{
		Name: "words.picky",
		Merge: func(dst, key, base []byte, operands [][]byte) ([]byte, error) {
			return nil, fmt.Errorf("%d operands are too many", len(operands))
		},
	}
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{GoMerge: picky}})
	defer done()

	if err := db.Merge([]byte("word"), []byte("sea"), nil); err != nil {
		log.Fatal(err)
	}
	_, err := db.Get([]byte("word"), nil)
	fmt.Println(err != nil)
	var failed *engine.OperatorError
	if errors.As(db.Health(), &failed) {
		fmt.Println(failed)
	}
	// Output:
	// true
	// operator words.picky of family default failed: 1 operands are too many
}

// Lookups of users that are in no table are answered by a small filter: it has users, not their keys.
func ExampleGoPrefixExtractor() {
	user := &engine.GoPrefixExtractor{
		Name:   "user.before-slash",
		Prefix: func(key []byte) int { return bytes.IndexByte(key, '/') }, // -1: no prefix
	}
	db, done := opened(&engine.Options{FamilyOptions: engine.FamilyOptions{
		GoPrefix: user, BloomBitsPerKey: 10, Extra: "block_based_table_factory={whole_key_filtering=false}",
	}})
	defer done()

	if err := errors.Join(db.Put([]byte("ann/name"), []byte("Ann"), nil), db.Flush()); err != nil {
		log.Fatal(err)
	}
	value, err := db.Get([]byte("ann/name"), nil)
	fmt.Printf("%s %v\n", value, err)
	_, err = db.Get([]byte("bob/name"), nil)
	fmt.Println(err == engine.ErrNotFound)
	// Output:
	// Ann <nil>
	// true
}
