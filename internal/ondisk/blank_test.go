package ondisk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// logIn makes a log whose records lie in pieces over blocks, as RocksDB writes it, recycled or not.
func logIn(number uint32, recycled bool, records ...[]byte) []byte {
	var b []byte
	head := pieceHead
	if recycled {
		head = recyclableHead
	}
	for _, record := range records {
		for first := true; first || len(record) > 0; first = false {
			room := blockSize - len(b)%blockSize
			if room < head {
				b = append(b, make([]byte, room)...)
				room = blockSize
			}
			n := min(len(record), room-head)
			kind := byte(kindMiddle)
			switch {
			case first && n == len(record):
				kind = kindFull
			case first:
				kind = kindFirst
			case n == len(record):
				kind = kindLast
			}
			piece := []byte{0, 0, 0, 0, byte(n), byte(n >> 8), kind}
			if recycled {
				piece[6] += kindRecyclable - kindFull
				piece = binary.LittleEndian.AppendUint32(piece, number)
			}
			b = append(b, sealed(append(piece, record[:n]...))...)
			record = record[n:]
		}
	}
	return b
}

// A write that is blanked has its length and number, and no rows; the others stay, wherever pieces end.
func TestABlankedWriteDoesNothingAndTheOthersStay(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, recycled := range []bool{false, true} {
		var writes [][]byte
		for i := range 300 {
			size := writeHead + 2 + r.IntN(300)
			if i%10 == 0 {
				size = r.IntN(3 * blockSize)
			}
			size = max(size, writeHead+2)
			w := make([]byte, size)
			for j := range w {
				w[j] = byte(r.Uint32())
			}
			writes = append(writes, w)
		}
		path := filepath.Join(t.TempDir(), "000007.log")
		log := logIn(7, recycled, writes...)
		must(t, os.WriteFile(path, log, 0o600))
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		must(t, err)
		defer f.Close()
		blanked := map[int]bool{}
		l := NewRecords(bytes.NewReader(log))
		for i, want := range writes {
			got, err := l.Next()
			must(t, err)
			if !bytes.Equal(got, want) {
				t.Fatalf("record %d is another", i)
			}
			if blanked[i] = r.IntN(2) == 0; blanked[i] {
				must(t, l.Blank(f, got))
			}
		}
		after, err := os.ReadFile(path)
		must(t, err)
		if len(after) != len(log) {
			t.Fatalf("%d bytes, not %d", len(after), len(log))
		}
		l = NewRecords(bytes.NewReader(after))
		for i, want := range writes {
			got, err := l.Next()
			must(t, err)
			if blanked[i] {
				checkBlank(t, fmt.Sprintf("record %d", i), got, want)
			} else if !bytes.Equal(got, want) {
				t.Fatalf("record %d has changed", i)
			}
		}
		if _, err := l.Next(); err != io.EOF {
			t.Errorf("behind the last one: %v", err)
		}
	}
}

// A block may end with as many zeros as have no room for a head, which in a recycled log are as many as another's head.
func TestALogGoesOnBehindATrailerOfAnyLength(t *testing.T) {
	for head, recycled := range map[int]bool{pieceHead: false, recyclableHead: true} {
		for trailer := range head + 1 {
			first := make([]byte, blockSize-head-trailer)
			second := make([]byte, 40)
			for i, w := range [][]byte{first, second} {
				w[0], w[8] = byte(1+i), 1 // its number, and one row
			}
			log := logIn(7, recycled, first, second)
			l := NewRecords(bytes.NewReader(log))
			for i, want := range [][]byte{first, second} {
				if got, err := l.Next(); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("recycled %t, trailer of %d, record %d: %d bytes, %v", recycled, trailer, i, len(got), err)
				}
			}
			scanned, err := ScanLog(bytes.NewReader(log), int64(len(log)), 7)
			must(t, err)
			if scanned.Break != nil || scanned.Whole.Records != 2 || scanned.Whole.Rows != 2 {
				t.Errorf("recycled %t, trailer of %d: %+v, break %v", recycled, trailer, scanned.Whole, scanned.Break)
			}
			checkEnds(t, log, recycled, trailer)
			path := filepath.Join(t.TempDir(), "000007.log")
			must(t, os.WriteFile(path, log, 0o600))
			tail, err := OpenTail(path, 7)
			must(t, err)
			for i, want := range [][]byte{first, second} {
				if got, err := tail.Next(); err != nil || !bytes.Equal(got, want) {
					t.Errorf("recycled %t, trailer of %d, record %d of a tail: %d bytes, %v", recycled, trailer, i, len(got), err)
				}
			}
			must(t, tail.Close())
		}
	}
}

// checkEnds cuts the log of two records within the second one, and just before it: the first one stays.
func checkEnds(t *testing.T, log []byte, recycled bool, trailer int) {
	t.Helper()
	for _, end := range []int{blockSize, len(log) - 1} {
		l := NewRecords(bytes.NewReader(log[:end]))
		_, err := l.Next()
		must(t, err)
		want := io.EOF
		if end > blockSize || trailer == pieceHead && !recycled || trailer == recyclableHead {
			want = io.ErrUnexpectedEOF // a head of a first piece is there
		}
		if _, err := l.Next(); err != want {
			t.Errorf("recycled %t, trailer of %d, cut at %d: %v, not %v", recycled, trailer, end, err, want)
		}
	}
}

func checkBlank(t *testing.T, what string, got, was []byte) {
	t.Helper()
	if len(got) != len(was) || !bytes.Equal(got[:8], was[:8]) || binary.LittleEndian.Uint32(got[8:]) != 0 {
		t.Fatalf("%s: %d bytes of %d, begins with %x", what, len(got), len(was), got[:writeHead])
	}
	for rest := got[writeHead:]; len(rest) > 0; {
		n, digits := binary.Uvarint(rest[1:])
		if rest[0] != logData || digits <= 0 || int(n) > len(rest)-1-digits {
			t.Fatalf("%s: %x", what, rest[:min(10, len(rest))])
		}
		rest = rest[1+digits+int(n):]
	}
}

// There is a blank write of every length that a write may have.
func TestAWriteOfEveryLengthCanBeBlank(t *testing.T) {
	for n := writeHead + 2; n < 40000; n++ {
		write := make([]byte, n)
		checkBlank(t, fmt.Sprint(n), blankWrite(write), write)
	}
}
