package server_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/rockbridge-db/rockbridge/server"
)

// A pipeline, and a transaction, cost a read and a write, whatever there is in them: not a call into C for each command.
func TestPipelinesCostFewCalls(t *testing.T) {
	s := start(t, server.Config{AppendFsync: "no"})
	w := dial(t, s.addr)
	const commands = 100
	for name, args := range map[string]func(i int) []string{
		"GET":  func(i int) []string { return []string{"GET", fmt.Sprint("k", i)} },
		"SET":  func(i int) []string { return []string{"SET", fmt.Sprint("k", i), "1"} },
		"INCR": func(i int) []string { return []string{"INCR", fmt.Sprint("k", i)} },
		"both": func(i int) []string { return []string{[]string{"INCR", "GET"}[i%2], fmt.Sprint("k", i)} },
	} {
		for _, transaction := range []bool{false, true} {
			var packet []byte
			for i := range commands {
				packet = append(packet, encode(args(i)...)...)
			}
			answers := commands
			if transaction {
				packet = bytes.Join([][]byte{encode("MULTI"), packet, encode("EXEC")}, nil)
				answers += 2
			}
			before := runtime.NumCgoCall()
			w.send(packet)
			for range answers {
				w.answer()
			}
			// What is sent at once may come in a few pieces, each a segment of its own.
			if calls := runtime.NumCgoCall() - before; calls > 10 {
				t.Errorf("%s, in a transaction: %v: %d calls into C for %d commands", name, transaction, calls, commands)
			}
		}
	}
}
