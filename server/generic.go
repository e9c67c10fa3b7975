package server

import (
	"strings"
)

func genericCommands() []*command {
	return []*command{
		{name: "del", arity: -2, flags: write, keys: allKeys, since: "1.0.0", args: "key [key ...]", summary: "Deletes keys.", run: del},
		{name: "unlink", arity: -2, flags: write | fast, keys: allKeys, since: "4.0.0", args: "key [key ...]", summary: "Deletes keys: DEL by another name, as all deletions are cheap here.", run: del},
		{name: "exists", arity: -2, flags: readOnly | fast, keys: allKeys, since: "1.0.0", args: "key [key ...]", summary: "Counts the keys that exist, as often as they are named.", run: exists},
		{name: "touch", arity: -2, flags: readOnly | fast, keys: allKeys, since: "3.2.1", args: "key [key ...]", summary: "Counts the keys that exist. There is no time of last use here.", run: exists},
		{name: "type", arity: 2, flags: readOnly | fast, keys: oneKey, since: "1.0.0", args: "key", summary: "Tells what kind of value a key holds.", run: typeOf},
		{name: "expire", arity: -3, flags: write | fast, keys: oneKey, since: "1.0.0", args: "key seconds [NX | XX | GT | LT]", summary: "Has a key expire after so many seconds.", run: expire("EX")},
		{name: "pexpire", arity: -3, flags: write | fast, keys: oneKey, since: "2.6.0", args: "key milliseconds [NX | XX | GT | LT]", summary: "Has a key expire after so many milliseconds.", run: expire("PX")},
		{name: "expireat", arity: -3, flags: write | fast, keys: oneKey, since: "1.2.0", args: "key unix-time-seconds [NX | XX | GT | LT]", summary: "Has a key expire at a Unix time.", run: expire("EXAT")},
		{name: "pexpireat", arity: -3, flags: write | fast, keys: oneKey, since: "2.6.0", args: "key unix-time-milliseconds [NX | XX | GT | LT]", summary: "Has a key expire at a Unix time in milliseconds.", run: expire("PXAT")},
		{name: "ttl", arity: 2, flags: readOnly | fast, keys: oneKey, since: "1.0.0", args: "key", summary: "Tells in how many seconds a key expires.", run: timeLeft(1000, false)},
		{name: "pttl", arity: 2, flags: readOnly | fast, keys: oneKey, since: "2.6.0", args: "key", summary: "Tells in how many milliseconds a key expires.", run: timeLeft(1, false)},
		{name: "expiretime", arity: 2, flags: readOnly | fast, keys: oneKey, since: "7.0.0", args: "key", summary: "Tells the Unix time at which a key expires.", run: timeLeft(1000, true)},
		{name: "pexpiretime", arity: 2, flags: readOnly | fast, keys: oneKey, since: "7.0.0", args: "key", summary: "Tells the Unix time in milliseconds at which a key expires.", run: timeLeft(1, true)},
		{name: "persist", arity: 2, flags: write | fast, keys: oneKey, since: "2.2.0", args: "key", summary: "Has a key never expire.", run: persist},
		{name: "keys", arity: 2, flags: readOnly | dangerous | wide, since: "1.0.0", args: "pattern", summary: "Gives all keys that match a pattern.", run: keysLike},
		{name: "scan", arity: -2, flags: readOnly | wide, since: "2.8.0", args: "cursor [MATCH pattern] [COUNT count] [TYPE type]", summary: "Gives some keys, and where to go on: a walk over all of them.", run: scan},
		{name: "randomkey", arity: 1, flags: readOnly | wide, since: "1.0.0", summary: "Gives some key.", run: randomKey},
	}
}

func del(x *exec, a [][]byte) error {
	n := int64(0)
	for _, key := range a[1:] {
		s, err := x.get(key)
		if err != nil {
			return err
		}
		if s.there {
			s.remove()
			n++
		}
	}
	x.out.number(n)
	return nil
}

func exists(x *exec, a [][]byte) error {
	n := int64(0)
	for _, key := range a[1:] {
		s, err := x.get(key)
		if err != nil {
			return err
		}
		if s.there {
			n++
		}
	}
	x.out.number(n)
	return nil
}

func typeOf(x *exec, a [][]byte) error {
	s, err := x.get(a[1])
	switch {
	case err != nil:
		return err
	case !s.there:
		x.out.simple("none")
	default:
		x.out.simple(kindNames[s.now.kind])
	}
	return nil
}

// expireCondition is when an expiration time is set.
type expireCondition struct{ absent, present, later, sooner bool }

func parseExpire(a [][]byte) (o expireCondition, err error) {
	for _, word := range a {
		switch strings.ToUpper(string(word)) {
		case "NX":
			o.absent = true
		case "XX":
			o.present = true
		case "GT":
			o.later = true
		case "LT":
			o.sooner = true
		default:
			return o, cleanError("ERR Unsupported option " + cutText(word, len(word)))
		}
	}
	switch {
	case o.absent && (o.present || o.later || o.sooner):
		return o, failure("ERR NX and XX, GT or LT options at the same time are not compatible")
	case o.later && o.sooner:
		return o, failure("ERR GT and LT options at the same time are not compatible")
	}
	return o, nil
}

// allows tells whether a new time may come after the old one. What never expires does so later than all else.
func (o expireCondition) allows(old, at int64) bool {
	switch {
	case o.absent && old != never, o.present && old == never:
		return false
	case o.later && at <= old, o.sooner && at >= old:
		return false
	}
	return true
}

func expire(unit string) func(*exec, [][]byte) error {
	name := map[string]string{"EX": "expire", "PX": "pexpire", "EXAT": "expireat", "PXAT": "pexpireat"}[unit]
	return func(x *exec, a [][]byte) error {
		o, err := parseExpire(a[3:])
		if err != nil {
			return err
		}
		n, ok := parseInt(a[2])
		if !ok {
			return errNotInteger
		}
		at, ok := absolute(n, unit, x.now)
		if !ok {
			return failure("ERR invalid expire time in '" + name + "' command")
		}
		s, err := x.get(a[1])
		if err != nil {
			return err
		}
		if !s.there || !o.allows(s.now.expiry, at) {
			x.out.yes(false)
			return nil
		}
		x.rewrite(s, at)
		x.out.yes(true)
		return nil
	}
}

// rewrite gives a key that is there another expiration time; one that has come removes it.
func (x *exec) rewrite(s *slot, expiry int64) {
	if expiry <= x.now {
		s.remove()
		return
	}
	from := len(x.arena)
	x.arena = append(appendHeader(x.arena, s.now.kind, expiry), s.now.data...)
	s.row = x.arena[from:len(x.arena):len(x.arena)]
	s.now, _ = decodeValue(s.row)
	s.dirty = true
}

// timeLeft answers -2 for a key that is not there, -1 for one that does not expire.
func timeLeft(unit int64, absolute bool) func(*exec, [][]byte) error {
	return func(x *exec, a [][]byte) error {
		s, err := x.get(a[1])
		switch {
		case err != nil:
			return err
		case !s.there:
			x.out.number(-2)
		case s.now.expiry == never:
			x.out.number(-1)
		default:
			left := s.now.expiry
			if !absolute {
				left = max(left-x.now, 0)
			}
			x.out.number(int64((uint64(left) + uint64(unit)/2) / uint64(unit)))
		}
		return nil
	}
}

func persist(x *exec, a [][]byte) error {
	s, err := x.get(a[1])
	if err != nil {
		return err
	}
	timed := s.there && s.now.expiry != never
	if timed {
		x.rewrite(s, never)
	}
	x.out.yes(timed)
	return nil
}
