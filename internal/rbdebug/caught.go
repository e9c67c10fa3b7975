package rbdebug

import "runtime/debug"

// Caught calls f and gives the text of the misuse that it is caught at, or nothing. What a fault was about
// is explained; any other panic goes on. For tests that plant a misuse.
func Caught(f func()) (text string) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *Misuse:
			text = p.Error()
		case interface{ Addr() uintptr }: // a fault
			text = Explain(p.Addr())
		default:
			panic(p)
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	f()
	return ""
}
