package engine_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/metamorphic"
)

func metaSingle(key []byte) bool { return bytes.HasPrefix(key, []byte(metamorphic.Single)) }

// metaClip leaves the keys that are deleted singly out of a range; nil if nothing is left.
func metaClip(start, end []byte) (from, to []byte) {
	single, after := []byte(metamorphic.Single), []byte(metamorphic.SingleEnd)
	switch {
	case bytes.Compare(end, single) <= 0 || bytes.Compare(start, after) >= 0:
	case bytes.Compare(start, single) < 0:
		end = single
	default:
		start = after
	}
	if bytes.Compare(start, end) >= 0 {
		return nil, nil
	}
	return start, end
}

func metaWriteOptions(how string) *engine.WriteOptions {
	switch how {
	case "sync":
		return engine.Sync
	case "nolog":
		return &engine.WriteOptions{DisableWAL: true}
	case "low":
		return &engine.WriteOptions{LowPriority: true}
	default:
		return nil
	}
}

// change makes one change by a call of its own.
func (m *metaRun) change(o metamorphic.Op) (string, error) {
	r := o.Record
	r.Do, r.Family = o.Do, o.Family
	if m.families[o.Family] == nil {
		return "none", nil
	}
	singles := [metamorphic.Families]map[string]bool{}
	singles[o.Family] = maps.Clone(m.singles[o.Family])
	records, err := m.allowed([]metamorphic.Record{r}, &singles)
	from, to := metaClip(r.Key, r.End)
	switch {
	case err != nil:
		return "", err
	case r.Do == "range" && !m.set.ranges() && (from != nil || to != nil):
		err = m.write(records, o.How) // key by key, if there are any
	case len(records) == 0:
		return "passed over", nil
	default:
		err = m.call(records[0], o.How)
	}
	if err == nil {
		m.singles[o.Family] = singles[o.Family]
		m.remember(r)
	}
	return metaError(err), nil
}

func (m *metaRun) call(r metamorphic.Record, how string) error {
	var w lifecycleWriter = m.families[r.Family]
	if r.Family == 0 && m.n%2 == 0 {
		w = m.db
	}
	o := metaWriteOptions(how)
	switch r.Do {
	case "put":
		if how == "writer" {
			return w.Writer(o).Put(r.Key, r.Value.Bytes())
		}
		return w.Put(r.Key, r.Value.Bytes(), o)
	case "delete":
		if how == "writer" {
			return w.Writer(o).Delete(r.Key)
		}
		return w.Delete(r.Key, o)
	case "single":
		return w.SingleDelete(r.Key, o)
	case "range":
		return w.DeleteRange(r.Key, r.End, o)
	default:
		return w.Merge(r.Key, r.Value.Bytes(), o)
	}
}

