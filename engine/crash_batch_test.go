package engine_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"

	"github.com/rockbridge-db/rockbridge/engine"
)

// What the kill -9 test writes. Everything follows from the writer and the number of a batch, so that
// whoever reads the database knows what must be in it.

const (
	crashWriters = 3
	crashWindow  = 200 // batches that a writer keeps: each one also deletes the one so far before it
)

// crashFamilies have memtables of different sizes, so that they are flushed at different times.
var crashFamilies = []string{"default", "a", "b", "c"}

func crashOptions() *engine.Options {
	return &engine.Options{Families: map[string]engine.FamilyOptions{
		"a": {WriteBufferSize: 64 << 10}, "b": {WriteBufferSize: 256 << 10}, "c": {},
	}}
}

// crashFamiliesOf gives the families in their order; nil for one that is not there.
func crashFamiliesOf(db *engine.DB) []*engine.ColumnFamily {
	out := make([]*engine.ColumnFamily, len(crashFamilies))
	for i, name := range crashFamilies {
		out[i], _ = db.ColumnFamily(name)
	}
	return out
}

// crashRow is a row of a batch; family is an index of crashFamilies.
type crashRow struct {
	family     int
	key, value []byte
}

// crashBatch gives the rows of batch n of writer w. A value says whose it is and ends with a checksum.
func crashBatch(w int, n uint64) []crashRow {
	r := rand.New(rand.NewPCG(uint64(w), n))
	rows := make([]crashRow, 1+r.IntN(6))
	for i := range rows {
		key := crashKey(w, n, i)
		value := fmt.Appendf(nil, "%s of %d ", key, len(rows))
		for range r.IntN(40) {
			value = binary.LittleEndian.AppendUint64(value, r.Uint64())
		}
		value = binary.LittleEndian.AppendUint32(value, crc32.ChecksumIEEE(value))
		rows[i] = crashRow{r.IntN(len(crashFamilies)), key, value}
	}
	return rows
}

func crashKey(w int, n uint64, i int) []byte { return fmt.Appendf(nil, "%d/%012d/%d", w, n, i) }

// crashLastKey is the row of the default family that holds the number of a writer's newest batch.
func crashLastKey(w int) []byte { return fmt.Appendf(nil, "last/%d", w) }

// fillCrashBatch adds batch n of writer w to b, and deletes the batch that leaves the window: row by
// row, or by ranges.
func fillCrashBatch(b *engine.Batch, families []*engine.ColumnFamily, w int, n uint64) {
	for _, x := range crashBatch(w, n) {
		b.In(families[x.family]).Put(x.key, x.value)
	}
	b.Put(crashLastKey(w), binary.LittleEndian.AppendUint64(nil, n))
	if n <= crashWindow {
		return
	}
	old := n - crashWindow
	if old%16 == 0 {
		for _, c := range families {
			b.In(c).DeleteRange(crashKey(w, old, 0), crashKey(w, old+1, 0))
		}
		return
	}
	for _, x := range crashBatch(w, old) {
		b.In(families[x.family]).Delete(x.key)
	}
}

// verifyCrash compares the database with what writers may have left that had so many batches
// acknowledged: of each writer all batches up to one that is not before the acknowledged one.
func verifyCrash(db *engine.DB, acks [crashWriters]uint64) error {
	want := make([]map[string]string, len(crashFamilies))
	for i := range want {
		want[i] = map[string]string{}
	}
	for w, acked := range acks {
		last := uint64(0)
		v, err := db.Get(crashLastKey(w), nil)
		switch {
		case err == nil:
			last = binary.LittleEndian.Uint64(v)
			want[0][string(crashLastKey(w))] = string(v)
		case err != engine.ErrNotFound:
			return err
		}
		if last < acked {
			return fmt.Errorf("writer %d: batch %d is the newest, but batch %d was acknowledged and is lost", w, last, acked)
		}
		for n := max(last, crashWindow) - crashWindow + 1; n <= last; n++ {
			for _, x := range crashBatch(w, n) {
				want[x.family][string(x.key)] = string(x.value)
			}
		}
	}
	for i, c := range crashFamiliesOf(db) {
		if c == nil && len(want[i]) == 0 {
			continue // killed before it was created
		}
		if err := compareCrash(c, want[i]); err != nil {
			return fmt.Errorf("family %s: %w", crashFamilies[i], err)
		}
	}
	return nil
}

func compareCrash(c *engine.ColumnFamily, want map[string]string) error {
	found := map[string]bool{}
	rows, done := engine.Scan(c, nil)
	for key, value := range rows {
		w, ok := want[string(key)]
		if !ok {
			return fmt.Errorf("nobody wrote row %s, or a batch is there in part, or one was deleted", key)
		}
		if w != string(value) {
			return fmt.Errorf("row %s is not what was written", key)
		}
		found[string(key)] = true
	}
	if err := done(); err != nil {
		return err
	}
	for key := range want {
		if !found[key] {
			return fmt.Errorf("row %s is lacking: a hole, or a batch in part", key)
		}
	}
	return nil
}
