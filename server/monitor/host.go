package monitor

import (
	"net"
	"net/http"
	"strings"
)

// ownHost refuses requests that came to this machine's loopback under a name that is not its own: a page of another site, whose name
// was made to lead here after it was loaded (DNS rebinding), could read all else.
func ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if toLoopback(r) && !loopbackHost(r.Host) {
			http.Error(w, "another host's name: ask for localhost, or the address", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// toLoopback tells whether a request's connection ends at an address of the loopback.
func toLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.IP.IsLoopback()
}

// loopbackHost tells whether a Host header names the loopback, or nothing, as clients of HTTP/1.0 may.
func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	ip := net.ParseIP(name)
	return name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") || ip != nil && ip.IsLoopback()
}
