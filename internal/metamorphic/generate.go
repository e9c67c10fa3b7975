package metamorphic

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// What keys are for, which everyone who carries a list out must heed. Those that begin with Single are only put where
// they are absent, and only deleted singly: whoever carries out passes over what is not that, and clips ranges at
// [Single, SingleEnd). Those that begin with Sum hold numbers, and are the only ones that are merged into.
const (
	Single    = "s"
	SingleEnd = "t"
	Sum       = "u"
)

// Numbers of things that operations name.
const (
	Families  = 4 // 0 is the default family
	Snapshots = 3
	Batches   = 2
	Iterators = 4
	Filters   = 6 // from 1 on
	Settings  = 14
)

// generator makes operations. Keys are short and of few letters, so that operations meet.
type generator struct {
	r     *rand.Rand
	holes bool // indexed batches delete ranges too
}

type choice struct {
	weight int
	op     func(g *generator) Op
}

var choices = []choice{
	{200, (*generator).change},
	{60, func(g *generator) Op { return Op{Do: "batch", How: g.how(), Records: g.records(20, true)} }},
	{25, func(g *generator) Op {
		o := Op{Do: "atomic", How: g.pick("commit", "commit", "discard"), Family: g.family(), Range: g.rangeOf(), Records: g.records(8, false)}
		o.Key = g.key()
		return o
	}},
	{100, func(g *generator) Op { return g.reads(Op{Do: "get", Record: Record{Key: g.key()}}) }},
	{40, func(g *generator) Op { return g.reads(Op{Do: "multiget", Keys: g.keys(40)}) }},
	{90, func(g *generator) Op { return g.reads(Op{Do: "scan", Range: g.rangeOf()}) }},
	{50, (*generator).sum},
	{12, func(g *generator) Op { return Op{Do: "snapshot", Slot: g.r.IntN(Snapshots)} }},
	{8, func(g *generator) Op { return Op{Do: "unsnapshot", Slot: g.r.IntN(Snapshots)} }},
	{30, (*generator).iterator},
	{10, func(g *generator) Op { return Op{Do: "uniterator", Slot: g.r.IntN(Iterators)} }},
	{250, (*generator).move},
	{60, (*generator).stage},
	{10, func(g *generator) Op { return Op{Do: "commit", How: g.how(), Slot: g.r.IntN(Batches)} }},
	{6, func(g *generator) Op {
		return Op{Do: "unstage", How: g.pick("reset", "close"), Slot: g.r.IntN(Batches)}
	}},
	{8, func(g *generator) Op { return Op{Do: "deletewhere", Family: g.family(), Range: g.wholeRows()} }},
	{6, func(g *generator) Op {
		return g.reads(Op{Do: "copyrange", N: g.r.IntN(Families), Range: g.wholeRows()})
	}},
	{6, func(g *generator) Op { return Op{Do: "ingest", Family: g.family(), Records: g.rows(20)} }},
	{6, func(g *generator) Op { return Op{Do: "create", Family: g.family()} }},
	{3, func(g *generator) Op { return Op{Do: "drop", Family: g.family()} }},
	{6, func(g *generator) Op { return Op{Do: "set", Family: g.family(), N: g.r.IntN(Settings)} }},
	{8, func(g *generator) Op { return Op{Do: "flush", Family: g.family(), How: g.pick("one", "all")} }},
	{3, func(g *generator) Op {
		return Op{Do: "compact", Family: g.family(), How: g.pick("one", "all"), Range: Range{Lower: g.bound(), Upper: g.bound()}}
	}},
	{3, func(g *generator) Op { return Op{Do: "reopen"} }},
	{1, func(g *generator) Op { return Op{Do: "checkpoint"} }},
}

// Generate makes a list of n operations. Without holes, no indexed batch deletes ranges: a database with transactions
// has nothing that does the same.
func Generate(seed uint64, n int, holes bool) []Op {
	g := &generator{rand.New(rand.NewPCG(seed, 1)), holes}
	total := 0
	for _, c := range choices {
		total += c.weight
	}
	list := make([]Op, n)
	for i := range list {
		at := g.r.IntN(total)
		for _, c := range choices {
			if at -= c.weight; at < 0 {
				list[i] = c.op(g)
				break
			}
		}
	}
	return list
}

func (g *generator) family() int { return min(g.r.IntN(Families+1), Families) % Families }

func (g *generator) pick(of ...string) string { return of[g.r.IntN(len(of))] }

func (g *generator) how() string {
	return g.pick("", "", "", "", "", "", "", "sync", "nolog", "low", "noslow", "writer")
}

const letters = "\x00abc\x7f\xff"

func (g *generator) plainKey() []byte {
	k := make([]byte, g.r.IntN(4))
	for i := range k {
		k[i] = letters[g.r.IntN(len(letters))]
	}
	if g.r.IntN(40) == 0 { // long ones meet too
		return bytes.Repeat([]byte{letters[g.r.IntN(len(letters))]}, 10*(10+g.r.IntN(20)))
	}
	return k
}

func (g *generator) purposeKey(p string) []byte { return fmt.Appendf(nil, "%s%d", p, g.r.IntN(12)) }

func (g *generator) key() []byte {
	switch g.r.IntN(6) {
	case 0:
		return g.purposeKey(Single)
	case 1:
		return g.purposeKey(Sum)
	default:
		return g.plainKey()
	}
}

