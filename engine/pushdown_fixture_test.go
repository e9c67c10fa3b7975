package engine_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// pushdownFixture is a database with rows in memtables and files of two families, and Readers of all kinds
// over them.
type pushdownFixture struct {
	db      *engine.DB
	other   *engine.ColumnFamily // with a merge operator
	readers map[string]engine.Reader
	names   []string
}

func newPushdownFixture(t *testing.T, r *rand.Rand) *pushdownFixture {
	t.Helper()
	merging := engine.FamilyOptions{MergeOperator: engine.AppendDelimited(",")}
	// Nothing compacts by itself: what two reads see stays the same in all but its place.
	db := openTemp(t, &engine.Options{
		FamilyOptions: engine.FamilyOptions{BlockSize: 256, Extra: "disable_auto_compactions=true"},
		Families:      map[string]engine.FamilyOptions{"other": merging},
	})
	p := &pushdownFixture{db: db, readers: map[string]engine.Reader{}}
	var err error
	if p.other, err = db.ColumnFamily("other"); err != nil {
		t.Fatal(err)
	}
	change := func(w engine.Writer, n int) {
		for range n {
			switch k := shortKey(r); r.IntN(6) {
			case 0:
				err = w.Delete(k)
			default:
				err = w.Put(k, valueOf(r.IntN(50)))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	flush := func() {
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	b := db.NewBatch()
	change(b, 600)
	change(b.In(p.other), 300)
	write := func() {
		if err := db.Write(b, nil); err != nil {
			t.Fatal(err)
		}
		b.Reset()
	}
	write()
	flush()
	start, end := shortKey(r), shortKey(r)
	if bytes.Compare(start, end) > 0 {
		start, end = end, start
	}
	for _, c := range db.ColumnFamilies() {
		if err := c.DeleteRange(start, end, nil); err != nil {
			t.Fatal(err)
		}
	}
	change(b, 300)
	o := b.In(p.other)
	change(o, 200)
	for range 100 {
		o.Merge(shortKey(r), []byte("merged"))
	}
	write()
	snap := newSnapshot(t, db)
	t.Cleanup(func() { snap.Close() })
	change(b, 200)
	change(b.In(p.other), 100)
	write()
	over, err := db.NewIndexedBatch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { over.Close() })
	change(over, 100)
	change(over.In(p.other), 100)
	over.In(p.other).Merge(shortKey(r), []byte("above"))
	over.DeleteRange([]byte("a"), []byte("ab"))
	for name, x := range map[string]engine.Reader{
		"database": db, "family": p.other, "snapshot": snap, "snapshot of a family": snap.In(p.other),
		"batch": over, "batch over a family": over.In(p.other), "foreign": foreignReader{db},
	} {
		p.readers[name] = x
	}
	p.names = []string{"database", "family", "snapshot", "snapshot of a family", "batch", "batch over a family", "foreign"}
	return p
}

func (p *pushdownFixture) reader(r *rand.Rand) (string, engine.Reader) {
	name := p.names[r.IntN(len(p.names))]
	return name, p.readers[name]
}

// randomRange is options with a filter at times.
func randomRange(r *rand.Rand) *engine.IterOptions {
	o := randomBounds(r)
	if r.IntN(2) == 0 {
		o.Filter = randomPredicate(r, 2)
	}
	return o
}

// sieved is what the options let through of all rows, worked out in Go.
func sieved(all []scanned, o *engine.IterOptions) []scanned {
	var kept []scanned
	for _, row := range all {
		if o.Filter.Match(row.key, row.value) {
			kept = append(kept, row)
		}
	}
	return shown(kept, o)
}

// sumOf is the bytes of all keys, or of all values.
func sumOf(rows []scanned, values bool) (n int64) {
	for _, row := range rows {
		if values {
			n += int64(len(row.value))
		} else {
			n += int64(len(row.key))
		}
	}
	return n
}
