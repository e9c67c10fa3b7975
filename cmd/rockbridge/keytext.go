package main

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// keyForms are the values of --keys.
var keyForms = []string{"text", "hex"}

func checkKeyForm(form string) error {
	if !slices.Contains(keyForms, form) {
		return usagef("--keys %q: not one of %s", form, strings.Join(keyForms, ", "))
	}
	return nil
}

// mostKey is how many characters of a key a table shows.
const mostKey = 28

// keyText is a key for a table: escaped or in hexadecimal, and shortened.
func keyText(key []byte, form string) string {
	if len(key) == 0 {
		return `""`
	}
	var b strings.Builder
	width := 0
	for rest := key; len(rest) > 0; {
		piece, size := hex.EncodeToString(rest[:1]), 1
		if form != "hex" {
			piece, size = escapeRune(rest)
		}
		width += utf8.RuneCountInString(piece)
		if width > mostKey || width == mostKey && len(rest) > size { // one is for the mark that more follows
			return b.String() + "…"
		}
		b.WriteString(piece)
		rest = rest[size:]
	}
	return b.String()
}

// escapeRune is the first character of a key and its size in bytes. What cannot be seen becomes an escape.
func escapeRune(key []byte) (string, int) {
	r, size := utf8.DecodeRune(key)
	switch {
	case r == '\\':
		return `\\`, 1
	case r == utf8.RuneError && size == 1, !unicode.IsGraphic(r) || unicode.IsSpace(r) && r != ' ':
		var b strings.Builder
		for _, c := range key[:size] {
			b.WriteString(`\x` + hex.EncodeToString([]byte{c}))
		}
		return b.String(), size
	}
	return string(r), size
}

func inHex(key []byte) string { return hex.EncodeToString(key) }
