package main

import (
	"regexp"
	"slices"
	"strings"
)

// printed is what a run printed, as far as the report has it.
type printed struct {
	passed, skipped int
	seeds           []seed
	said            []string       // what the tests that passed logged, but seeds
	notes           []string       // what a mixed load logged, however it ended
	reasons         map[string]int // why tests were skipped
	within          map[string]int // why parts of tests were
}

// seed is a number that a test logged, and the flag that takes it: "" if it named none.
type seed struct{ flag, number string }

var (
	begun    = regexp.MustCompile(`^=== (?:RUN|NAME|CONT)\s+(\S+)`)
	ended    = regexp.MustCompile(`^\s*--- (PASS|SKIP|FAIL): (\S+) `)
	logged   = regexp.MustCompile(`^\s+(\w+_test\.go:\d+: )?(.*)$`)
	seeded   = regexp.MustCompile(`(?:(-[\w.]*\.)|\b)seed[= ](\d+)\b`)
	mixed    = regexp.MustCompile(`^(?:seed \d+: .*faults|\w[\w ]*: first quarter)`)
	fuzzed   = regexp.MustCompile(`^fuzz: elapsed: .* execs: (\d+) .*new interesting: (\d+)`)
	packages = regexp.MustCompile(`^ok\s+\S+\s`)
)

// reading is how far an output has been read.
type reading struct {
	printed
	logs  map[string][]string // of tests that have not ended
	test  string              // the one that logs
	child bool                // lines that follow are what a process logged that a test started
	fuzz  string              // what the fuzz test that runs has come to
}

// parse reads what a test program printed with -test.v, or go test -fuzz.
func parse(out string) printed {
	r := reading{printed: printed{reasons: map[string]int{}, within: map[string]int{}}, logs: map[string][]string{}}
	for line := range strings.Lines(out) {
		r.line(strings.TrimRight(line, "\n"))
	}
	return r.printed
}

func (r *reading) line(line string) {
	if m := begun.FindStringSubmatch(line); m != nil {
		r.test = m[1]
	} else if m := ended.FindStringSubmatch(line); m != nil {
		r.end(m[2], m[1])
	} else if m := fuzzed.FindStringSubmatch(line); m != nil {
		r.fuzz = m[1] + " inputs of fuzz tests, " + m[2] + " new ones of interest"
	} else if packages.MatchString(line) && r.fuzz != "" {
		r.passed++
		r.said, r.fuzz = append(r.said, r.fuzz), ""
	} else if m := logged.FindStringSubmatch(line); m != nil {
		r.log(m[1] != "", strings.TrimSpace(m[2]))
	}
}

// log notes a line. Of more lines than one that a test logs at once, as of tables, the first is enough.
func (r *reading) log(first bool, text string) {
	for _, m := range seeded.FindAllStringSubmatch(text, -1) {
		s := seed{number: m[2]}
		if m[1] != "" {
			s.flag = m[1] + "seed"
		}
		if !slices.ContainsFunc(r.seeds, func(o seed) bool { return o.number == s.number }) {
			r.seeds = append(r.seeds, s)
		}
	}
	replay := strings.HasPrefix(text, "replay with")
	if first {
		r.child = replay
	}
	switch {
	case mixed.MatchString(text):
		r.notes = append(r.notes, text)
	case !replay && (first || r.child):
		r.logs[r.test] = append(r.logs[r.test], text)
	}
}

// end sorts what a test has logged by how it ended. The last line of one that was skipped is why.
func (r *reading) end(test, how string) {
	log, part := r.logs[test], strings.Contains(test, "/")
	delete(r.logs, test)
	switch how {
	case "PASS":
		r.said = append(r.said, log...)
		if !part {
			r.passed++
		}
	case "SKIP":
		why := append([]string{"(no reason)"}, log...)[len(log)]
		if part {
			r.within[why]++
			return
		}
		r.skipped++
		r.reasons[why]++
	}
}
