package engine

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// PrefixStat is the rows whose keys have a prefix in common, and their bytes. Prefix may be kept.
type PrefixStat struct {
	Prefix                     []byte
	Rows, KeyBytes, ValueBytes int64
}

// PrefixRule says what the prefix of a key is: PrefixBytes and PrefixUpTo make one. The zero value is
// the empty prefix, which all keys have.
type PrefixRule struct{ g cbridge.Grouping }

// PrefixBytes takes the first n bytes of a key; a shorter key is its own prefix. A negative n is 0.
func PrefixBytes(n int) PrefixRule { return PrefixRule{cbridge.Grouping{Bytes: uint64(max(n, 0))}} }

// PrefixUpTo takes what stands before the first delimiter in a key, and the delimiter. A key without it
// is its own prefix.
func PrefixUpTo(delimiter byte) PrefixRule {
	return PrefixRule{cbridge.Grouping{Delimited: true, Delimiter: delimiter}}
}

// Of is the prefix of a key by the rule, as C finds it: a part of key.
func (p PrefixRule) Of(key []byte) []byte {
	if p.g.Delimited {
		if i := bytes.IndexByte(key, p.g.Delimiter); i >= 0 {
			return key[:i+1]
		}
		return key
	}
	return key[:min(uint64(len(key)), p.g.Bytes)]
}

// errStop ends work that nobody wants any more.
var errStop = errors.New("stop")

// PrefixStats ranges over the prefixes of the keys that o describes, in ascending order, with the rows
// and bytes of each. The rows are looked at and added up in C, in calls of bounded length, and prefixes
// come as the loop asks for them, so that any number of them needs little memory. Values count as they
// would be delivered: none with KeysOnly, cut by ValuesUpTo. It opens an iterator when it is ranged over
// and closes it afterwards; ctx, which may be nil, is looked at between the calls. done, to be called
// after the loop, tells the error that ended it, or nil; the rows before it are in what was yielded, but
// for those of the last prefix.
func PrefixStats(ctx context.Context, r Reader, o *IterOptions, rule PrefixRule) (stats iter.Seq[PrefixStat], done func() error) {
	var err error
	stats = func(yield func(PrefixStat) bool) {
		if err = bytewiseReader("prefix stats", r); err != nil {
			return
		}
		g := prefixGatherer{rule: rule.g, buf: make([]byte, prefixBuffer), yield: yield}
		err = push(ctx, r, o, iterator.Pushdown{Op: "prefix stats", Call: g.call, After: g.after})
		switch {
		case err == errStop:
			err = nil
		case err == nil && g.some:
			yield(g.last)
		}
	}
	return stats, func() error { return err }
}

// prefixBuffer is what groups go to at first.
const prefixBuffer = 16 << 10

// prefixGatherer turns the groups of stretches into prefixes. The last group of a stretch may go on in
// the next.
type prefixGatherer struct {
	rule  cbridge.Grouping
	buf   []byte
	used  int
	some  bool // last is one
	last  PrefixStat
	yield func(PrefixStat) bool
}

func (g *prefixGatherer) call(src *cbridge.Iter, m cbridge.Move, s cbridge.Stretch) cbridge.Passed {
	p := src.Prefixes(m, s, g.rule, g.buf)
	if p.Need > 0 {
		g.buf = make([]byte, p.Need)
		p = src.Prefixes(cbridge.MoveOn, s, g.rule, g.buf)
	}
	g.used = p.Used
	return p.Passed
}

func (g *prefixGatherer) after() error {
	for rest := g.buf[:g.used]; len(rest) > 0; {
		var x cbridge.Group
		x, rest = cbridge.NextGroup(rest)
		if !g.some || !bytes.Equal(g.last.Prefix, x.Prefix) {
			if g.some && !g.yield(g.last) {
				return errStop
			}
			g.some, g.last = true, PrefixStat{Prefix: append([]byte{}, x.Prefix...)}
		}
		g.last.Rows += x.Rows
		g.last.KeyBytes += x.KeyBytes
		g.last.ValueBytes += x.ValueBytes
	}
	return nil
}
