package engine_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/metamorphic"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// metaReader is a way to read.
type metaReader struct {
	name   string
	chunks bool // by NextChunk
	pushed bool // C filters, counts and adds up; otherwise Go does
	bare   bool // by one call into C for each row
	adapt  func(n int, o *engine.IterOptions) *engine.IterOptions
}

var metaReaders = []metaReader{
	{name: "single steps"},
	{name: "chunks", chunks: true},
	{name: "every buffer size", chunks: true, adapt: func(n int, o *engine.IterOptions) *engine.IterOptions {
		return engine.Filling(o, metaBuffers[n%len(metaBuffers)])
	}},
	{name: "pushed down", chunks: true, pushed: true},
	{name: "row by row in C", bare: true},
	{name: "beside the user", chunks: true, adapt: func(_ int, o *engine.IterOptions) *engine.IterOptions { return engine.Eager(o) }},
	{name: "single steps over every buffer size", adapt: func(n int, o *engine.IterOptions) *engine.IterOptions {
		return engine.Filling(o, metaBuffers[n%len(metaBuffers)])
	}},
}

// metaBuffers are buffer sizes from 1 byte to 1 MiB: every small one, then those about powers of two.
var metaBuffers = func() (sizes []int) {
	for n := 1; n <= 72; n++ {
		sizes = append(sizes, n)
	}
	for n := 128; n <= 1<<20; n *= 2 {
		sizes = append(sizes, n-1, n, n+1)
	}
	return sizes
}()

// metaFilters are those that ranges name, from 1 on.
var metaFilters = [metamorphic.Filters]*engine.Predicate{
	engine.RowKey.Contains([]byte("a")),
	engine.RowValue.Length(0, 16),
	engine.Not(engine.RowKey.HasSuffix([]byte("b"))),
	engine.Or(engine.RowValue.HasPrefix([]byte{0}), engine.RowKey.Is(engine.Less, []byte("b"))),
	engine.And(engine.RowKey.Length(2, 3), engine.RowValue.Length(5, 5000)),
	engine.RowValue.At(0, engine.Less, []byte{0x80}),
}

func metaOptions(q metamorphic.Range) *engine.IterOptions {
	o := &engine.IterOptions{
		LowerBound: q.Lower, UpperBound: q.Upper, Prefix: q.Prefix, KeysOnly: q.KeysOnly, ValuesUpTo: q.Cut, Limit: q.Limit,
	}
	if q.Filter > 0 {
		o.Filter = metaFilters[(q.Filter-1)%metamorphic.Filters]
	}
	return o
}

// metaRows is what rows amount to.
func metaRows(rows []scanned) string {
	if len(rows) == 0 {
		return "no rows"
	}
	sum, absent := engine.RangeChecksum{}, 0
	for _, row := range rows {
		sum.Add(row.key, row.value)
		if row.value == nil {
			absent++
		}
	}
	return fmt.Sprintf("%d rows, %d without a value, %08x, %s to %s", len(rows), absent, sum.CRC, show(rows[0].key), show(rows[len(rows)-1].key))
}

func (d metaReader) rows(m *metaRun, r lifecycleReader, q metamorphic.Range) ([]scanned, error) {
	if m.plant == metaStale {
		q, m.earlier = m.earlier, q
	}
	if m.plant == metaIncluded && q.Upper != nil {
		q.Upper = append(slices.Clone(q.Upper), 0)
	}
	return d.with(m, r, metaOptions(q), q.Back)
}

// with reads the rows that o describes. What is not pushed down is done in Go here, if there is a filter.
func (d metaReader) with(m *metaRun, r lifecycleReader, o *engine.IterOptions, back bool) ([]scanned, error) {
	asked, given := *o, *o
	if !d.pushed && o.Filter != nil || d.bare {
		given = engine.IterOptions{LowerBound: o.LowerBound, UpperBound: o.UpperBound, Prefix: o.Prefix}
	}
	if d.adapt != nil {
		d.adapt(m.n, &given)
	}
	var rows []scanned
	var err error
	_, tx := r.(*engine.Tx)
	switch {
	case d.bare && !tx:
		rows, err = metaBare(r, &given, back)
	case d.pushed && !back && m.n%2 == 0 && !tx:
		rows, err = metaParallel(r, &given)
	case d.chunks:
		rows, err = metaChunks(m, r, &given, back)
	case !back && given.Filter == nil && m.n%2 == 0:
		found, done := engine.Scan(r, &given)
		for key, value := range found {
			rows = append(rows, scanned{key, value})
		}
		err = done()
	default:
		rows, err = metaSteps(r, &given, back)
	}
	if d.bare || !d.pushed && asked.Filter != nil {
		rows = sieved(rows, &asked)
	}
	return rows, err
}

func metaSteps(r engine.Reader, o *engine.IterOptions, back bool) (rows []scanned, err error) {
	it, err := r.NewIter(o)
	if err != nil {
		return nil, err
	}
	start, step := it.First, it.Next
	if back {
		start, step = it.Last, it.Prev
	}
	for ok := start(); ok; ok = step() {
		rows = append(rows, scanned{it.Key(), it.Value()})
	}
	return rows, it.Close()
}

