package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var (
	stampsOps  = flag.Int("timestamps.ops", 700, "operations of the model test of timestamps; a quarter with -short")
	stampsSeed = flag.Uint64("timestamps.seed", 0, "its seed; 0: a new one each time")
)

// stampedRow is a version in the model.
type stampedRow struct {
	at      uint64
	value   string
	deleted bool
}

// stampedRows are the versions of each key, the oldest first.
type stampedRows map[string][]stampedRow

func (r stampedRows) add(key string, v stampedRow) {
	all := r[key]
	if n := len(all); n > 0 && all[n-1].at == v.at {
		all = slices.Clone(all[:n-1])
	}
	r[key] = append(slices.Clip(all), v)
}

// get is the version of a key that is seen as of at, if there is one.
func (r stampedRows) get(key string, at uint64) (v stampedRow, found bool) {
	for _, x := range r[key] {
		if x.at <= at {
			v, found = x, !x.deleted
		}
	}
	return v, found
}

// asOf lists the rows that are seen as of at, in order, as "key=value@timestamp".
func (r stampedRows) asOf(at, low uint64, in func(key string) bool) (rows []string) {
	for _, key := range slices.Sorted(maps.Keys(r)) {
		if v, found := r.get(key, at); found && in(key) {
			rows = append(rows, stampedText(key, v.value, v.at, low))
		}
	}
	return rows
}

// stampedText is a row as text. Below the history a timestamp may have become 0.
func stampedText(key, value string, at, low uint64) string {
	if at < low {
		at = 0
	}
	return fmt.Sprintf("%q=%s@%d", key, value, at)
}

func everyKey(string) bool { return true }

// stampedModel is a database, one family of it that has timestamps and one that has none, and what they
// should hold.
type stampedModel struct {
	r       *rand.Rand
	dir     string
	o       *engine.Options
	db      *engine.DB
	cf      *engine.ColumnFamily
	plain   *engine.ColumnFamily
	clock   uint64
	low     uint64
	rows    stampedRows
	flat    map[string]string
	snap    *engine.Snapshot
	snapped stampedRows
}

// A family with timestamps does as a map of versions does, whatever is done to it and however it is read.
func TestAFamilyWithTimestampsDoesAsAModel(t *testing.T) {
	for _, name := range []string{"default", "t"} {
		t.Run(name, func(t *testing.T) {
			before := engine.LiveHandles()
			r, seed := seededRand(t, "timestamps.seed", *stampsSeed)
			m := &stampedModel{
				r: r, dir: filepath.Join(t.TempDir(), "db"), clock: 1,
				rows: stampedRows{}, flat: map[string]string{},
			}
			stamped := engine.FamilyOptions{Timestamps: true, BloomBitsPerKey: 10, BlockSize: 256}
			m.o = &engine.Options{Families: map[string]engine.FamilyOptions{"plain": {}}}
			if name == "default" {
				m.o.FamilyOptions = stamped
			} else {
				m.o.Families[name] = stamped
			}
			if err := m.open(name); err != nil {
				t.Fatal(err)
			}
			ops := *stampsOps / 2
			if testing.Short() {
				ops /= 4
			}
			for n := range ops {
				if err := m.step(name); err != nil {
					t.Fatalf("seed %d, step %d: %v", seed, n, err)
				}
			}
			if err := errors.Join(m.check(), m.dropSnapshot(), m.db.Health(), m.db.Close()); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			expectNoHandles(t, before)
		})
	}
}

func (m *stampedModel) open(name string) (err error) {
	if m.db, err = engine.Open(m.dir, m.o); err != nil {
		return err
	}
	if m.cf, err = m.db.ColumnFamily(name); err == nil {
		m.plain, err = m.db.ColumnFamily("plain")
	}
	if err != nil {
		return err
	}
	low, err := m.cf.HistoryLow()
	if err == nil && low != m.low {
		err = fmt.Errorf("opened with a history from %d, want %d", low, m.low)
	}
	return err
}

func (m *stampedModel) key() string {
	key := make([]byte, 1+m.r.IntN(3))
	for i := range key {
		key[i] = "ab\x00\xff"[m.r.IntN(4)]
	}
	return string(key)
}

