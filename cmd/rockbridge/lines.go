package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds the memory that input without newlines can take.
const maxLine = 64 << 20

// lineReader gives the lines of its input without their newlines; other bytes
// stay as they are. A last line may lack its newline.
type lineReader struct {
	r     *bufio.Reader
	long  []byte // a line that did not fit r's buffer
	count int    // the number of the last line given
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 256<<10)}
}

// next gives a line that holds until the next call, or io.EOF.
func (l *lineReader) next() ([]byte, error) {
	l.count++
	part, err := l.r.ReadSlice('\n')
	if err == nil {
		return part[:len(part)-1], nil
	}
	l.long = append(l.long[:0], part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(l.long) > maxLine {
			return nil, fmt.Errorf("a line of more than %d bytes", maxLine)
		}
		part, err = l.r.ReadSlice('\n')
		l.long = append(l.long, part...)
	}
	switch {
	case err == nil:
		return l.long[:len(l.long)-1], nil
	case errors.Is(err, io.EOF) && len(l.long) > 0:
		return l.long, nil
	default:
		return nil, err
	}
}

// lineRecords makes each line a key with an empty value.
type lineRecords struct{ lines *lineReader }

func (r *lineRecords) next() (key, value []byte, err error) {
	key, err = r.lines.next()
	return key, nil, err
}

func (r *lineRecords) line() int { return r.lines.count }
