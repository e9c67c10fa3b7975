package server

import (
	"bytes"
	"math"
	"strings"
)

func stringCommands() []*command {
	return []*command{
		{name: "get", arity: 2, flags: readOnly | fast, keys: oneKey, since: "1.0.0", args: "key", summary: "Gives a key's string.", run: get},
		{name: "set", arity: -3, flags: write, keys: oneKey, since: "1.0.0", args: "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]", summary: "Gives a key a string, whatever it held.", run: set, blind: setIsBlind},
		{name: "setnx", arity: 3, flags: write | fast, keys: oneKey, since: "1.0.0", args: "key value", summary: "Gives a key a string if it does not exist.", run: setNX},
		{name: "setex", arity: 4, flags: write, keys: oneKey, since: "2.0.0", args: "key seconds value", summary: "Gives a key a string and a time to live, in seconds.", run: setEX(1000), blind: always},
		{name: "psetex", arity: 4, flags: write, keys: oneKey, since: "2.6.0", args: "key milliseconds value", summary: "Gives a key a string and a time to live, in milliseconds.", run: setEX(1), blind: always},
		{name: "getset", arity: 3, flags: write | fast, keys: oneKey, since: "1.0.0", args: "key value", summary: "Gives a key's string, and sets another.", run: getSet},
		{name: "getdel", arity: 2, flags: write | fast, keys: oneKey, since: "6.2.0", args: "key", summary: "Gives a key's string, and deletes the key.", run: getDel},
		{name: "getex", arity: -2, flags: write | fast, keys: oneKey, since: "6.2.0", args: "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]", summary: "Gives a key's string, and changes when it expires.", run: getEX},
		{name: "mget", arity: -2, flags: readOnly | fast, keys: allKeys, since: "1.0.0", args: "key [key ...]", summary: "Gives the strings of several keys.", run: mGet},
		{name: "mset", arity: -3, flags: write, keys: keyPairs, since: "1.0.1", args: "key value [key value ...]", summary: "Gives several keys strings, at once.", run: mSet, blind: always},
		{name: "msetnx", arity: -3, flags: write, keys: keyPairs, since: "1.0.1", args: "key value [key value ...]", summary: "Gives several keys strings, if none of them exists.", run: mSetNX},
		{name: "strlen", arity: 2, flags: readOnly | fast, keys: oneKey, since: "2.2.0", args: "key", summary: "Tells how long a key's string is.", run: strLen},
		{name: "append", arity: 3, flags: write | fast, keys: oneKey, since: "2.0.0", args: "key value", summary: "Appends to a key's string; the key is made if it does not exist.", run: appendTo},
		{name: "getrange", arity: 4, flags: readOnly, keys: oneKey, since: "2.4.0", args: "key start end", summary: "Gives a part of a key's string.", run: getRange},
		{name: "substr", arity: 4, flags: readOnly, keys: oneKey, since: "1.0.0", args: "key start end", summary: "Gives a part of a key's string: an old name of GETRANGE.", run: getRange},
		{name: "setrange", arity: 4, flags: write, keys: oneKey, since: "2.2.0", args: "key offset value", summary: "Overwrites a part of a key's string, which grows if needed.", run: setRange},
		{name: "incr", arity: 2, flags: write | fast, keys: oneKey, since: "1.0.0", args: "key", summary: "Adds 1 to a key's number, which is 0 if there is none.", run: increment(1)},
		{name: "decr", arity: 2, flags: write | fast, keys: oneKey, since: "1.0.0", args: "key", summary: "Subtracts 1 from a key's number, which is 0 if there is none.", run: increment(-1)},
		{name: "incrby", arity: 3, flags: write | fast, keys: oneKey, since: "1.0.0", args: "key increment", summary: "Adds to a key's number, which is 0 if there is none.", run: incrBy},
		{name: "decrby", arity: 3, flags: write | fast, keys: oneKey, since: "1.0.0", args: "key decrement", summary: "Subtracts from a key's number, which is 0 if there is none.", run: decrBy},
		{name: "incrbyfloat", arity: 3, flags: write | fast, keys: oneKey, since: "2.6.0", args: "key increment", summary: "Adds to a key's floating-point number, which is 0 if there is none.", run: incrByFloat},
	}
}

func always([][]byte) bool { return true }

func get(x *exec, a [][]byte) error {
	s, err := x.text(a[1])
	if err != nil {
		return err
	}
	x.answer(s)
	return nil
}

