package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// outputFormats are the values of --output.
var outputFormats = []string{"raw", "hex", "json"}

func registerOutput(cmd *cobra.Command, into *string, help string) {
	cmd.Flags().StringVar(into, "output", "raw", help)
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(outputFormats, cobra.ShellCompDirectiveNoFileComp))
}

func checkOutput(format string) error {
	if !slices.Contains(outputFormats, format) {
		return usagef("--output %q: not one of %s", format, strings.Join(outputFormats, ", "))
	}
	return nil
}

// rowWriter writes rows to a buffer in one of outputFormats; flush ends it.
type rowWriter struct {
	w      *bufio.Writer
	format string
	json   *json.Encoder
	hex    []byte
}

func newRowWriter(out io.Writer, format string) *rowWriter {
	w := bufio.NewWriterSize(out, 64<<10)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &rowWriter{w: w, format: format, json: enc}
}

func (r *rowWriter) flush() error { return r.w.Flush() }

// row writes a key and its value.
func (r *rowWriter) row(key, value []byte) error {
	if r.format == "json" {
		object := jsonRow{}
		object.setKey(key)
		object.setValue(value)
		return r.json.Encode(object)
	}
	r.bytes(key)
	r.w.WriteByte('\t') // a failed write is kept in w and returned by the last one
	r.bytes(value)
	return r.w.WriteByte('\n')
}

// key writes a key alone.
func (r *rowWriter) key(key []byte) error {
	if r.format == "json" {
		object := jsonRow{}
		object.setKey(key)
		return r.json.Encode(object)
	}
	r.bytes(key)
	return r.w.WriteByte('\n')
}

// value writes a value alone, with or without a newline after it.
func (r *rowWriter) value(value []byte, newline bool) error {
	if r.format == "json" {
		object := jsonRow{}
		object.setValue(value)
		return r.json.Encode(object)
	}
	r.bytes(value)
	if !newline {
		return nil
	}
	return r.w.WriteByte('\n')
}

func (r *rowWriter) bytes(b []byte) {
	if r.format == "hex" {
		r.hex = hex.AppendEncode(r.hex[:0], b)
		b = r.hex
	}
	r.w.Write(b)
}

// jsonRow is a row as JSON. Bytes that are not UTF-8 go into the field of the
// same name with _hex, since a JSON string cannot hold them.
type jsonRow struct {
	Key      *string `json:"key,omitempty"`
	KeyHex   *string `json:"key_hex,omitempty"`
	Value    *string `json:"value,omitempty"`
	ValueHex *string `json:"value_hex,omitempty"`
}

func (o *jsonRow) setKey(b []byte)   { o.Key, o.KeyHex = textOrHex(b) }
func (o *jsonRow) setValue(b []byte) { o.Value, o.ValueHex = textOrHex(b) }

func textOrHex(b []byte) (text, inHex *string) {
	if utf8.Valid(b) {
		s := string(b)
		return &s, nil
	}
	s := hex.EncodeToString(b)
	return nil, &s
}
