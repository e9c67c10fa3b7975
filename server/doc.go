// Package server serves an engine's database to clients that speak Redis's protocol: strings, counters, keys that expire, scans and
// transactions, with Redis's own answers and errors. docs/server.md says how and what it promises, docs/commands.md lists the
// commands, docs/encoding.md has the rows.
package server
