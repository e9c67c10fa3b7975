package main

import (
	"fmt"
	"testing"
	"time"
)

func TestFlagsMakeThePlan(t *testing.T) {
	s, err := parse([]string{"-works", "get,set", "-appendfsync", "always", "-pipelines", "1", "-clients", "7,8", "-rounds", "3", "-duration", "1s", "-keys", "0"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.plan); got != fmt.Sprint("{[get set] [always] [1] [7 8] 3 ", time.Second, " 100000 100 134217728 8388608 0}") {
		t.Error(got)
	}
	if s, err := parse(nil); err != nil || s.plan.Rounds < 7 || s.plan.MemoryKeys != 10_000_000 || len(s.plan.Pipelines) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-works", "lpush"},
		{"-appendfsync", "no"},
		{"-pipelines", "0"},
		{"-clients", "x"},
		{"-rounds", "0"},
		{"-duration", "0s"},
		{"-range", "0"},
		{"-keys", "-1"},
		{"-keys", "1000000000000"},
		{"-cache", "1"},
		{"extra"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
