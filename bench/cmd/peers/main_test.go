package main

import (
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/bench/compare"
)

func TestFlagsMakeThePlan(t *testing.T) {
	s, err := parse([]string{"-full", "-peers", "rockbridge,pebble", "-works", "scan", "-rounds", "3", "-rows", "20000", "-scale", "0.5"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.plan.Peers, []string{"rockbridge", "pebble"}) || s.plan.Rounds != 3 || s.name != "full" || len(s.plan.Settings) != len(compare.Full) {
		t.Errorf("%+v", s)
	}
	for i, one := range s.plan.Settings {
		if one.Rows != compare.Full[i].Rows/100 && one.Rows != 1000 || one.Scale != compare.Full[i].Scale/2 {
			t.Errorf("%+v", one)
		}
	}
	s, err = parse(nil)
	if err != nil || s.name != "peers" || len(s.plan.Settings) != 1 || s.plan.Settings[0] != compare.Core || s.plan.Rounds != 7 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-peers", "leveldb"}, {"-works", "sort"}, {"-rounds", "0"}, {"-rows", "-1"}, {"-scale", "0"}, {"extra"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
