// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

package cgotrace_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sampled is one stack of a profile, innermost frame first, and how often it was seen.
type sampled struct {
	count  int
	frames []string
}

var sampleHead = regexp.MustCompile(`^ +(\d+)   `)

// stacks reads a profile with the tool that everybody reads it with.
func stacks(t testing.TB, profile string) (all []sampled) {
	t.Helper()
	// Built in one way only, whatever flags the tests were built with.
	out := run(t, ".", "env", "CGO_ENABLED=0", "GOFLAGS=", "go", "tool", "pprof", "-sample_index=samples", "-traces", "-lines", profile)
	if out.err != nil {
		t.Fatalf("pprof: %v\n%s", out.err, out.text)
	}
	for _, block := range strings.Split(out.text, "-----------+")[1:] {
		_, block, _ = strings.Cut(block, "\n")
		m := sampleHead.FindStringSubmatch(block)
		if m == nil {
			continue // the end
		}
		s := sampled{}
		s.count, _ = strconv.Atoi(m[1])
		for line := range strings.Lines(block[len(m[0]):]) {
			s.frames = append(s.frames, strings.TrimSpace(line))
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		t.Fatalf("pprof shows no sample:\n%s", out.text)
	}
	return all
}

var (
	rocksdbFrame = regexp.MustCompile(`^rocksdb::`)
	glueFrame    = regexp.MustCompile(`^rb_iter_fill .*cbridge/\w+\.[ch]:\d+`)
	callFrame    = regexp.MustCompile(`^runtime\.cgocall `)
	goFrame      = regexp.MustCompile(`/iterator\.\(\*Iterator\)\.Next .*moves\.go:\d+`)
	mainFrame    = regexp.MustCompile(`^main\.rows `)
	switchFrame  = regexp.MustCompile(`asmcgocall`)
)

// climbs reports whether the frames match the expressions in their order, with any others between.
func (s sampled) climbs(frames ...*regexp.Regexp) bool {
	for _, f := range s.frames {
		if len(frames) > 0 && frames[0].MatchString(f) {
			frames = frames[1:]
		}
	}
	return len(frames) == 0
}

func count(all []sampled, frames ...*regexp.Regexp) (n int) {
	for _, s := range all {
		if s.climbs(frames...) {
			n += s.count
		}
	}
	return n
}

// scanned makes a profile of a scan of 700 ms of CPU time: 70 samples, of which at least 30 must be there.
func scanned(t *testing.T, program string) []sampled {
	t.Helper()
	profile := filepath.Join(t.TempDir(), "cpu.pprof")
	if out := run(t, "", program, "scan", "db", "700", profile); out.err != nil {
		t.Fatalf("%v\n%s", out.err, out.text)
	}
	all := stacks(t, profile)
	if n := count(all); n < 30 {
		t.Fatalf("only %d samples in %v", n, all)
	}
	return all
}

func TestAProfileShowsRocksDBUnderTheGlueUnderItsGoCallers(t *testing.T) {
	t.Parallel()
	all := scanned(t, probe(t, traced))
	if n := count(all, rocksdbFrame, glueFrame, callFrame, goFrame, mainFrame); n < 10 {
		t.Errorf("%d of %d samples have RocksDB, the glue and Go in one stack:\n%v", n, count(all), all)
	}
	if n := count(all, switchFrame); n > 0 {
		t.Errorf("%d samples have the switch of stacks, where Go's half begins anyway", n)
	}
}

func TestAProfileWithoutTheImportEndsAtTheCall(t *testing.T) {
	t.Parallel()
	all := scanned(t, probe(t, plain))
	if n := count(all, callFrame, goFrame, mainFrame); n < 10 {
		t.Errorf("%d of %d samples are in a call", n, count(all))
	}
	if n := count(all, regexp.MustCompile(`^(rb_|rocksdb::)`)); n > 0 {
		t.Errorf("%d samples have names of C", n)
	}
}

// TestSignalsInMallocAndTheLoader samples a thread that holds their locks for most of its time: a
// walk that took one of them would never end. On a busy machine few samples are taken, so it goes on,
// each time twice as long, until one was taken in either.
func TestSignalsInMallocAndTheLoader(t *testing.T) {
	t.Parallel()
	program, under := probe(t, traced), regexp.MustCompile(`^rb_crash_churn .*crash\.c:\d+`)
	// A C library without debug information has no names for what it does not export.
	unseen := []string{`malloc|free|\[libc\.so`, `dlopen|dlclose`}
	ms := 2000
	if testing.Short() {
		ms = 300
	}
	for ; len(unseen) > 0; ms *= 2 {
		all := churned(t, program, ms)
		unseen = slices.DeleteFunc(unseen, func(frame string) bool { return count(all, regexp.MustCompile(frame), under) > 0 })
		if len(unseen) > 0 && ms > 10_000 {
			t.Fatalf("in %d ms no sample has any of %q under rb_crash_churn:\n%v", ms, unseen, all)
		}
	}
}

// churned makes a profile of so many milliseconds of malloc and the loader.
func churned(t *testing.T, program string, ms int) []sampled {
	t.Helper()
	profile := filepath.Join(t.TempDir(), "cpu.pprof")
	if out := run(t, "", program, "churn", profile, strconv.Itoa(ms)); out.err != nil {
		t.Fatalf("%v\n%s", out.err, out.text)
	}
	return stacks(t, profile)
}
