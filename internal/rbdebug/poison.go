package rbdebug

import "bytes"

// PoisonByte is what memory holds whose content has expired or was never written. As a length of four
// such bytes it lies beyond every buffer that tests make.
const PoisonByte = 0xdb

// Poison overwrites b.
func Poison(b []byte) {
	for i := range b {
		b[i] = PoisonByte
	}
}

// Poisoned reports whether b is as Poison left it.
func Poisoned(b []byte) bool { return bytes.Count(b, []byte{PoisonByte}) == len(b) }
