package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// hexSuffix marks a field that holds its bytes in hexadecimal, as scan --output
// json writes bytes that are not UTF-8.
const hexSuffix = "_hex"

// jsonRecords reads one JSON object a line.
type jsonRecords struct {
	lines      *lineReader
	key, value string // names of fields; value "": the whole line
}

func newJSONRecords(r io.Reader, choice columnChoice) *jsonRecords {
	key := choice.key
	if key == "" {
		key = "key"
	}
	return &jsonRecords{lines: newLineReader(r), key: key, value: choice.value}
}

func (r *jsonRecords) line() int { return r.lines.count }

func (r *jsonRecords) next() (key, value []byte, err error) {
	line, err := r.lines.next()
	if err != nil {
		return nil, nil, err
	}
	if !utf8.Valid(line) {
		return nil, nil, errors.New("not UTF-8")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		return nil, nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if object == nil {
		return nil, nil, errors.New("not a JSON object: null")
	}
	if key, err = fieldOf(object, r.key, false); err != nil {
		return nil, nil, err
	}
	if r.value == "" {
		return key, line, nil
	}
	value, err = fieldOf(object, r.value, true)
	return key, value, err
}

// fieldOf gives the bytes of a field: a string's text, a number as it is
// written, any other value (as a value only) as its JSON.
func fieldOf(object map[string]json.RawMessage, name string, anyType bool) ([]byte, error) {
	raw, ok := object[name]
	if !ok {
		if raw, ok := object[name+hexSuffix]; ok {
			return hexField(raw, name+hexSuffix)
		}
		return nil, fmt.Errorf("no field %q", name)
	}
	raw = bytes.TrimSpace(raw)
	switch first := raw[0]; {
	case first == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, fmt.Errorf("field %q: %w", name, err)
		}
		return []byte(text), nil
	case anyType, first == '-', first >= '0' && first <= '9':
		return raw, nil
	default:
		return nil, fmt.Errorf("field %q is neither a string nor a number", name)
	}
}

func hexField(raw json.RawMessage, name string) ([]byte, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, fmt.Errorf("field %q: %w", name, err)
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("field %q: %w", name, err)
	}
	return b, nil
}