// answer is a key's string, or null.
func (x *exec) answer(s *slot) {
	if s.there {
		x.out.bulk(s.now.data)
	} else {
		x.out.null()
	}
}

// setOptions are what follows the value of SET, and the key of GETEX.
type setOptions struct {
	ifAbsent, ifPresent, old, keep, persist bool

	unit string // of at: EX, PX, EXAT, PXAT, or nothing
	at   []byte
}

// setIsBlind tells whether SET need not know what the key holds.
func setIsBlind(a [][]byte) bool {
	for i := 3; i < len(a); i++ {
		switch strings.ToUpper(string(a[i][:min(len(a[i]), 8)])) {
		case "NX", "XX", "GET", "KEEPTTL":
			return false
		}
	}
	return true
}

// parseSet reads options, in any order; name is the command's. What a time is worth tells when.
func parseSet(name string, a [][]byte) (o setOptions, err error) {
	for i := 0; i < len(a); i++ {
		more := i+1 < len(a)
		switch word := strings.ToUpper(string(a[i])); {
		case word == "NX" && name == "set" && !o.ifPresent:
			o.ifAbsent = true
		case word == "XX" && name == "set" && !o.ifAbsent:
			o.ifPresent = true
		case word == "GET" && name == "set":
			o.old = true
		case word == "KEEPTTL" && name == "set" && o.unit == "":
			o.keep = true
		case word == "PERSIST" && name == "getex" && o.unit == "":
			o.persist = true
		case isTime(word) && more && o.unit == "" && !o.keep && !o.persist:
			o.unit, o.at = word, a[i+1]
			i++
		default:
			return o, errSyntax
		}
	}
	return o, nil
}

// when is the millisecond that the options say; never, if they do not.
func (o *setOptions) when(name string, now int64) (int64, error) {
	if o.unit == "" {
		return never, nil
	}
	return expiryOf(name, o.at, o.unit, now)
}

func isTime(word string) bool {
	return word == "EX" || word == "PX" || word == "EXAT" || word == "PXAT"
}

// expiryOf is the millisecond that an option says; it must be positive.
func expiryOf(name string, b []byte, unit string, now int64) (int64, error) {
	n, ok := parseInt(b)
	if !ok {
		return 0, errNotInteger
	}
	wrong := failure("ERR invalid expire time in '" + name + "' command")
	if n <= 0 {
		return 0, wrong
	}
	at, ok := absolute(n, unit, now)
	if !ok {
		return 0, wrong
	}
	return at, nil
}

// absolute is the millisecond of a time in a unit: those without "AT" are from now on.
func absolute(n int64, unit string, now int64) (int64, bool) {
	if unit[0] == 'E' {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return 0, false
		}
		n *= 1000
	}
	if len(unit) == 2 {
		if n > maxExpiry-now {
			return 0, false
		}
		n += now
	}
	return n, n <= maxExpiry
}

func set(x *exec, a [][]byte) error {
	o, err := parseSet("set", a[3:])
	if err != nil {
		return err
	}
	expiry, err := o.when("set", x.now)
	if err != nil {
		return err
	}
	if !o.ifAbsent && !o.ifPresent && !o.old && !o.keep {
		x.put(a[1], a[2], expiry)
		x.out.ok()
		return nil
	}
	s, err := x.get(a[1])
	if err != nil {
		return err
	}
	if o.old {
		if s.there && s.now.kind != kindString {
			return errWrongType
		}
		x.answer(s)
	}
	if o.ifAbsent && s.there || o.ifPresent && !s.there {
		if !o.old {
			x.out.null()
		}
		return nil
	}
	if o.keep && s.there {
		expiry = s.now.expiry
	}
	x.put(a[1], a[2], expiry)
	if !o.old {
		x.out.ok()
	}
	return nil
}

func setNX(x *exec, a [][]byte) error {
	s, err := x.get(a[1])
	if err != nil {
		return err
	}
	x.out.yes(!s.there)
	if !s.there {
		x.put(a[1], a[2], never)
	}
	return nil
}

func setEX(unit int64) func(*exec, [][]byte) error {
	name, word := "setex", "EX"
	if unit == 1 {
		name, word = "psetex", "PX"
	}
	return func(x *exec, a [][]byte) error {
		expiry, err := expiryOf(name, a[2], word, x.now)
		if err != nil {
			return err
		}
		x.put(a[1], a[3], expiry)
		x.out.ok()
		return nil
	}
}

