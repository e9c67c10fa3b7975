package server

import (
	"strconv"
	"strings"

	"github.com/tidwall/redcon"
)

// reply collects answers, in the form that the client speaks.
type reply struct {
	b    []byte
	resp int // 2 or 3
}

func (r *reply) ok()                    { r.b = redcon.AppendOK(r.b) }
func (r *reply) simple(s string)        { r.b = redcon.AppendString(r.b, s) }
func (r *reply) number(n int64)         { r.b = redcon.AppendInt(r.b, n) }
func (r *reply) bulk(b []byte)          { r.b = redcon.AppendBulk(r.b, b) }
func (r *reply) text(s string)          { r.b = redcon.AppendBulkString(r.b, s) }
func (r *reply) array(n int)            { r.b = redcon.AppendArray(r.b, n) }
func (r *reply) verbatim(s string)      { r.marked('=', "txt:"+s) }
func (r *reply) fail(e failure)         { r.b = redcon.AppendError(r.b, string(e)) }
func (r *reply) yes(is bool)            { r.number(map[bool]int64{true: 1}[is]) }
func (r *reply) texts(list ...string)   { r.list(r.array, list) }
func (r *reply) textSet(list ...string) { r.list(r.set, list) }

func (r *reply) list(head func(int), list []string) {
	head(len(list))
	for _, s := range list {
		r.text(s)
	}
}

// null is that of a missing value; RESP2 has another for a missing array.
func (r *reply) null() {
	if r.resp == 3 {
		r.b = append(r.b, "_\r\n"...)
		return
	}
	r.b = redcon.AppendNull(r.b)
}

func (r *reply) nullArray() {
	if r.resp == 3 {
		r.null()
		return
	}
	r.b = append(r.b, "*-1\r\n"...)
}

// mapping begins n pairs.
func (r *reply) mapping(n int) {
	if r.resp == 3 {
		r.head('%', n)
		return
	}
	r.array(2 * n)
}

// set begins n members.
func (r *reply) set(n int) {
	if r.resp == 3 {
		r.head('~', n)
		return
	}
	r.array(n)
}

func (r *reply) head(mark byte, n int) {
	r.b = append(strconv.AppendInt(append(r.b, mark), int64(n), 10), '\r', '\n')
}

func (r *reply) marked(mark byte, s string) {
	if r.resp != 3 {
		r.text(strings.TrimPrefix(s, "txt:"))
		return
	}
	r.head(mark, len(s))
	r.b = append(append(r.b, s...), '\r', '\n')
}

// failure is what follows the minus of an answer: a word in capitals, and a text.
type failure string

func (f failure) Error() string { return string(f) }

// Redis's own words: clients compare them.
const (
	errSyntax      failure = "ERR syntax error"
	errNotInteger  failure = "ERR value is not an integer or out of range"
	errNotFloat    failure = "ERR value is not a valid float"
	errOverflow    failure = "ERR increment or decrement would overflow"
	errNaN         failure = "ERR increment would produce NaN or Infinity"
	errWrongType   failure = "WRONGTYPE Operation against a key holding the wrong kind of value"
	errTooLong     failure = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	errOffset      failure = "ERR offset is out of range"
	errNoAuth      failure = "NOAUTH Authentication required."
	errWrongPass   failure = "WRONGPASS invalid username-password pair or user is disabled."
	errNoProto     failure = "NOPROTO unsupported protocol version"
	errExecAbort   failure = "EXECABORT Transaction discarded because of previous errors."
	errBadDatabase failure = "ERR DB index is out of range"
	errBadCursor   failure = "ERR invalid cursor"
	errMaxClients  failure = "ERR max number of clients reached"
)

// cleanError makes a text that came from a client fit for an answer of one line. It is bytes, and need not be UTF-8.
func cleanError(s string) failure {
	b := []byte(s)
	for i, c := range b {
		if c == '\r' || c == '\n' {
			b[i] = ' '
		}
	}
	return failure(b)
}
