package rbdebug

import (
	"runtime"
	"sync"
)

// visit is a goroutine's stay inside a handle.
type visit struct {
	op        string
	at        Stack
	goroutine uint64 // 0: unknown, since the call has no calls within it
}

// visits has the handles that a goroutine is inside of, by pointer.
var visits sync.Map

// Enter notes that a goroutine is inside handle, a pointer, in a call of the name op, until it calls
// leave. While it is, Enter of the same handle panics. Another goroutine may enter as soon as the first
// one has left. rule says what is allowed, made is where the handle comes from. The call must have no
// other one on the same handle within it.
func Enter(handle any, op, rule string, made Stack) (leave func()) {
	return enter(handle, &visit{op: op, at: Here(2)}, rule, made)
}

// EnterOuter is Enter for a call that may have others of the same goroutine within it.
func EnterOuter(handle any, op, rule string, made Stack) (leave func()) {
	return enter(handle, &visit{op, Here(2), goroutine()}, rule, made)
}

func enter(handle any, mine *visit, rule string, made Stack) (leave func()) {
	if found, busy := visits.LoadOrStore(handle, mine); busy {
		there := found.(*visit)
		if there.goroutine == 0 || there.goroutine != goroutine() {
			collide(there, mine, rule, made)
		}
		return func() {} // it is within a call of its own
	}
	runtime.Gosched() // who else wants to be inside shall come now
	return func() { visits.CompareAndDelete(handle, mine) }
}

// MustBeAlone panics if a goroutine is inside handle: for calls that exclude those within Enter but not
// each other.
func MustBeAlone(handle any, op, rule string, made Stack) {
	if found, busy := visits.Load(handle); busy {
		collide(found.(*visit), &visit{op: op, at: Here(2)}, rule, made)
	}
}

func collide(there, here *visit, rule string, made Stack) {
	Panic(here.op+" while another goroutine is inside "+there.op+": "+rule,
		Part{"this goroutine, in " + here.op, here.at},
		Part{"the other goroutine, in " + there.op, there.at},
		Part{"the handle was made by", made})
}
