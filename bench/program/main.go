// Package program is the peers' side of every benchmark: the main function of their programs, and what is read off a
// process. It depends on the standard library only, so that each program links one engine and nothing else.
package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// Kind is one benchmark that a program takes part in: it answers requests in JSON.
type Kind func(request []byte) (answer any, err error)

// Reply is the line of JSON that a program prints for each request.
type Reply struct {
	Answer json.RawMessage `json:"answer,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Main is the main function of a peer's program. Its first argument names a kind, the others are requests; without any
// they come from the standard input, one after the other, until its end. If one failed, the program ends with code 1.
func Main(kinds map[string]Kind) {
	if len(os.Args) < 2 || kinds[os.Args[1]] == nil {
		names := slices.Sorted(maps.Keys(kinds))
		fmt.Fprintf(os.Stderr, "usage: %s %s [REQUEST...]\neach REQUEST is JSON; without one they are read from the standard input\n", os.Args[0], strings.Join(names, "|"))
		os.Exit(2)
	}
	if !serve(kinds[os.Args[1]], requests(os.Args[2:]), os.Stdout) {
		os.Exit(1)
	}
}

// requests gives where requests come from.
func requests(args []string) io.Reader {
	if len(args) == 0 {
		return os.Stdin
	}
	return strings.NewReader(strings.Join(args, "\n"))
}

// serve answers all requests and reports whether none failed.
func serve(kind Kind, from io.Reader, to io.Writer) bool {
	in, out := json.NewDecoder(from), json.NewEncoder(to)
	good := true
	for {
		var request json.RawMessage
		err := in.Decode(&request)
		if errors.Is(err, io.EOF) {
			return good
		}
		reply := Reply{}
		if err == nil {
			reply, err = answer(kind, request), nil
		} else {
			reply.Error = err.Error()
		}
		good = good && reply.Error == ""
		if err := out.Encode(reply); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return false
		}
		if err != nil {
			return false // what follows cannot be told apart
		}
	}
}

func answer(kind Kind, request []byte) (r Reply) {
	a, err := kind(request)
	if err == nil {
		r.Answer, err = json.Marshal(a)
	}
	if err != nil {
		return Reply{Error: err.Error()}
	}
	return r
}
