package engine

import (
	"crypto/rand"
	"encoding/binary"
	"hash/crc32"
	"path/filepath"
	"strings"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// What goes to a worker, and what comes back, are RocksDB's own texts in an envelope: a mark, the nonce of the job, what
// each side has to know, and a checksum of all. RocksDB itself would notice neither the result of another job nor
// most damage. Lengths are 32 bits, little endian.

const (
	jobInputMark  = "rbjob-1\n"
	jobResultMark = "rbres-1\n"
)

// jobNonce is of one job. A result that has it was made for that.
type jobNonce [16]byte

func newNonce() (n jobNonce) {
	_, _ = rand.Read(n[:]) // never fails
	return n
}

// jobInput is what a worker needs.
type jobInput struct {
	nonce    jobNonce
	database string // its identity
	family   string
	data     []byte // RocksDB's
}

// jobResult is what a worker has made.
type jobResult struct {
	nonce  jobNonce
	output string // the folder of tables
	tables []jobTable
	data   []byte // RocksDB's
}

type jobTable struct {
	name string
	size uint64
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
}

// sealed appends the checksum.
func sealed(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func (j jobInput) append(b []byte) []byte {
	b = append(append(b, jobInputMark...), j.nonce[:]...)
	return sealed(appendText(appendText(appendText(b, j.database), j.family), j.data))
}

func (j jobResult) append(b []byte) []byte {
	b = append(append(b, jobResultMark...), j.nonce[:]...)
	b = appendText(b, j.output)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(j.tables)))
	for _, t := range j.tables {
		b = binary.LittleEndian.AppendUint64(appendText(b, t.name), t.size)
	}
	return sealed(appendText(b, j.data))
}

// jobReader takes an envelope apart. After the first thing that is missing everything is.
type jobReader struct {
	rest []byte
	bad  bool
}

// open begins with an envelope, whose checksum is right, behind its mark.
func openJob(b []byte, mark string) (r jobReader, nonce jobNonce) {
	if len(b) < len(mark)+len(nonce)+4 || string(b[:len(mark)]) != mark {
		return jobReader{bad: true}, nonce
	}
	end := len(b) - 4
	r.bad = crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:])
	r.rest = b[copy(nonce[:], b[len(mark):end])+len(mark) : end]
	return r, nonce
}

func (r *jobReader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *jobReader) number() uint64 {
	if b := r.take(4); b != nil {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (r *jobReader) text() []byte { return r.take(r.number()) }

// whole tells whether all was there, and no more.
func (r *jobReader) whole() bool { return !r.bad && len(r.rest) == 0 }

func parseJobInput(b []byte) (j jobInput, err error) {
	r, nonce := openJob(b, jobInputMark)
	j = jobInput{nonce, string(r.text()), string(r.text()), r.text()}
	if !r.whole() || len(j.data) == 0 {
		return jobInput{}, dberr.New("", dberr.InvalidArgument, "the input is none of a CompactionJob, or damaged")
	}
	return j, nil
}

func parseJobResult(b []byte) (j jobResult, err error) {
	r, nonce := openJob(b, jobResultMark)
	j.nonce = nonce
	j.output = string(r.text())
	for n := r.number(); n > 0 && !r.bad; n-- {
		t := jobTable{name: string(r.text())}
		if size := r.take(8); size != nil {
			t.size = binary.LittleEndian.Uint64(size)
		}
		r.bad = r.bad || !isTableName(t.name)
		j.tables = append(j.tables, t)
	}
	j.data = r.text()
	if !r.whole() || len(j.data) == 0 || !filepath.IsAbs(j.output) {
		return jobResult{}, dberr.New("", dberr.InvalidArgument, "the answer is none of OpenAndCompact, or damaged")
	}
	return j, nil
}

// fileNameOf leaves of an identity what may stand in a name of a file.
func fileNameOf(identity string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-':
			return c
		}
		return '-'
	}, identity)
}