// allowed gives what of the records may be written, as keys that are deleted singly demand it, and with each range as
// deletions of its keys where ranges cannot be deleted. singles is changed to what is there after them; a family that
// has none there yet is taken from the run.
func (m *metaRun) allowed(records []metamorphic.Record, singles *[metamorphic.Families]map[string]bool) (out []metamorphic.Record, err error) {
	for _, r := range records {
		if r.Family < 0 || r.Family >= metamorphic.Families || m.families[r.Family] == nil {
			continue
		}
		if singles[r.Family] == nil {
			singles[r.Family] = maps.Clone(m.singles[r.Family])
		}
		there, single := singles[r.Family][string(r.Key)], metaSingle(r.Key)
		switch r.Do {
		case "put":
			if there {
				continue
			}
			if single {
				singles[r.Family][string(r.Key)] = true
			}
		case "single":
			if !there {
				continue
			}
			delete(singles[r.Family], string(r.Key))
		case "range":
			if r.Key, r.End = metaClip(r.Key, r.End); r.Key == nil && r.End == nil {
				continue
			}
			if !m.set.ranges() {
				deletions, err := m.spelledOut(r, out)
				if err != nil {
					return nil, err
				}
				out = append(out, deletions...)
				continue
			}
		default:
			if single {
				continue
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// spelledOut is the range as deletions of the keys that the database has in it, and those of the records before.
func (m *metaRun) spelledOut(r metamorphic.Record, before []metamorphic.Record) (out []metamorphic.Record, err error) {
	keys := map[string]bool{}
	rows, done := engine.Scan(m.families[r.Family], &engine.IterOptions{LowerBound: r.Key, UpperBound: r.End, KeysOnly: true})
	for k := range rows {
		keys[string(k)] = true
	}
	for _, b := range before {
		if b.Family == r.Family && bytes.Compare(b.Key, r.Key) >= 0 && bytes.Compare(b.Key, r.End) < 0 {
			keys[string(b.Key)] = true
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		out = append(out, metamorphic.Record{Do: "delete", Family: r.Family, Key: []byte(k)})
	}
	return out, done()
}

// add puts a record into a batch of any kind that is aimed at its family.
func metaAdd(w indexedWriter, r metamorphic.Record) error {
	switch r.Do {
	case "put":
		return w.Put(r.Key, r.Value.Bytes())
	case "delete":
		return w.Delete(r.Key)
	case "single":
		return w.SingleDelete(r.Key)
	case "range":
		return w.DeleteRange(r.Key, r.End)
	default:
		return w.Merge(r.Key, r.Value.Bytes())
	}
}

// write writes records as one batch, half of the time one that was parsed.
func (m *metaRun) write(records []metamorphic.Record, how string) error {
	b := m.db.NewBatch()
	for _, r := range records {
		if err := metaAdd(b.In(m.families[r.Family]), r); err != nil {
			return err
		}
	}
	if m.n%2 == 0 && m.set.name != metaReference {
		var err error
		if b, err = engine.ParseBatch(b.Repr()); err != nil {
			return err
		}
	}
	return m.db.Write(b, metaWriteOptions(how))
}

func (m *metaRun) batch(o metamorphic.Op) (string, error) {
	var singles [metamorphic.Families]map[string]bool
	records, err := m.allowed(o.Records, &singles)
	if err != nil {
		return "", err
	}
	// One in some batches is refused whole, for a merge without an operator.
	records = slices.DeleteFunc(records, func(r metamorphic.Record) bool {
		return r.Do == "merge" && metaMerges[r.Family] == "" && r.Value.Seed%8 > 0
	})
	if err = m.write(records, o.How); err == nil {
		for i, s := range singles {
			if s != nil {
				m.singles[i] = s
			}
		}
		for _, r := range records {
			m.remember(r)
		}
	}
	return metaError(err), nil
}

// mergeable leaves out what an indexed batch or a transaction must not hold here.
func (m *metaRun) mergeable(records []metamorphic.Record, ranges bool) (out []metamorphic.Record) {
	for _, r := range records {
		f := r.Family
		if f < 0 || f >= metamorphic.Families || m.families[f] == nil || metaSingle(r.Key) || r.Do == "single" ||
			r.Do == "merge" && metaMerges[f] == "" || r.Do == "range" && !ranges {
			continue
		}
		if r.Do == "range" {
			if r.Key, r.End = metaClip(r.Key, r.End); r.Key == nil && r.End == nil {
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

// atomic writes records, reads them, and commits or does not: by a transaction where there are some.
func (m *metaRun) atomic(o metamorphic.Op) (string, error) {
	c := m.families[o.Family]
	if c == nil {
		return "none", nil
	}
	records := m.mergeable(o.Records, false)
	if m.set.transactions() {
		return m.transaction(o, records)
	}
	b, err := m.db.NewIndexedBatch()
	if err != nil {
		return "", err
	}
	for _, r := range records {
		err = errors.Join(err, metaAdd(b.In(m.families[r.Family]), r))
	}
	line, failed := m.look(b.In(c), o)
	if o.How == "commit" {
		err = errors.Join(err, b.Commit(nil))
	}
	return line, errors.Join(err, failed, b.Close())
}

func (m *metaRun) transaction(o metamorphic.Op, records []metamorphic.Record) (string, error) {
	tx, err := m.db.Begin(context.Background(), nil)
	if err != nil {
		return "", err
	}
	for _, r := range records {
		w := tx.In(m.families[r.Family])
		switch r.Do {
		case "put":
			err = errors.Join(err, w.Put(r.Key, r.Value.Bytes()))
		case "delete":
			err = errors.Join(err, w.Delete(r.Key))
		default:
			err = errors.Join(err, w.Merge(r.Key, r.Value.Bytes()))
		}
	}
	line, failed := m.look(tx.In(m.families[o.Family]), o)
	if o.How == "commit" {
		return line, errors.Join(err, failed, tx.Commit())
	}
	return line, errors.Join(err, failed, tx.Rollback())
}

// look is what an atomic operation reads before its end.
func (m *metaRun) look(r lifecycleReader, o metamorphic.Op) (string, error) {
	rows, err := m.read.rows(m, r, o.Range)
	v, failed := r.Get(o.Key, nil)
	return metaRows(rows) + "; " + metaValue(v, failed), err
}

func (m *metaRun) stage(o metamorphic.Op) (string, error) {
	i := o.Slot % metamorphic.Batches
	if m.batches[i] == nil {
		b, err := m.db.NewIndexedBatch()
		if err != nil {
			return "", err
		}
		m.batches[i] = b
	}
	b := m.batches[i]
	var err error
	for _, r := range m.mergeable(o.Records, true) {
		err = errors.Join(err, metaAdd(b.In(m.families[r.Family]), r))
	}
	return fmt.Sprintf("%d records, %s", b.Count(), metaError(err)), nil
}

func (m *metaRun) commit(o metamorphic.Op) (string, error) {
	b := m.batches[o.Slot%metamorphic.Batches]
	if b == nil {
		return "none", nil
	}
	return metaError(b.Commit(metaWriteOptions(o.How))), nil
}

func (m *metaRun) unstage(o metamorphic.Op) (string, error) {
	i := o.Slot % metamorphic.Batches
	b := m.batches[i]
	switch {
	case b == nil:
		return "none", nil
	case o.How == "reset":
		b.Reset()
		return "reset", nil
	}
	m.batches[i] = nil
	return metaError(b.Close()), nil
}

// wholeRows spares the keys that are deleted singly.
func metaWholeRows(q metamorphic.Range) *engine.IterOptions {
	o := metaOptions(q)
	spared := engine.Not(engine.RowKey.HasPrefix([]byte(metamorphic.Single)))
	if o.Filter == nil {
		o.Filter = spared
	} else {
		o.Filter = engine.And(o.Filter, spared)
	}
	return o
}

func (m *metaRun) deleteWhere(o metamorphic.Op) (string, error) {
	c := m.families[o.Family]
	if c == nil {
		return "none", nil
	}
	options := metaWholeRows(o.Range)
	if m.read.pushed {
		n, err := engine.DeleteWhere(context.Background(), c, options, nil)
		return fmt.Sprintf("%d deleted, %s", n, metaError(err)), nil
	}
	rows, err := m.read.with(m, c, options, false)
	if err != nil {
		return "", err
	}
	b := m.db.NewBatch()
	for _, row := range rows {
		b.In(c).Delete(row.key)
	}
	return fmt.Sprintf("%d deleted, %s", len(rows), metaError(m.db.Write(b, nil))), nil
}

func (m *metaRun) copyRange(o metamorphic.Op) (string, error) {
	from, to := m.reader(o), m.families[o.N%metamorphic.Families]
	if from == nil || to == nil {
		return "none", nil
	}
	options := metaWholeRows(o.Range)
	if m.read.pushed {
		n, size, err := engine.CopyRange(context.Background(), from, options, to, nil)
		return fmt.Sprintf("%d rows, %d bytes, %s", n, size, metaError(err)), nil
	}
	rows, err := m.read.with(m, from, options, false)
	if err != nil {
		return "", err
	}
	b, size := m.db.NewBatch(), 0
	for _, row := range rows {
		b.In(to).Put(row.key, row.value)
		size += len(row.key) + len(row.value)
	}
	return fmt.Sprintf("%d rows, %d bytes, %s", len(rows), size, metaError(m.db.Write(b, nil))), nil
}

// ingest brings rows by a table file, or by a batch where files are not taken.
func (m *metaRun) ingest(o metamorphic.Op) (string, error) {
	c := m.families[o.Family]
	if c == nil {
		return "none", nil
	}
	records := slices.DeleteFunc(slices.Clone(o.Records), func(r metamorphic.Record) bool { return metaSingle(r.Key) })
	slices.SortStableFunc(records, func(a, b metamorphic.Record) int { return bytes.Compare(a.Key, b.Key) })
	records = slices.CompactFunc(records, func(a, b metamorphic.Record) bool { return bytes.Equal(a.Key, b.Key) })
	for i := range records {
		records[i].Family = o.Family
	}
	if len(records) == 0 {
		return "none", nil
	}
	if m.set.transactions() {
		return metaError(m.write(records, "")), nil
	}
	path := m.path("rows")
	w, err := engine.NewSSTWriter(path, &engine.SSTWriterOptions{Family: c})
	if err != nil {
		return "", err
	}
	defer w.Close()
	for _, r := range records {
		err = cmp.Or(err, w.Put(r.Key, r.Value.Bytes()))
	}
	if _, finished := w.Finish(); err == nil {
		err = finished
	}
	if err == nil {
		err = c.Ingest(context.Background(), []string{path}, &engine.IngestOptions{Move: true})
	}
	return metaError(err), nil
}
