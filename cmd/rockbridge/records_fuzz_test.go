package main

import (
	"bytes"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

// rowsOf reads all rows of an input, with the line and the error that ended them.
func rowsOf(r records) (rows [][2][]byte, line int, err error) {
	for {
		key, value, err := r.next()
		if err != nil {
			return rows, r.line(), err
		}
		rows = append(rows, [2][]byte{bytes.Clone(key), bytes.Clone(value)})
	}
}

// FuzzRecords reads input of any bytes in every format that load knows: it comes to an end, with no more rows than there
// are lines, and is the same however the bytes arrive.
func FuzzRecords(f *testing.F) {
	for i, text := range []string{
		"one\ntwo\n\nfour", "key\tvalue\tmore\na\tb\tc\n", "key,value\n\"a,\"\"b\"\"\",c\nd,\"e\nf\"\n", "a,b\nc\n", "\"a", "k\t\n\t\n",
		`{"key":"a","value":1}` + "\n" + `{"key_hex":"00ff","value":{"x":[1,2]}}`, `{"key":null}`, "null", "{}\n[]", "\xff\xfe\n", "6b\t76\n6\tzz\n", "",
	} {
		f.Add([]byte(text), uint8(i))
	}
	f.Fuzz(func(t *testing.T, text []byte, how uint8) {
		choice := inputChoice{format: inputFormats[how%4], hex: how&16 != 0}
		choice.columns.header = how&32 != 0
		if how&64 != 0 {
			choice.columns.key, choice.columns.value = "2", "1"
		}
		if choice.check("input") != nil {
			return
		}
		open := func(r io.Reader) records {
			rows, err := choice.recordsOf("input", r)
			if err != nil {
				t.Skip(err)
			}
			return rows
		}
		rows, line, err := rowsOf(open(bytes.NewReader(text)))
		again, lineAgain, errAgain := rowsOf(open(iotest.OneByteReader(bytes.NewReader(text))))
		if err.Error() != errAgain.Error() || line != lineAgain || !slices.EqualFunc(rows, again, sameRow) {
			t.Fatalf("%q: %q, %v in line %d; byte by byte %q, %v in line %d", text, rows, err, line, again, errAgain, lineAgain)
		}
		if most := bytes.Count(text, []byte{'\n'}) + bytes.Count(text, []byte{'\r'}) + 1; len(rows) > most || line > most+2 {
			t.Fatalf("%q: %d rows, and the end in line %d", text, len(rows), line)
		}
	})
}

func sameRow(a, b [2][]byte) bool { return bytes.Equal(a[0], b[0]) && bytes.Equal(a[1], b[1]) }
