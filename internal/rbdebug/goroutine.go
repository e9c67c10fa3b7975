package rbdebug

import "runtime"

// goroutine is the number of the goroutine that calls it, as tracebacks show it. It costs microseconds.
func goroutine() uint64 {
	const before = len("goroutine ")
	var head [before + 24]byte
	n := runtime.Stack(head[:], false)
	id := uint64(0)
	for _, c := range head[before:n] {
		if c < '0' || c > '9' {
			break
		}
		id = id*10 + uint64(c-'0')
	}
	return id
}
