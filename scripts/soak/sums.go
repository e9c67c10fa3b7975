package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sums adds up what runs said: lines with the same words become one.
type sums struct {
	order []string // the words of lines, without numbers
	lines map[string]*sum
}

type sum struct {
	words   []string
	times   int
	numbers map[int]uint64        // by the place among the words
	longest map[int]time.Duration // alike
}

// add adds a line. Numbers are added up; of places ("at 12 of its 77") and times there is the largest.
func (s *sums) add(line string) {
	words := strings.Fields(line)
	numbers, times := map[int]uint64{}, map[int]time.Duration{}
	form := slices.Clone(words)
	for i, w := range words {
		bare := strings.Trim(w, "(),;:.")
		if n, err := strconv.ParseUint(bare, 10, 64); err == nil {
			numbers[i] = n
		} else if d, err := time.ParseDuration(bare); err == nil {
			times[i] = d
		} else {
			continue
		}
		form[i] = strings.Replace(w, bare, "#", 1)
	}
	key := strings.Join(form, " ")
	l := s.lines[key]
	if l == nil {
		if s.lines == nil {
			s.lines = map[string]*sum{}
		}
		l = &sum{words: form, numbers: map[int]uint64{}, longest: map[int]time.Duration{}}
		s.order, s.lines[key] = append(s.order, key), l
	}
	l.times++
	for i, n := range numbers {
		if i > 0 && (words[i-1] == "at" || words[i-1] == "its") {
			l.numbers[i] = max(l.numbers[i], n)
		} else {
			l.numbers[i] += n
		}
	}
	for i, d := range times {
		l.longest[i] = max(l.longest[i], d)
	}
}

// most is how many lines of a programme the report has: the short tests log hundreds.
const most = 12

// texts are the lines, each with how often it was said.
func (s *sums) texts() (all []string) {
	for n, key := range s.order {
		if n == most {
			return append(all, fmt.Sprintf("and %d lines more", len(s.order)-most))
		}
		all = append(all, s.lines[key].text())
	}
	return all
}

func (l *sum) text() string {
	words := slices.Clone(l.words)
	for i, n := range l.numbers {
		words[i] = strings.Replace(words[i], "#", strconv.FormatUint(n, 10), 1)
	}
	for i, d := range l.longest {
		words[i] = strings.Replace(words[i], "#", d.String(), 1)
	}
	text := fmt.Sprintf("%.200s", strings.Join(words, " "))
	if l.times > 1 {
		text += fmt.Sprintf(" (%d times)", l.times)
	}
	return text
}
