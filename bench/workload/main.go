package workload

import (
	"encoding/json"
	"fmt"
	"os"
)

// Main is the main function of a peer's program: its arguments are Specs in JSON, and for each it prints a Result as a
// line of JSON. What failed has the Error set, and the program ends with code 1.
func Main(p Peer) {
	if len(os.Args) < 2 {
		fmt.Fprintf(os.Stderr, "usage: %s SPEC...\neach SPEC is JSON, as in {\"dir\":\"new\",\"goroutines\":1,\"duration\":1000000000}\n", os.Args[0])
		os.Exit(2)
	}
	code := 0
	out := json.NewEncoder(os.Stdout)
	for _, arg := range os.Args[1:] {
		res, err := runJSON(p, arg)
		if err != nil {
			res.Error = err.Error()
			code = 1
		}
		if err := out.Encode(res); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func runJSON(p Peer, text string) (Result, error) {
	var s Spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return Result{Peer: p.Name}, fmt.Errorf("workload: the spec: %w", err)
	}
	return Run(p, s)
}
