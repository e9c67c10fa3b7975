//go:build rbdebug

package cbridge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// planted is how often each damage is planted; it must be caught as often.
func planted() int {
	if testing.Short() {
		return 100
	}
	return 1000
}

func TestADamagedLookupOfManyKeysIsCaught(t *testing.T) {
	_, f := openTest(t, "", FamilyOptions{})
	for i := range 10 {
		if err := f.Apply(Put, 0, fmt.Append(nil, "key ", i), fmt.Append(nil, "value ", i)); err != nil {
			t.Fatal(err)
		}
	}
	var m MultiGet
	n := m.Family(f)
	for i := range 12 {
		m.Add(n, fmt.Append(nil, "key ", i))
	}
	for name, damage := range map[string]func(used, need *uint64, buf []byte){
		"used":                func(used, _ *uint64, _ []byte) { *used-- },
		"used beyond":         func(used, _ *uint64, _ []byte) { *used += 100 },
		"need":                func(_, need *uint64, _ []byte) { *need++ },
		"nothing waits":       func(_, need *uint64, _ []byte) { *need = 0 },
		"a place":             func(_, _ *uint64, _ []byte) { m.found[2].at++ },
		"a length":            func(_, _ *uint64, _ []byte) { m.found[2].len++ },
		"a huge length":       func(_, _ *uint64, _ []byte) { m.found[2].len = 1 << 63 },
		"a code":              func(_, _ *uint64, _ []byte) { m.found[2].code = -1 },
		"where it is":         func(_, _ *uint64, _ []byte) { m.found[2].rest = 1 },
		"where it waits":      func(_, _ *uint64, _ []byte) { m.found[8].rest = 0 },
		"a flag":              func(_, _ *uint64, _ []byte) { m.found[8].rest = 2 },
		"an answer too few":   func(_, _ *uint64, _ []byte) { m.found = m.found[:11] },
		"a byte behind it":    func(used, _ *uint64, buf []byte) { buf[*used]++ },
		"a byte at the end":   func(_, _ *uint64, buf []byte) { buf[len(buf)-1]++ },
		"an order":            func(_, _ *uint64, _ []byte) { m.found[1], m.found[2] = m.found[2], m.found[1] },
		"an order of waiting": func(_, _ *uint64, _ []byte) { m.found[8], m.found[9] = m.found[9], m.found[8] },
	} {
		for range planted() {
			buf := make([]byte, 43) // six values and a byte
			n, need, err := m.Get(Read{}, buf)
			if err != nil || need == 0 {
				t.Fatal(n, need, err)
			}
			used := uint64(n)
			damage(&used, &need, buf)
			text := rbdebug.Caught(func() { m.mustBeWhole(used, need, buf) })
			m.Free()
			if !strings.Contains(text, "a lookup of many keys is damaged") || !strings.Contains(text, "code at+len") ||
				strings.Contains(text, "value 1 ") && strings.Contains(text, "key 1") {
				t.Fatalf("%s: caught with %q", name, text)
			}
		}
	}
}

func TestAValueThatFitsAndIsLeftOutIsCaught(t *testing.T) {
	_, f := openTest(t, "", FamilyOptions{})
	if err := f.Apply(Put, 0, []byte("key"), []byte("value")); err != nil {
		t.Fatal(err)
	}
	var m MultiGet
	m.Add(m.Family(f), []byte("key"))
	for range planted() {
		used, need, err := m.Get(Read{}, make([]byte, 4))
		if err != nil || used != 0 || need != 5 {
			t.Fatal(used, need, err)
		}
		room := make([]byte, 5)
		rbdebug.Poison(room)
		text := rbdebug.Caught(func() { m.mustBeWhole(0, need, room) })
		m.Free()
		if !strings.Contains(text, "value 0 fits and was left out") {
			t.Fatalf("caught with %q", text)
		}
	}
}

func TestAValueInTheWrongPlaceIsCaught(t *testing.T) {
	for range planted() {
		for _, c := range []struct {
			n    uint64
			lent bool
			room int
		}{{1, false, 0}, {1 << 63, false, 100}, {101, false, 100}, {100, true, 100}, {0, true, 0}} {
			if text := rbdebug.Caught(func() { mustFit("get", c.n, c.lent, c.room) }); !strings.Contains(text, "a get is damaged") {
				t.Fatalf("%+v: caught with %q", c, text)
			}
		}
		mustFit("get", 100, false, 100)
		mustFit("get", 101, true, 100)
	}
}
