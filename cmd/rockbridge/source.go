package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	stdinName  = "-"
	zstdEnding = ".zst"
)

// zstdMagic begins every zstd frame: standard input, which has no name, is
// recognised by it.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// displayName is how messages call an input.
func displayName(name string) string {
	if name == stdinName {
		return "stdin"
	}
	return name
}

// source is one open input, decompressed if need be.
type source struct {
	io.Reader
	close []func() error
}

// openSource opens a file, or standard input as "-". What is read from it,
// before decompression, is also written to progress.
func openSource(name string, progress io.Writer) (*source, error) {
	s := &source{}
	var raw io.Reader = os.Stdin
	if name != stdinName {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		s.close = append(s.close, file.Close)
		raw = file
	}
	buffered := bufio.NewReaderSize(io.TeeReader(raw, progress), 64<<10)
	s.Reader = buffered
	if !isZstd(name, buffered) {
		return s, nil
	}
	decoder, err := zstd.NewReader(buffered)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s.Reader = decoder
	s.close = append(s.close, func() error { decoder.Close(); return nil })
	return s, nil
}

func isZstd(name string, r *bufio.Reader) bool {
	if name != stdinName {
		return strings.HasSuffix(name, zstdEnding)
	}
	// An error here is met again, and reported, by the first read.
	head, _ := r.Peek(len(zstdMagic))
	return bytes.Equal(head, zstdMagic)
}

// Close closes the decoder, then the file under it.
func (s *source) Close() error {
	for i := len(s.close) - 1; i >= 0; i-- {
		if err := s.close[i](); err != nil {
			return err
		}
	}
	return nil
}

// sizeOf adds up the sizes of the inputs; -1 if one cannot be known.
func sizeOf(names []string) int64 {
	var total int64
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		total += info.Size()
	}
	return total
}