// tick is the timestamp of the next write: often that of the one before.
func (m *stampedModel) tick() uint64 {
	m.clock += uint64(m.r.IntN(3))
	return m.clock
}

// moment is a timestamp to read as of.
func (m *stampedModel) moment() uint64 {
	if m.r.IntN(4) == 0 {
		return engine.Newest
	}
	return m.low + m.r.Uint64N(m.clock-m.low+2)
}

func (m *stampedModel) step(name string) error {
	key, at, value := m.key(), m.tick(), fmt.Sprint("v", m.r.IntN(1000))
	switch x := m.r.IntN(100); {
	case x < 30:
		m.rows.add(key, stampedRow{at: at, value: value})
		return m.cf.PutAt([]byte(key), at, []byte(value), nil)
	case x < 34: // many of one key and timestamp
		for range 12 {
			value += "x"
			if err := m.cf.PutAt([]byte(key), at, []byte(value), nil); err != nil {
				return err
			}
		}
		m.rows.add(key, stampedRow{at: at, value: value})
		return nil
	case x < 50:
		m.rows.add(key, stampedRow{at: at, deleted: true})
		return m.cf.DeleteAt([]byte(key), at, nil)
	case x < 62:
		return m.batch()
	case x < 66:
		return errors.Join(m.cf.Flush(), m.plain.Flush())
	case x < 69:
		return m.cf.Compact(context.Background(), nil, nil)
	case x < 71:
		if err := errors.Join(m.dropSnapshot(), m.db.Close()); err != nil {
			return err
		}
		return m.open(name)
	case x < 74:
		m.low = min(m.low+m.r.Uint64N(10), m.clock)
		return m.cf.RaiseHistory(m.low)
	case x < 78:
		if err := m.dropSnapshot(); err != nil {
			return err
		}
		s, err := m.db.NewSnapshot()
		m.snap, m.snapped = s.In(m.cf), maps.Clone(m.rows)
		return err
	case x < 82:
		m.flat[key] = value
		return m.plain.Put([]byte(key), []byte(value), nil)
	}
	return m.check()
}

func (m *stampedModel) batch() error {
	var b engine.Batch
	for range m.r.IntN(6) {
		key, at := m.key(), m.tick()
		switch m.r.IntN(4) {
		case 0:
			m.rows.add(key, stampedRow{at: at, deleted: true})
			b.In(m.cf).DeleteAt([]byte(key), at)
		case 1:
			m.flat[key] = "batched"
			b.In(m.plain).Put([]byte(key), []byte("batched"))
		default:
			m.rows.add(key, stampedRow{at: at, value: "batched"})
			b.In(m.cf).PutAt([]byte(key), at, []byte("batched"))
		}
	}
	if m.r.IntN(2) == 0 {
		return m.db.Write(&b, nil)
	}
	again, err := engine.ParseBatch(b.Repr())
	if err != nil {
		return err
	}
	return m.db.Write(again, nil)
}

func (m *stampedModel) dropSnapshot() error {
	s := m.snap
	m.snap = nil
	return s.Close()
}

// check reads in every way there is.
func (m *stampedModel) check() error {
	at := m.moment()
	err := m.checkView(m.cf.At(at), m.rows)
	if m.snap != nil {
		err = errors.Join(err, m.checkView(m.snap.At(m.moment()), m.snapped))
	}
	if m.low > 0 {
		old := m.cf.At(m.r.Uint64N(m.low))
		_, _, stamped := old.GetVersion([]byte("a"), nil)
		_, got := old.Get([]byte("a"), nil)
		_, many := old.MultiGet([][]byte{[]byte("a")}, nil)
		_, it := old.NewIter(nil)
		_, edge := engine.FirstKey(nil, old, nil)
		for _, e := range []error{stamped, got, many, it, edge} {
			if !errors.Is(e, engine.ErrNoHistory) {
				err = errors.Join(err, fmt.Errorf("as of before the history: %v", e))
			}
		}
	}
	flat := []string{}
	for _, key := range slices.Sorted(maps.Keys(m.flat)) {
		flat = append(flat, key+"="+m.flat[key])
	}
	rows, done := engine.Scan(m.plain, nil)
	got := []string{}
	for k, v := range rows {
		got = append(got, string(k)+"="+string(v))
	}
	return errors.Join(err, done(), sameTexts("the plain family", got, flat))
}

