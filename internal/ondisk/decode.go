package ondisk

import "encoding/binary"

// decoder reads numbers and texts one after the other. After the first that is not there it gives zeros,
// and bad is true.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) varint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.b, d.bad = nil, true
		return 0
	}
	d.b = d.b[n:]
	return v
}

// bytes is a text behind its length; it aliases what is decoded.
func (d *decoder) bytes() []byte { return d.take(d.varint()) }

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.b, d.bad = nil, true
		return nil
	}
	taken := d.b[:n:n]
	d.b = d.b[n:]
	return taken
}

// fixed64 is a number of eight bytes.
func fixed64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
