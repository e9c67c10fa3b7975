package cbridge

import (
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/dberr"
)

func TestFamiliesAreCreatedFoundListedAndDropped(t *testing.T) {
	dir := t.TempDir()
	plan, err := NewPlan(dir, DBOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Free()
	for _, name := range []string{"default", "second"} {
		if err := plan.Family(name, FamilyOptions{Compression: -1}, ""); err != nil {
			t.Fatal(err)
		}
	}
	db, err := plan.Open()
	if err != nil {
		t.Fatal(err)
	}
	third, err := db.CreateFamily("third", FamilyOptions{Compression: -1}, "disable_auto_compactions=true")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[uint32]string{}
	for _, name := range []string{"default", "second", "third"} {
		f, err := db.Family(name)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := ids[f.ID]; ok {
			t.Errorf("%s and %s have number %d", name, other, f.ID)
		}
		ids[f.ID] = name
		if err := f.Apply(Put, 0, []byte("key"), []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if ids[0] != "default" || ids[third.ID] != "third" {
		t.Errorf("numbers: %v", ids)
	}
	for _, name := range []string{"", "absent", "Default", "third "} {
		if _, err := db.Family(name); err != dberr.ErrNotFound {
			t.Errorf("family %q: %v", name, err)
		}
	}
	// Each has rows of its own.
	for _, name := range []string{"default", "second", "third"} {
		f, _ := db.Family(name)
		buf := make([]byte, 20)
		if n, _, err := f.Get(&Read{}, []byte("key"), buf); err != nil || string(buf[:n]) != name {
			t.Errorf("%s holds %q, %v", name, buf[:n], err)
		}
	}
	if _, err := db.CreateFamily("second", FamilyOptions{}, ""); err == nil {
		t.Error("a family was created twice")
	}
	if _, err := db.CreateFamily("fourth", FamilyOptions{}, "no_such_option=1"); err == nil {
		t.Error("an unknown option was taken")
	} else {
		wantCode(t, err, dberr.InvalidArgument, "an unknown option")
	}
	if gone, err := third.Drop(); err != nil || !gone {
		t.Fatal(err)
	}
	db.Close()
	names, err := ListFamilies(nil, dir)
	slices.Sort(names)
	if err != nil || !slices.Equal(names, []string{"default", "second"}) {
		t.Errorf("families on disk: %q, %v", names, err)
	}
}

// The rows of a dropped family last as long as somebody reads them.
func TestAnIteratorOutlivesItsFamily(t *testing.T) {
	r := newRand(t)
	db, _ := openTest(t, "", FamilyOptions{Compression: -1})
	f, err := db.CreateFamily("dropped", FamilyOptions{Compression: -1}, "")
	if err != nil {
		t.Fatal(err)
	}
	randomRows(t, r, db, f, 100, 100)
	if err := db.Flush([]*Family{f}); err != nil {
		t.Fatal(err)
	}
	it := newTestIter(t, f, nil, IterOptions{})
	defer it.Free()
	steps := NewStepIter(newTestIter(t, f, nil, IterOptions{}))
	want := stepped(t, steps, MoveFirst, false, nil)
	steps.Free()
	if _, err := f.Drop(); err != nil {
		t.Fatal(err)
	}
	if err := drain(r, it, MoveFirst, nil, want, 1000); err != nil {
		t.Error(err)
	}
}

func TestAPlanRefusesWhatCannotBeOpened(t *testing.T) {
	plain := FamilyOptions{Compression: -1}
	plan := func(t *testing.T, o DBOptions) *Plan {
		p, err := NewPlan(t.TempDir(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Free)
		return p
	}
	cases := map[string]struct {
		code  dberr.Code
		steps func(t *testing.T) error
	}{
		"an unknown option of the database": {dberr.InvalidArgument, func(t *testing.T) error {
			return plan(t, DBOptions{}).Extra("no_such_option=1")
		}},
		"a value that is no number": {dberr.InvalidArgument, func(t *testing.T) error {
			return plan(t, DBOptions{}).Extra("max_open_files=many")
		}},
		"an unknown option of a family": {dberr.InvalidArgument, func(t *testing.T) error {
			return plan(t, DBOptions{}).Family("default", plain, "no_such_option=1")
		}},
		"another order of keys": {dberr.Unsupported, func(t *testing.T) error {
			return plan(t, DBOptions{}).Family("default", plain, "comparator=rocksdb.ReverseBytewiseComparator")
		}},
		"no family": {dberr.InvalidArgument, func(t *testing.T) error {
			_, err := plan(t, DBOptions{}).Open()
			return err
		}},
		"no default family": {dberr.InvalidArgument, func(t *testing.T) error {
			p := plan(t, DBOptions{})
			if err := p.Family("other", plain, ""); err != nil {
				t.Fatal(err)
			}
			_, err := p.Open()
			return err
		}},
		"a missing database": {dberr.InvalidArgument, func(t *testing.T) error {
			p := plan(t, DBOptions{ErrorIfMissing: true})
			if err := p.Family("default", plain, ""); err != nil {
				t.Fatal(err)
			}
			_, err := p.Open()
			return err
		}},
		"a family from the disk of a new database": {dberr.NotFound, func(t *testing.T) error {
			return plan(t, DBOptions{}).FamilyFromDisk("default")
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := c.steps(t)
			if err == nil {
				t.Fatal("it was taken")
			}
			wantCode(t, err, c.code, name)
		})
	}
}

// A mistake in a plan leaves the plan as it was, and what is opened keeps its options on disk.
func TestAPlanGoesOnAfterAMistake(t *testing.T) {
	dir := t.TempDir()
	p, err := NewPlan(dir, DBOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	if p.Extra("no_such_option=1") == nil || p.Family("default", FamilyOptions{}, "nor_this=1") == nil {
		t.Error("an unknown option was taken")
	}
	if err := p.Family("default", FamilyOptions{Compression: -1, Operators: Operators{Merge: MergeUint64Add}}, ""); err != nil {
		t.Fatal(err)
	}
	db, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	f, err := db.Family("default")
	if err != nil {
		t.Fatal(err)
	}
	one := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	for range 3 {
		if err := f.Apply(Merge, 0, []byte("sum"), one); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Open(); err == nil {
		t.Error("a plan was opened twice")
	}
	db.Close()
	again, err := NewPlan(dir, DBOptions{ErrorIfMissing: true, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Free()
	if err := again.FamilyFromDisk("default"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, again.FamilyFromDisk("absent"), dberr.NotFound, "a family that the file does not name")
	if db, err = again.Open(); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if f, err = db.Family("default"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 8)
	if n, _, err := f.Get(&Read{}, []byte("sum"), buf); err != nil || n != 8 || buf[0] != 3 {
		t.Errorf("the sum is %v, %v", buf[:n], err)
	}
	wantCode(t, f.Apply(Put, 0, []byte("k"), nil), dberr.ReadOnly, "a write to a read-only database")
}
