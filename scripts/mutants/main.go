// Command mutants breaks the C glue on purpose, once for each mutant of cbridge/mutants.txt, and runs its tests on what
// comes of it: the cmocka programs under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer, the most specific
// ones first, and then the short Go tests of cbridge, iterator and engine. A mutant that no test notices has survived, and
// shows that one is missing. It prints a table and fails if more survive than -survivors.
//
// With -sample only so many are tried, of .c files and chosen by -seed, and only on the programs that they name and those
// of the name of their file, for a minute each: seconds, where the whole takes hours.
//
//	go run ./scripts/mutants [-run REGEXP] [-workers 2] [-survivors 2] [-sample N [-seed S]]
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

const listFile = "cbridge/mutants.txt"

var (
	only      = flag.String("run", "", "try only mutants whose \"file: description\" this regular expression matches")
	workers   = flag.Int("workers", runtime.NumCPU(), "mutants tried at a time")
	survivors = flag.Int("survivors", 2, "how many may survive")
	sample    = flag.Int("sample", 0, "try so many that -seed chooses, on the tests next to them only; 0: all, on all tests")
	seed      = flag.Uint64("seed", 0, "what -sample chooses by")
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
	if *sample > 0 {
		chosen = sampleOf(chosen, *sample, *seed)
		fmt.Printf("%d mutants by -seed %d, on the tests next to them\n", len(chosen), *seed)
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

// sampleOf chooses n mutants of .c files, in the order of the list. One of a header would have most of the glue compiled anew.
func sampleOf(list []mutant, n int, seed uint64) []mutant {
	list = slices.DeleteFunc(slices.Clone(list), func(m mutant) bool { return !strings.HasSuffix(m.file, ".c") })
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	list = list[:min(n, len(list))]
	slices.SortFunc(list, func(a, b mutant) int { return a.line - b.line })
	return list
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
	built, err := buildWhole(".build/mutants", *sample > 0)
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
		if *sample > 0 {
			by = "no test next to it noticed it: try it on all tests by -run"
		}
	}
	return fmt.Sprintf("%s %6.1fs  %s: %s: %s", word, o.took.Seconds(), o.file, o.breaks, by)
}
