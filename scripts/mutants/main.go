// Command mutants breaks the C glue on purpose, once for each mutant of cbridge/mutants.txt, and runs its tests on what
// comes of it: the cmocka programs under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer, the most specific
// ones first, and then the short Go tests of cbridge, iterator and engine. A mutant that no test notices has survived, and
// shows that one is missing. It prints a table and fails if more survive than -survivors.
//
//	go run ./scripts/mutants [-run REGEXP] [-workers 2] [-survivors 2]
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"
)

const listFile = "cbridge/mutants.txt"

var (
	only      = flag.String("run", "", "try only mutants whose \"file: description\" this regular expression matches")
	workers   = flag.Int("workers", runtime.NumCPU(), "mutants tried at a time")
	survivors = flag.Int("survivors", 2, "how many may survive")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	begin := time.Now()
	list, err := readMutants(listFile)
	if err != nil {
		log.Fatal(err)
	}
	word, err := regexp.Compile(*only)
	if err != nil {
		log.Fatal("mutants: -run: ", err)
	}
	chosen := slices.DeleteFunc(list, func(m mutant) bool { return !word.MatchString(m.file + ": " + m.breaks) })
	if len(chosen) == 0 {
		log.Fatalf("mutants: none has %q", *only)
	}
	out, err := tryAll(chosen)
	if err != nil {
		log.Fatal("mutants: ", err)
	}
	lived := 0
	for _, o := range out {
		if o.killer == "" {
			lived++
		}
	}
	fmt.Printf("%d of %d killed, %d survived, in %s\n", len(out)-lived, len(out), lived, time.Since(begin).Round(time.Second))
	if lived > *survivors {
		os.Exit(1)
	}
}

// outcome is what became of a mutant: killer is the test that noticed it, or empty.
type outcome struct {
	mutant
	killer string
	how    string
	took   time.Duration
}

// tryAll tries every mutant, several at a time, each worker in a copy of the tree of its own.
func tryAll(list []mutant) ([]outcome, error) {
	dir, err := os.MkdirTemp("", "rockbridge-mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	built, err := buildWhole(".build/mutants")
	if err != nil {
		return nil, err
	}
	out := make([]outcome, len(list))
	errs := make([]error, *workers)
	next := make(chan int)
	var wg sync.WaitGroup
	for w := range *workers {
		wg.Go(func() {
			errs[w] = built.work(fmt.Sprintf("%s/worker%d", dir, w), list, next, out)
			for range next { // after an error: the others go on to the end
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (o outcome) String() string {
	word, by := "killed  ", o.killer+": "+o.how
	if o.killer == "" {
		word, by = "SURVIVED", "no test noticed it"
	}
	return fmt.Sprintf("%s %6.1fs  %s: %s: %s", word, o.took.Seconds(), o.file, o.breaks, by)
}
