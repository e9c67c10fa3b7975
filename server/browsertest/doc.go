// Package browsertest looks at the web page of package server/monitor in a headless Chromium. It is a module of its own, so that the
// library that speaks to the browser weighs on nobody who imports the server.
package browsertest
