package main

import (
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/bench/commits"
)

func TestFlagsMakeThePlan(t *testing.T) {
	s, err := parse([]string{"-mode", "alone", "-peers", "rockbridge,pebble", "-synced", "1,64", "-unsynced", "", "-rounds", "3"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range s.plan.Contenders {
		names = append(names, c.Name())
	}
	if !slices.Equal(names, []string{"rockbridge/alone", "pebble"}) || s.plan.Rounds != 3 || len(s.plan.Widths[commits.Unsynced]) != 0 ||
		!slices.Equal(s.plan.Widths[commits.Synced], []int{1, 64}) {
		t.Errorf("%v %+v", names, s.plan)
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-peers", "leveldb"}, {"-mode", "fast"}, {"-synced", "0"}, {"-synced", "x"}, {"-rounds", "0"}, {"-value", "7"}, {"extra"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
