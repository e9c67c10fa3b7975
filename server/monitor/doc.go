// Package monitor shows a server over HTTP: its figures to Prometheus, whether it is alive and ready to who asks, and a web page
// with live charts to people. It is apart from package server, whose importers need neither Prometheus' client nor what draws
// charts. docs/server.md says what there is.
package monitor
