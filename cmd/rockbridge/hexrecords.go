package main

import (
	"encoding/hex"
	"fmt"
)

// hexRecords decodes keys and values that its input holds in hexadecimal.
type hexRecords struct {
	records
	key, value []byte
}

func (r *hexRecords) next() (key, value []byte, err error) {
	key, value, err = r.records.next()
	if err != nil {
		return nil, nil, err
	}
	if r.key, err = hex.AppendDecode(r.key[:0], key); err != nil {
		return nil, nil, fmt.Errorf("key: %w", err)
	}
	if r.value, err = hex.AppendDecode(r.value[:0], value); err != nil {
		return nil, nil, fmt.Errorf("value: %w", err)
	}
	return r.key, r.value, nil
}
