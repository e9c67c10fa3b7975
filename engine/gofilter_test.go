package engine_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A filter in Go keeps, removes and replaces rows, and knows what it is made for.
func TestAFilterInGoJudgesEveryRow(t *testing.T) {
	before := engine.LiveHandles()
	var mu sync.Mutex
	var made []engine.FilterContext
	long := bytes.Repeat([]byte("long"), 5000)
	filter := &engine.GoCompactionFilter{Name: "test.judge", New: func(c engine.FilterContext) func(int, []byte, []byte) (engine.FilterVerdict, []byte) {
		mu.Lock()
		defer mu.Unlock()
		made = append(made, c)
		return func(_ int, key, value []byte) (engine.FilterVerdict, []byte) {
			switch key[len(key)-1] % 5 {
			case 0:
				return engine.FilterRemove, nil
			case 1:
				return engine.FilterReplace, append([]byte("new "), value...)
			case 2:
				return engine.FilterReplace, nil
			case 3:
				return engine.FilterReplace, long
			}
			return engine.FilterKeep, []byte("unused")
		}
	}}
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{"f": {GoFilter: filter}}})
	f, err := db.ColumnFamily("f")
	mustDo(t, err)
	want := map[string]string{}
	for i := range 500 {
		k, v := fmt.Sprintf("%03d", i), fmt.Sprint("value ", i)
		mustDo(t, f.Put([]byte(k), []byte(v), nil))
		switch k[2] % 5 {
		case 0:
		case 1:
			want[k] = "new " + v
		case 2:
			want[k] = ""
		case 3:
			want[k] = string(long)
		default:
			want[k] = v
		}
	}
	mustDo(t, f.Flush(), f.Compact(t.Context(), nil, nil))
	expectRows(t, "compacted", f, want)
	mustDo(t, db.Health())
	mu.Lock()
	defer mu.Unlock()
	if len(made) == 0 || made[0] != (engine.FilterContext{Family: "f", Full: true, Manual: true}) {
		t.Errorf("made for %+v", made)
	}
	mustDo(t, db.Close())
	expectNoHandles(t, before)
}

// A filter that panics keeps the row, and one that panics when it is made keeps all.
func TestAPanicInAFilterKeepsTheRow(t *testing.T) {
	for _, early := range []bool{false, true} {
		before := engine.LiveHandles()
		filter := &engine.GoCompactionFilter{Name: "test.panic", New: func(engine.FilterContext) func(int, []byte, []byte) (engine.FilterVerdict, []byte) {
			if early {
				panic("no filter today")
			}
			return func(_ int, key, _ []byte) (engine.FilterVerdict, []byte) {
				if string(key) == "b" {
					panic("no filter today")
				}
				return engine.FilterRemove, nil
			}
		}}
		db := openTemp(t, &engine.Options{FamilyOptions: engine.FamilyOptions{GoFilter: filter}})
		want := map[string]string{"b": "v"}
		for _, k := range []string{"a", "b", "c"} {
			mustDo(t, db.Put([]byte(k), []byte("v"), nil))
			if early {
				want[k] = "v"
			}
		}
		mustDo(t, db.Health(), db.Flush(), db.Compact(t.Context(), nil, nil))
		expectRows(t, "compacted", db, want)
		expectOperatorError(t, db.Health(), "no filter today", true)
		mustDo(t, db.Put([]byte("d"), nil, nil), db.Close())
		expectNoHandles(t, before)
	}
}