func sameTexts(what string, got, want []string) error {
	if slices.Equal(got, want) {
		return nil
	}
	return fmt.Errorf("%s:\ngot  %s\nwant %s", what, strings.Join(got, " "), strings.Join(want, " "))
}

func (m *stampedModel) checkView(a *engine.AsOf, rows stampedRows) error {
	err := errors.Join(m.checkKeys(a, rows), m.checkIterators(a, rows), m.checkWhole(a, rows), m.checkVersions(a, rows))
	if err != nil {
		return fmt.Errorf("as of %d, history from %d: %w", a.Timestamp(), m.low, err)
	}
	return nil
}

// checkKeys reads single keys.
func (m *stampedModel) checkKeys(a *engine.AsOf, rows stampedRows) error {
	var keys [][]byte
	for range 6 {
		keys = append(keys, []byte(m.key()))
	}
	many, err := a.MultiGet(keys, nil)
	if err != nil {
		return err
	}
	for i, key := range keys {
		want, found := rows.get(string(key), a.Timestamp())
		got, err := a.Get(key, nil)
		value, stamp, verr := a.GetVersion(key, nil)
		appended, aerr := a.GetAppend([]byte("x"), key, nil)
		var lent []byte
		perr := a.GetPinned(key, nil, func(v []byte) error { lent = bytes.Clone(v); return nil })
		there, herr := a.Has(key, nil)
		if !found {
			for _, e := range []error{err, verr, aerr, perr, many[i].Err} {
				if e != engine.ErrNotFound {
					return fmt.Errorf("%q, which is not there: %v", key, e)
				}
			}
			if there || herr != nil {
				return fmt.Errorf("has %q: %v, %v", key, there, herr)
			}
			continue
		}
		if err := errors.Join(err, verr, aerr, perr, herr, many[i].Err); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		for _, v := range [][]byte{got, value, lent, appended[1:], many[i].Data} {
			if string(v) != want.value {
				return fmt.Errorf("%q: %q, want %q", key, v, want.value)
			}
		}
		if !there || stampedText("", "", stamp, m.low) != stampedText("", "", want.at, m.low) {
			return fmt.Errorf("%q: has %v, timestamp %d, want %d", key, there, stamp, want.at)
		}
	}
	return nil
}

// checkIterators walks over a range in both directions, row by row, by chunks, and from a seek.
func (m *stampedModel) checkIterators(a *engine.AsOf, rows stampedRows) error {
	o := &engine.IterOptions{}
	lower, upper, prefix := m.key(), m.key(), m.key()
	if m.r.IntN(2) == 0 {
		o.LowerBound = []byte(lower)
	}
	if m.r.IntN(2) == 0 {
		o.UpperBound = []byte(upper)
	}
	if m.r.IntN(4) == 0 {
		o.Prefix = []byte(prefix)
	}
	in := func(key string) bool {
		return (o.LowerBound == nil || key >= lower) && (o.UpperBound == nil || key < upper) && strings.HasPrefix(key, string(o.Prefix))
	}
	want := rows.asOf(a.Timestamp(), m.low, in)
	it, err := a.NewIter(o)
	if err != nil {
		return err
	}
	defer it.Close()
	row := func() string { return stampedText(string(it.Key()), string(it.Value()), it.Timestamp(), m.low) }
	var forth, back, chunks, unchunk []string
	for ok := it.First(); ok; ok = it.Next() {
		forth = append(forth, row())
	}
	for ok := it.Last(); ok; ok = it.Prev() {
		back = append(back, row())
	}
	var c iterator.Chunk
	take := func(to *[]string) {
		for i := range c.Len() {
			*to = append(*to, stampedText(string(c.Key(i)), string(c.Value(i)), c.Timestamp(i), m.low))
		}
	}
	for more := it.First() && it.NextChunk(&c); more; more = it.NextChunk(&c) {
		take(&chunks)
	}
	for more := it.Last() && it.PrevChunk(&c); more; more = it.PrevChunk(&c) {
		take(&unchunk)
	}
	slices.Reverse(back)
	slices.Reverse(unchunk)
	err = errors.Join(sameTexts("forwards", forth, want), sameTexts("backwards", back, want),
		sameTexts("chunks", chunks, want), sameTexts("chunks backwards", unchunk, want))
	for range 4 {
		key := m.key()
		at := slices.IndexFunc(slices.Sorted(maps.Keys(rows)), func(k string) bool { return k >= key && in(k) && there(rows, k, a.Timestamp()) })
		var found string
		if at >= 0 {
			found = slices.Sorted(maps.Keys(rows))[at]
		}
		if it.SeekGE([]byte(key)) != (at >= 0) || string(it.Key()) != found {
			err = errors.Join(err, fmt.Errorf("SeekGE %q: %q, want %q", key, it.Key(), found))
		}
		// One step forth and one back leads to where it was.
		if it.SeekLE([]byte(key)) {
			here := row()
			if it.Next(); !it.Prev() || row() != here {
				err = errors.Join(err, fmt.Errorf("SeekLE %q, forth and back: %q, want %q", key, it.Key(), here))
			}
		}
	}
	if e := it.Refresh(); e != nil {
		return errors.Join(err, e)
	}
	return errors.Join(err, it.Error())
}

