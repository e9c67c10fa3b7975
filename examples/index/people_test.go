package main

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func open(t *testing.T, dir string) *People {
	t.Helper()
	p, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// lookUp compares each way to read with the model.
func lookUp(t *testing.T, p *People, model map[string]Person, cities []string) {
	t.Helper()
	for _, city := range cities {
		var want []Person
		for _, id := range slices.Sorted(maps.Keys(model)) {
			if model[id].City == city {
				want = append(want, model[id])
			}
		}
		got, err := p.InCity(context.Background(), city)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("in %q: %v, want %v", city, got, want)
		}
	}
	entries, _, _, err := engine.Count(context.Background(), p.byCity, nil)
	if err != nil {
		t.Fatal(err)
	}
	if int(entries) != len(model) {
		t.Fatalf("%d entries in the index for %d people", entries, len(model))
	}
}

// TestTheIndexFollowsTheRecords adds, moves, removes and reopens at random. One
// city's name is the beginning of another's.
func TestTheIndexFollowsTheRecords(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	cities := []string{"", "A", "AB", "B"}
	dir := t.TempDir()
	p := open(t, dir)
	model := map[string]Person{}
	for range 400 {
		id := string("abcdef"[r.IntN(6)])
		switch r.IntN(8) {
		case 0:
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			p = open(t, dir)
		case 1, 2:
			err := p.Delete(id)
			if _, there := model[id]; there != (err == nil) || !there && !errors.Is(err, ErrNoPerson) {
				t.Fatalf("Delete of %q: %v, there: %t", id, err, there)
			}
			delete(model, id)
		default:
			model[id] = Person{id, "name", cities[r.IntN(len(cities))]}
			if err := p.Put(model[id]); err != nil {
				t.Fatal(err)
			}
		}
		lookUp(t, p, model, cities)
	}
}

func TestGetFindsByID(t *testing.T) {
	p := open(t, t.TempDir())
	ada := Person{"p1", "Ada", "London"}
	if err := p.Put(ada); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Get("p1"); got != ada || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := p.Get("p2"); !errors.Is(err, ErrNoPerson) {
		t.Errorf("of an absent ID: %v", err)
	}
}

func TestACityWithAZeroByteIsRefused(t *testing.T) {
	p := open(t, t.TempDir())
	if err := p.Put(Person{"p1", "Ada", "Lon\x00don"}); err == nil {
		t.Error("no error")
	}
	lookUp(t, p, nil, []string{"Lon"})
}

func TestTheDemonstrationPrints(t *testing.T) {
	var out strings.Builder
	if err := show(context.Background(), &out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"four people:\n  London  Ada (p1) Charles (p3)\n  Paris   Blaise (p2)\n",
		"Blaise has left:\n  London  Ada (p1)\n  Paris   Charles (p3)\n",
	} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("no %q in:\n%s", text, out.String())
		}
	}
}