func metaChunks(m *metaRun, r engine.Reader, o *engine.IterOptions, back bool) (rows []scanned, err error) {
	it, err := r.NewIter(o)
	if err != nil {
		return nil, err
	}
	fill := it.NextChunk
	if back {
		fill = it.PrevChunk
	}
	var c iterator.Chunk
	for fill(&c) {
		if m.plant == metaDropped && len(rows) > 0 {
			rows = rows[:len(rows)-1]
		}
		taken := c.Take()
		for key, value := range taken.All() {
			rows = append(rows, scanned{key, value})
		}
	}
	return rows, it.Close()
}

func metaParallel(r engine.Reader, o *engine.IterOptions) (rows []scanned, err error) {
	var parts [3][]scanned
	err = engine.ScanParallel(context.Background(), r, o, len(parts), func(part int, c *iterator.Chunk) error {
		taken := c.Take()
		for key, value := range taken.All() {
			parts[part] = append(parts[part], scanned{key, value})
		}
		return nil
	})
	return slices.Concat(parts[:]...), err
}

func metaBare(r engine.Reader, o *engine.IterOptions, back bool) (rows []scanned, err error) {
	c, err := engine.StepsOf(r, o)
	if err != nil {
		return nil, err
	}
	steps := cbridge.NewStepIter(c)
	defer steps.Free()
	start, step := steps.First, steps.Next
	if back {
		start, step = steps.Last, steps.Prev
	}
	for ok := start(); ok; ok = step() {
		rows = append(rows, scanned{steps.Key(), steps.Value()})
	}
	return rows, steps.Err()
}

func (m *metaRun) scan(o metamorphic.Op) (string, error) {
	r := m.reader(o)
	if r == nil {
		return "none", nil
	}
	rows, err := m.read.rows(m, r, o.Range)
	return metaRows(rows), err
}

// sum adds rows up: in C if that is pushed down, otherwise out of the rows.
func (m *metaRun) sum(o metamorphic.Op) (string, error) {
	r := m.reader(o)
	if r == nil {
		return "none", nil
	}
	options := metaOptions(o.Range)
	if m.read.pushed {
		return metaPushedSum(r, o, options)
	}
	if o.How == "first" || o.How == "last" {
		options.Limit = 0
	}
	rows, err := m.read.with(m, r, options, false)
	if err != nil {
		return "", err
	}
	var c engine.RangeChecksum
	for _, row := range rows {
		c.Add(row.key, row.value)
	}
	switch o.How {
	case "count":
		return fmt.Sprint(c.Rows, c.KeyBytes, c.ValueBytes), nil
	case "first", "last":
		if len(rows) == 0 {
			return metaError(engine.ErrNotFound), nil
		}
		if o.How == "first" {
			return show(rows[0].key), nil
		}
		return show(rows[len(rows)-1].key), nil
	case "sizes":
		var s engine.Sizes
		for _, row := range rows {
			s.Keys.Add(len(row.key))
			s.Values.Add(len(row.value))
		}
		return metaSizes(&s), nil
	case "prefixes":
		return metaPrefixes(rows, engine.PrefixBytes(o.N)), nil
	}
	return fmt.Sprintf("%08x", c.CRC), nil
}

func metaPushedSum(r engine.Reader, o metamorphic.Op, options *engine.IterOptions) (string, error) {
	ctx := context.Background()
	switch o.How {
	case "count":
		n, keys, values, err := engine.Count(ctx, r, options)
		return fmt.Sprint(n, keys, values), err
	case "first":
		k, err := engine.FirstKey(ctx, r, options)
		return metaValue(k, err), nil
	case "last":
		k, err := engine.LastKey(ctx, r, options)
		return metaValue(k, err), nil
	case "sizes":
		s, err := engine.SizesOf(ctx, r, options)
		return metaSizes(s), err
	case "prefixes":
		all := ""
		stats, done := engine.PrefixStats(ctx, r, options, engine.PrefixBytes(o.N))
		for s := range stats {
			all += fmt.Sprintf("%s %d %d %d,", show(s.Prefix), s.Rows, s.KeyBytes, s.ValueBytes)
		}
		return all, done()
	}
	c, err := engine.Checksum(ctx, r, options)
	return fmt.Sprintf("%08x", c.CRC), err
}

func metaSizes(s *engine.Sizes) string {
	text := ""
	for _, h := range []*engine.SizeHistogram{&s.Keys, &s.Values} {
		text += fmt.Sprintf("%d %d %d %d %d,", h.Count(), h.Sum(), h.Min(), h.Max(), h.Quantile(0.5))
	}
	return text
}

// metaPrefixes are the rows and bytes of each prefix, as PrefixStats has them.
func metaPrefixes(rows []scanned, rule engine.PrefixRule) (all string) {
	for i := 0; i < len(rows); {
		s := engine.PrefixStat{Prefix: rule.Of(rows[i].key)}
		for ; i < len(rows) && string(rule.Of(rows[i].key)) == string(s.Prefix); i++ {
			s.Rows++
			s.KeyBytes += int64(len(rows[i].key))
			s.ValueBytes += int64(len(rows[i].value))
		}
		all += fmt.Sprintf("%s %d %d %d,", show(s.Prefix), s.Rows, s.KeyBytes, s.ValueBytes)
	}
	return all
}
