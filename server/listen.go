package server

import "net"

// portOf is the port of an address, if it has one.
func portOf(a net.Addr) (int, bool) {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return 0, false
	}
	return t.Port, true
}
