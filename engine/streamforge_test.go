package engine_test

import (
	"encoding/binary"
	"hash/crc32"
)

// forge writes exports by hand, so that tests can write what Export never would. It compresses nothing:
// zstd's frames hold blocks as they are, or one byte many times.
type forge struct {
	out []byte
	sum uint32
}

// forged begins an export with a head.
func forged() *forge {
	f := &forge{}
	head := append([]byte("RBEXPORT"), 1, 0, 0)
	return f.section(append(binary.LittleEndian.AppendUint64(head, 7), 0, 0, 0))
}

// section adds a section, with its checksum, as a frame.
func (f *forge) section(b []byte) *forge {
	f.sum = crc32.Update(f.sum, crc32.IEEETable, b)
	return f.frame(binary.LittleEndian.AppendUint32(append([]byte{}, b...), f.sum))
}

// frame adds a frame.
func (f *forge) frame(b []byte) *forge {
	f.out = append(f.out, storedFrame(b, 0x58, 0)...)
	return f
}

// storedFrame is a frame of zstd with the descriptor of its window, 0x58 for 2 MiB, b and then as many
// times 128 KiB of zeros.
func storedFrame(b []byte, window byte, zeros int) []byte {
	const largest = 128 << 10
	out := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, window}
	block := func(last bool, kind, size int) {
		h := size<<3 | kind<<1
		if last {
			h |= 1
		}
		out = append(out, byte(h), byte(h>>8), byte(h>>16))
	}
	for {
		n := min(len(b), largest)
		block(n == len(b) && zeros == 0, 0, n)
		out = append(out, b[:n]...)
		if b = b[n:]; len(b) == 0 {
			break
		}
	}
	for i := range zeros {
		block(i == zeros-1, 1, largest)
		out = append(out, 0)
	}
	return out
}

// long is s with its length before it.
func long(s string) []byte { return append(binary.AppendUvarint(nil, uint64(len(s))), s...) }

// rowBytes is a row of a block.
func rowBytes(key, value string) []byte {
	b := binary.AppendUvarint(nil, uint64(len(key))+1)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(append(b, key...), value...)
}

// blockBytes is a block of rows, key and value in turn.
func blockBytes(rows ...string) []byte {
	b := []byte{'B'}
	for i := 0; i < len(rows); i += 2 {
		b = append(b, rowBytes(rows[i], rows[i+1])...)
	}
	return binary.AppendUvarint(append(b, 0), uint64(len(rows)/2))
}

// trailerBytes is a trailer.
func trailerBytes(rows, bytes int, first, last string) []byte {
	b := binary.AppendUvarint([]byte{'E'}, uint64(rows))
	b = binary.AppendUvarint(b, uint64(bytes))
	return append(append(b, long(first)...), long(last)...)
}
