package server

import (
	"errors"
	"strconv"
	"strings"
)

// What C takes for white space, and what of it ends a word for Redis.
const (
	blank = " \t\n\v\f\r"
	ends  = " \t\n\r"
)

func skipBlank(s string) string { return strings.TrimLeft(s, blank) }

var errQuotes = errors.New("unbalanced quotes")

// nextWord gives the word that s begins with, and what follows it, as Redis reads lines of its configuration and of clients. Quotes may
// begin within a word, and end it. Within double ones a backslash has the next byte mean itself, n, r, t, b and a what they mean in C, and
// xHH a byte; within single ones it is for single quotes.
func nextWord(s string) (word []byte, rest string, err error) {
	word = []byte{}
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == 0 && strings.IndexByte(ends, c) >= 0:
			return word, s[i:], nil
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0:
			word = append(word, c)
		case c == quote:
			if rest = s[i+1:]; rest != "" && strings.IndexByte(blank, rest[0]) < 0 {
				return nil, "", errQuotes
			}
			return word, rest, nil
		case c == '\\' && i+1 < len(s) && (quote == '"' || s[i+1] == quote):
			meant, size := escaped(s[i+1:])
			word = append(word, meant)
			i += size
		default:
			word = append(word, c)
		}
	}
	if quote != 0 {
		return nil, "", errQuotes
	}
	return word, "", nil
}

// escaped is the byte that what follows a backslash means, and how long that is.
func escaped(s string) (meant byte, size int) {
	if at := strings.IndexByte("nrtba", s[0]); at >= 0 {
		return "\n\r\t\b\a"[at], 1
	}
	if s[0] == 'x' && len(s) >= 3 {
		if n, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
			return byte(n), 3
		}
	}
	return s[0], 1
}

// inlineWords takes a line of a client apart.
func inlineWords(line string) (words [][]byte, err error) {
	for rest := skipBlank(line); rest != ""; rest = skipBlank(rest) {
		var word []byte
		if word, rest, err = nextWord(rest); err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return words, nil
}
