package main

import (
	"encoding/hex"
)

// bytesOf turns an argument or the value of a flag into the bytes it stands for.
func (g *globals) bytesOf(what, arg string) ([]byte, error) {
	if !g.hex {
		return []byte(arg), nil
	}
	b, err := hex.DecodeString(arg)
	if err != nil {
		return nil, usagef("%s %q is not hexadecimal: %v", what, arg, err)
	}
	return b, nil
}
