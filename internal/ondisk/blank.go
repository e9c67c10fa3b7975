package ondisk

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
)

// place is where a piece of a record lies, and what it begins with.
type place struct {
	at   int64
	head [recyclableHead]byte
	size int // of the head
	n    int // bytes of the record in it
}

// writeHead is how many bytes a write begins with: the number of its first row, and how many there are.
const writeHead = 12

// logData is the kind of a write's record that only the log has.
const logData = 3

// Blank puts in the place of the record that Next gave last, in w, which has the same bytes as what is read, a write of
// the same length and number that has no rows. It has had one: there are at least two bytes behind its head.
func (l *Records) Blank(w io.WriterAt, write []byte) error {
	blank := blankWrite(write)
	for _, p := range l.places {
		piece := append(slices.Clone(p.head[:p.size]), blank[:p.n]...)
		if _, err := w.WriteAt(sealed(piece), p.at); err != nil {
			return err
		}
		blank = blank[p.n:]
	}
	return nil
}

// sealed puts its checksum into a piece.
func sealed(piece []byte) []byte {
	sum := crc32.Checksum(piece[6:], castagnoli)
	binary.LittleEndian.PutUint32(piece, (sum>>15|sum<<17)+0xa282ead8)
	return piece
}

// blankWrite is a write of records that only the log has, all zeros.
func blankWrite(write []byte) []byte {
	b := make([]byte, 0, len(write))
	b = append(b, write[:8]...)
	b = append(b, 0, 0, 0, 0)
	for len(b) < len(write) {
		rest := len(write) - len(b)
		n, ok := fillOf(rest)
		if !ok {
			n = 0 // two bytes less can be filled
		}
		b = append(b, logData)
		b = binary.AppendUvarint(b, uint64(n))
		b = append(b, make([]byte, n)...)
	}
	return b
}

// fillOf is how many bytes a record has that takes so many with its kind and its length; false: there is none.
func fillOf(size int) (n int, ok bool) {
	for digits := 1; digits <= binary.MaxVarintLen32; digits++ {
		n := size - 1 - digits
		if n >= 0 && len(binary.AppendUvarint(nil, uint64(n))) == digits {
			return n, true
		}
	}
	return 0, false
}