func getSet(x *exec, a [][]byte) error {
	s, err := x.text(a[1])
	if err != nil {
		return err
	}
	x.answer(s)
	x.put(a[1], a[2], never)
	return nil
}

func getDel(x *exec, a [][]byte) error {
	s, err := x.text(a[1])
	if err != nil {
		return err
	}
	x.answer(s)
	if s.there {
		s.remove()
	}
	return nil
}

func getEX(x *exec, a [][]byte) error {
	o, err := parseSet("getex", a[2:])
	if err != nil {
		return err
	}
	s, err := x.text(a[1])
	if err != nil {
		return err
	}
	x.answer(s)
	if !s.there {
		return nil
	}
	expiry, err := o.when("getex", x.now)
	if err != nil {
		return err
	}
	if o.persist && s.now.expiry != never || expiry != never {
		x.put(a[1], s.now.data, expiry)
	}
	return nil
}

func mGet(x *exec, a [][]byte) error {
	x.out.array(len(a) - 1)
	for _, key := range a[1:] {
		if x.overfull() {
			break
		}
		s, err := x.get(key)
		if err != nil {
			return err
		}
		if s.there && s.now.kind == kindString {
			x.out.bulk(s.now.data)
		} else {
			x.out.null()
		}
	}
	return nil
}

func mSet(x *exec, a [][]byte) error {
	if len(a)%2 == 0 {
		return failure("ERR wrong number of arguments for 'mset' command")
	}
	for i := 1; i < len(a); i += 2 {
		x.put(a[i], a[i+1], never)
	}
	x.out.ok()
	return nil
}

func mSetNX(x *exec, a [][]byte) error {
	if len(a)%2 == 0 {
		return failure("ERR wrong number of arguments for 'msetnx' command")
	}
	for i := 1; i < len(a); i += 2 {
		s, err := x.get(a[i])
		if err != nil {
			return err
		}
		if s.there {
			x.out.yes(false)
			return nil
		}
	}
	for i := 1; i < len(a); i += 2 {
		x.put(a[i], a[i+1], never)
	}
	x.out.yes(true)
	return nil
}

func strLen(x *exec, a [][]byte) error {
	s, err := x.text(a[1])
	if err == nil {
		x.out.number(int64(len(s.now.data)) * map[bool]int64{true: 1}[s.there])
	}
	return err
}

func appendTo(x *exec, a [][]byte) error {
	s, err := x.text(a[1])
	if err != nil {
		return err
	}
	old, expiry := s.content()
	if len(old)+len(a[2]) > x.s.conf.maxBulk() {
		return errTooLong
	}
	x.out.number(int64(len(old) + len(a[2])))
	x.put(a[1], bytes.Join([][]byte{old, a[2]}, nil), expiry)
	return nil
}

// content is a key's string, empty if it is not there, and when it expires.
func (s *slot) content() ([]byte, int64) {
	if !s.there {
		return nil, never
	}
	return s.now.data, s.now.expiry
}

func getRange(x *exec, a [][]byte) error {
	start, ok := parseInt(a[2])
	end, too := parseInt(a[3])
	if !ok || !too {
		return errNotInteger
	}
	s, err := x.text(a[1])
	if err != nil {
		return err
	}
	data, _ := s.content()
	n := int64(len(data))
	if start < 0 && end < 0 && start > end {
		x.out.bulk(nil)
		return nil
	}
	if start < 0 {
		start = max(start+n, 0)
	}
	if end < 0 {
		end = max(end+n, 0)
	}
	if end = min(end, n-1); start > end || n == 0 {
		x.out.bulk(nil)
		return nil
	}
	x.out.bulk(data[start : end+1])
	return nil
}

func setRange(x *exec, a [][]byte) error {
	offset, ok := parseInt(a[2])
	if !ok {
		return errNotInteger
	}
	if offset < 0 {
		return errOffset
	}
	s, err := x.text(a[1])
	if err != nil {
		return err
	}
	old, expiry := s.content()
	if len(a[3]) == 0 {
		x.out.number(int64(len(old)))
		return nil
	}
	if offset > int64(x.s.conf.maxBulk()-len(a[3])) {
		return errTooLong
	}
	grown := make([]byte, max(len(old), int(offset)+len(a[3])))
	copy(grown, old)
	copy(grown[offset:], a[3])
	x.put(a[1], grown, expiry)
	x.out.number(int64(len(grown)))
	return nil
}