func (g *generator) keys(most int) [][]byte {
	out := make([][]byte, 1+g.r.IntN(most))
	for i := range out {
		out[i] = g.key()
	}
	return out
}

// value is mostly small, at times beyond what a read copies twice or what one fill of an iterator holds.
func (g *generator) value() Value {
	v := Value{Len: g.r.IntN(30), Seed: uint64(g.r.IntN(1000))}
	switch g.r.IntN(150) {
	case 0, 1, 2, 3:
		v.Len = 1000 + g.r.IntN(3000)
	case 4:
		v.Len = 16<<10 - 2 + g.r.IntN(4)
	case 5:
		v.Len = 50_000 + g.r.IntN(100_000)
	}
	return v
}

func (g *generator) number() Value { return Value{Number: true, Seed: g.r.Uint64()} }

// put sets a key of any purpose to what that wants.
func (g *generator) put() Record {
	k := g.key()
	if strings.HasPrefix(string(k), Sum) {
		return Record{"put", g.family(), k, nil, g.number()}
	}
	return Record{"put", g.family(), k, nil, g.value()}
}

func (g *generator) span() Record {
	start, end := g.key(), g.key()
	if bytes.Compare(start, end) > 0 {
		start, end = end, start
	}
	return Record{Do: "range", Family: g.family(), Key: start, End: end}
}

func (g *generator) record(ranges bool) Record {
	switch g.r.IntN(10) {
	case 0, 1:
		return Record{Do: "delete", Family: g.family(), Key: g.key()}
	case 2:
		return Record{Do: "single", Family: g.family(), Key: g.purposeKey(Single)}
	case 3, 4:
		return Record{Do: "merge", Family: g.family(), Key: g.purposeKey(Sum), Value: g.number()}
	case 5:
		if ranges && g.r.IntN(3) == 0 {
			return g.span()
		}
	}
	return g.put()
}

func (g *generator) records(most int, ranges bool) []Record {
	out := make([]Record, 1+g.r.IntN(most))
	for i := range out {
		out[i] = g.record(ranges)
	}
	return out
}

func (g *generator) rows(most int) []Record {
	out := make([]Record, 1+g.r.IntN(most))
	for i := range out {
		out[i] = g.put()
	}
	return out
}

func (g *generator) change() Op {
	r := g.record(true)
	return Op{Do: r.Do, How: g.how(), Family: r.Family, Record: Record{Key: r.Key, End: r.End, Value: r.Value}}
}

func (g *generator) bound() []byte {
	if g.r.IntN(2) == 0 {
		return nil
	}
	return g.key()
}

func (g *generator) rangeOf() Range {
	o := Range{Lower: g.bound(), Upper: g.bound(), Back: g.r.IntN(3) == 0}
	switch g.r.IntN(8) {
	case 0:
		o.Prefix = g.key()
	case 1:
		o.KeysOnly = true
	case 2:
		o.Cut = 1 + g.r.IntN(40)
	}
	if g.r.IntN(4) == 0 {
		o.Limit = 1 + g.r.IntN(20)
	}
	if g.r.IntN(4) == 0 {
		o.Filter = 1 + g.r.IntN(Filters)
	}
	return o
}

// wholeRows is a range of rows that are changed as a whole.
func (g *generator) wholeRows() Range {
	o := g.rangeOf()
	o.Back, o.KeysOnly, o.Cut = false, false, 0
	return o
}

// reads says what a read is of.
func (g *generator) reads(o Op) Op {
	o.Family = g.family()
	switch g.r.IntN(5) {
	case 0:
		o.On = fmt.Sprintf("s%d", g.r.IntN(Snapshots))
	case 1:
		o.On = fmt.Sprintf("b%d", g.r.IntN(Batches))
	}
	return o
}

func (g *generator) sum() Op {
	o := g.reads(Op{Do: "sum", How: g.pick("count", "checksum", "first", "last", "sizes", "prefixes"), Range: g.rangeOf()})
	o.Back = false
	if o.How != "count" && o.How != "checksum" {
		o.KeysOnly, o.Cut = false, 0
	}
	if o.How == "prefixes" {
		o.N = g.r.IntN(3)
	}
	return o
}

func (g *generator) iterator() Op {
	o := g.reads(Op{Do: "iterator", Slot: g.r.IntN(Iterators), Range: g.rangeOf()})
	o.Limit, o.Filter, o.Back = 0, 0, false
	return o
}

func (g *generator) move() Op {
	o := Op{Do: "move", Slot: g.r.IntN(Iterators)}
	o.How = g.pick("first", "last", "ge", "ge", "le", "lt", "next", "next", "next", "next", "prev", "prev", "prev", "bounds", "refresh")
	switch o.How {
	case "ge", "le", "lt":
		o.Key = g.key()
	case "next", "prev":
		o.N = 1 + g.r.IntN(5)
		if g.r.IntN(8) == 0 {
			o.N = 100
		}
	case "bounds":
		o.Lower, o.Upper = g.bound(), g.bound()
	}
	return o
}

// stage gives records to an indexed batch: none of keys that are deleted singly, since the database may have changed
// when they come there.
func (g *generator) stage() Op {
	o := Op{Do: "stage", Slot: g.r.IntN(Batches)}
	for _, r := range g.records(6, g.holes) {
		if !strings.HasPrefix(string(r.Key), Single) {
			o.Records = append(o.Records, r)
		}
	}
	return o
}
