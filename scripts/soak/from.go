package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readAll makes results of the logs of an earlier soak. last is when the last of them was written.
func readAll(chosen []programme, dir string) (results []*result, last time.Time, err error) {
	for _, p := range chosen {
		names, err := p.logsIn(dir)
		if err != nil {
			return nil, last, err
		}
		if len(names) == 0 {
			continue
		}
		r := &result{programme: p}
		for _, name := range names {
			info, err := os.Stat(name)
			if err != nil {
				return nil, last, err
			}
			out, err := os.ReadFile(name)
			if err != nil {
				return nil, last, err
			}
			if info.ModTime().After(last) {
				last = info.ModTime()
			}
			r.take(name, string(out), endOf(string(out)))
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		err = fmt.Errorf("no log of a soak in %s", filepath.Base(dir))
	}
	return results, last, err
}

var wentWell = regexp.MustCompile(`(?m)^(?:PASS|\d+ fuzz tests ran for .* each)$`)

// endOf is how the run ended that printed out.
func endOf(out string) error {
	if !wentWell.MatchString(out[strings.LastIndexByte(strings.TrimSpace(out), '\n')+1:]) {
		return errors.New("the last line does not say that the run went well")
	}
	return nil
}

// logsIn are a programme's logs in a folder, by their numbers.
func (p *programme) logsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	numbers := map[string]int{}
	var names []string
	for _, e := range entries {
		text, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".log"), p.fileName()+"-")
		if n, err := strconv.Atoi(text); ok && err == nil {
			name := filepath.Join(dir, e.Name())
			numbers[name] = n
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(numbers[a], numbers[b]) })
	return names, nil
}
