package rbdebug

import (
	"strings"
	"testing"
)

// caught is the text of the misuse that f panics with, or empty.
func caught(f func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = p.(*Misuse).Error()
		}
	}()
	f()
	return ""
}

// elsewhere runs f in another goroutine, to its end.
func elsewhere[T any](f func() T) T {
	got := make(chan T)
	go func() { got <- f() }()
	return <-got
}

func TestEnterAdmitsOneGoroutineAtATime(t *testing.T) {
	h, other := new(int), new(int)
	made := Here(0)
	leave := elsewhere(func() func() { return Enter(h, "Walk", "one at a time", made) })
	text := caught(func() { Enter(h, "Run", "one at a time", made) })
	for _, want := range []string{
		"rockbridge: Run while another goroutine is inside Walk: one at a time", "this goroutine, in Run:",
		"the other goroutine, in Walk:", "elsewhere", "the handle was made by:", "TestEnterAdmitsOneGoroutineAtATime",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if text := caught(func() { MustBeAlone(h, "Look", "one at a time", made) }); !strings.Contains(text, "Look while") {
		t.Errorf("caught with %q", text)
	}
	Enter(other, "Run", "", made)()
	leave()
	MustBeAlone(h, "Look", "", made)
	for range 3 {
		Enter(h, "Run", "", made)()
		elsewhere(func() int { Enter(h, "Run", "", made)(); return 0 })
	}
}

func TestEnterOuterAdmitsCallsWithinItself(t *testing.T) {
	h := new(int)
	leave := EnterOuter(h, "Walk", "", Stack{})
	Enter(h, "Step", "", Stack{})()
	EnterOuter(h, "Step", "", Stack{})()
	within := func() string { return caught(func() { EnterOuter(h, "Step", "", Stack{}) }) }
	if text := elsewhere(within); text == "" {
		t.Error("another goroutine was let in")
	}
	leave()
	if text := elsewhere(within); text != "" {
		t.Error(text)
	}
}

func TestGoroutinesHaveNumbersOfTheirOwn(t *testing.T) {
	own := goroutine()
	if own == 0 || own != goroutine() || elsewhere(goroutine) == own {
		t.Errorf("%d, then %d, elsewhere %d", own, goroutine(), elsewhere(goroutine))
	}
}