func there(rows stampedRows, key string, at uint64) bool {
	_, found := rows.get(key, at)
	return found
}

// checkWhole does what works on any Reader.
func (m *stampedModel) checkWhole(a *engine.AsOf, rows stampedRows) error {
	want := rows.asOf(a.Timestamp(), m.low, everyKey)
	n, _, _, err := engine.Count(nil, a, nil)
	if err == nil && n != int64(len(want)) {
		err = fmt.Errorf("counted %d rows of %d", n, len(want))
	}
	rows2, done := engine.Scan(a, &engine.IterOptions{ValuesUpTo: 1})
	scanned := int64(0)
	for _, v := range rows2 {
		scanned++
		if len(v) > 1 {
			err = errors.Join(err, fmt.Errorf("a value of %d bytes is not cut", len(v)))
		}
	}
	if scanned != n {
		err = errors.Join(err, fmt.Errorf("scanned %d rows of %d", scanned, n))
	}
	parts := 0
	err = errors.Join(err, done(), engine.ScanParallel(nil, a, nil, 3, func(_ int, c *iterator.Chunk) error {
		for i := range c.Len() {
			parts++
			if c.Timestamp(i) > a.Timestamp() {
				return fmt.Errorf("a row of timestamp %d", c.Timestamp(i))
			}
		}
		return nil
	}))
	if parts != len(want) {
		err = errors.Join(err, fmt.Errorf("%d rows in parallel, want %d", parts, len(want)))
	}
	first, e := engine.FirstKey(nil, a, nil)
	if (e == nil) != (len(want) > 0) || e == nil && !strings.HasPrefix(want[0], fmt.Sprintf("%q=", first)) {
		err = errors.Join(err, fmt.Errorf("first key %q, %v", first, e))
	}
	last, e := engine.LastKey(nil, a, nil)
	if (e == nil) != (len(want) > 0) || e == nil && !strings.HasPrefix(want[len(want)-1], fmt.Sprintf("%q=", last)) {
		err = errors.Join(err, fmt.Errorf("last key %q, %v", last, e))
	}
	return err
}

// checkVersions lists all versions of a range of time and keys.
func (m *stampedModel) checkVersions(a *engine.AsOf, rows stampedRows) error {
	since := m.low
	if a.Timestamp() > m.low {
		since += m.r.Uint64N(min(a.Timestamp(), m.clock+1) - m.low)
	}
	lower := m.key()
	want := []string{}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		for _, v := range slices.Backward(rows[key]) {
			if v.at >= since && v.at <= a.Timestamp() && key >= lower {
				want = append(want, fmt.Sprintf("%q=%s@%d %v", key, v.value, v.at, v.deleted))
			}
		}
	}
	got := []string{}
	versions, done := a.Versions(since, &engine.IterOptions{LowerBound: []byte(lower)})
	for v := range versions {
		got = append(got, fmt.Sprintf("%q=%s@%d %v", v.Key, v.Value, v.Timestamp, v.Deleted))
	}
	return errors.Join(done(), sameTexts(fmt.Sprint("versions since ", since, " from ", lower), got, want))
}
