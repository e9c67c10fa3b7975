package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// soakWriter writes keys of its own, into two families alike, and adds to a sum. It knows what each may be.
type soakWriter struct {
	s              *soak
	r              *rand.Rand
	name           string
	rows           map[string][]string // what a key's value may be: one, or more after a write whose outcome is unknown
	sums           []int64             // what the sum may be
	unsure         *engine.DB          // the one that left a change of the sum open; nil: none, since the sum was read
	acked, refused int64
}

// absent stands for no row among values.
const absent = "\x00absent"

func newSoakWriter(s *soak, n int, seed uint64) *soakWriter {
	return &soakWriter{
		s: s, r: rand.New(rand.NewPCG(seed, 0)), name: fmt.Sprintf("writer %d", n), rows: map[string][]string{}, sums: []int64{0},
	}
}

func (w *soakWriter) key() string { return fmt.Sprintf("%s/%04d", w.name, w.r.IntN(soakKeys)) }

// value tells whose it is, so that a reader knows a wrong one.
func (w *soakWriter) value(key string) string {
	return fmt.Sprintf("%s=%d=", key, w.r.Uint32()) + strings.Repeat("v", w.r.IntN(1200))
}

func (w *soakWriter) work() {
	for n := 1; !w.s.done.Load(); n++ {
		db := w.s.db.Load()
		switch {
		case n%400 == 0:
			w.compareAll(db)
		case w.r.IntN(3) == 0:
			w.compareOne(db)
		case w.r.IntN(20) == 0:
			w.add(db)
		default:
			w.write(db)
		}
	}
}

func (w *soakWriter) options() *engine.WriteOptions {
	return &engine.WriteOptions{Sync: w.r.IntN(30) == 0, LowPriority: w.r.IntN(30) == 0}
}

// write commits some puts and deletes, or a range of deletes, to both families.
func (w *soakWriter) write(db *engine.DB) {
	other, err := db.ColumnFamily("other")
	if err != nil {
		w.s.explained(db, "ColumnFamily", err)
		return
	}
	b := db.NewBatch()
	changed := map[string]string{}
	if w.r.IntN(50) == 0 {
		first := w.r.IntN(soakKeys - 20)
		from, to := fmt.Sprintf("%s/%04d", w.name, first), fmt.Sprintf("%s/%04d", w.name, first+20)
		for i := range 20 {
			changed[fmt.Sprintf("%s/%04d", w.name, first+i)] = absent
		}
		err = errors.Join(b.DeleteRange([]byte(from), []byte(to)), b.In(other).DeleteRange([]byte(from), []byte(to)))
	} else {
		for range 1 + w.r.IntN(8) {
			key := w.key()
			changed[key] = absent
			if w.r.IntN(4) == 0 {
				err = errors.Join(err, b.Delete([]byte(key)), b.In(other).Delete([]byte(key)))
				continue
			}
			changed[key] = w.value(key)
			err = errors.Join(err, b.Put([]byte(key), []byte(changed[key])), b.In(other).Put([]byte(key), []byte(changed[key])))
		}
	}
	if err != nil {
		w.s.explained(db, "batch", err)
		return
	}
	if w.s.lies == 0 || w.r.IntN(w.s.lies) > 0 {
		err = db.Write(b, w.options())
	}
	if w.count(err) {
		for key, value := range changed {
			w.rows[key] = []string{value}
		}
	} else if w.s.explained(db, "write", err) {
		for key, value := range changed {
			w.rows[key] = append(w.possible(key), value)
		}
	}
}

// add adds to the writer's sum.
func (w *soakWriter) add(db *engine.DB) {
	sums, err := db.ColumnFamily("sums")
	if err != nil {
		w.s.explained(db, "ColumnFamily", err)
		return
	}
	by := int64(w.r.IntN(1000))
	err = sums.Merge([]byte(w.name), engine.EncodeInt64(by), w.options())
	acked := w.count(err)
	if !acked {
		if !w.s.explained(db, "merge", err) {
			return
		}
		w.unsure = db
	}
	for _, sum := range slices.Clone(w.sums) {
		w.sums = append(w.sums, sum+by)
	}
	if acked {
		w.sums = w.sums[len(w.sums)/2:]
	}
	if slices.Sort(w.sums); len(w.sums) > 8 {
		w.sums = slices.Compact(w.sums)
	}
}

func (w *soakWriter) count(err error) bool {
	if err != nil {
		w.refused++
		return false
	}
	w.acked++
	return true
}

func (w *soakWriter) possible(key string) []string {
	if v, ok := w.rows[key]; ok {
		return v
	}
	return []string{absent}
}

func (w *soakWriter) expect(how, key string, value []byte, there bool) {
	got := absent
	if there {
		got = string(value)
	}
	w.s.checks.Add(1)
	if want := w.possible(key); !slices.Contains(want, got) {
		w.s.t.Errorf("%s: %q is %.60q, and may be one of %d: %.60q", how, key, got, len(want), want)
		w.s.done.Store(true)
	}
}

// compareOne reads a key, or ten at once.
func (w *soakWriter) compareOne(db *engine.DB) {
	if w.r.IntN(4) > 0 {
		key := w.key()
		value, err := db.Get([]byte(key), nil)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			w.s.explained(db, "get", err)
			return
		}
		w.expect("get", key, value, err == nil)
		return
	}
	other, err := db.ColumnFamily("other")
	if err != nil {
		w.s.explained(db, "ColumnFamily", err)
		return
	}
	keys := make([][]byte, 10)
	for i := range keys {
		keys[i] = []byte(w.key())
	}
	values, err := other.MultiGet(keys, nil)
	if err != nil {
		w.s.explained(db, "MultiGet", err)
		return
	}
	for i, v := range values {
		if v.Err != nil && !errors.Is(v.Err, engine.ErrNotFound) {
			w.s.explained(db, "MultiGet", v.Err)
			return
		}
		w.expect("MultiGet", string(keys[i]), v.Data, v.Err == nil)
	}
}

// compareAll scans the writer's rows in both families, up or down, and reads its sum.
func (w *soakWriter) compareAll(db *engine.DB) {
	for _, name := range []string{"default", "other"} {
		cf, err := db.ColumnFamily(name)
		if err != nil {
			w.s.explained(db, "ColumnFamily", err)
			return
		}
		seen := map[string]string{}
		rows, done := engine.Scan(cf, &engine.IterOptions{LowerBound: []byte(w.name + "/"), UpperBound: []byte(w.name + "0")})
		for k, v := range rows {
			seen[string(k)] = string(v)
		}
		if err := done(); err != nil {
			w.s.explained(db, "scan", err)
			return
		}
		for key := range w.rows {
			value, ok := seen[key]
			w.expect("scan of "+name, key, []byte(value), ok)
			delete(seen, key)
		}
		for key := range seen {
			w.s.t.Errorf("scan of %s: %q is there and was never written", name, key)
		}
	}
	w.compareSum(db)
}

func (w *soakWriter) compareSum(db *engine.DB) {
	sums, err := db.ColumnFamily("sums")
	if err != nil {
		w.s.explained(db, "ColumnFamily", err)
		return
	}
	value, err := sums.Get([]byte(w.name), nil)
	var sum int64
	switch {
	case errors.Is(err, engine.ErrNotFound):
	case err != nil:
		w.s.explained(db, "get a sum", err)
		return
	default:
		if sum, err = engine.DecodeInt64(value); err != nil {
			w.s.t.Error(err)
		}
	}
	if !slices.Contains(w.sums, sum) {
		w.s.t.Errorf("the sum of %s is %d, and may be %d", w.name, sum, w.sums)
	}
	if w.unsure != nil && w.unsure != db { // opened since: what was open then is settled
		w.sums, w.unsure = []int64{sum}, nil
	}
}

// read scans everything out of snapshots and iterators that outlive faults.
func (s *soak) read(r *rand.Rand) {
	for !s.done.Load() {
		db := s.db.Load()
		it, err := db.NewIter(&engine.IterOptions{KeysOnly: r.IntN(4) == 0})
		if err != nil {
			s.explained(db, "NewIter", err)
			continue
		}
		move, ok := it.Next, it.First()
		if r.IntN(2) == 0 {
			move, ok = it.Prev, it.Last()
		}
		for ; ok && !s.done.Load(); ok = move() {
			key, value := it.Key(), it.Value()
			if value != nil && !strings.HasPrefix(string(value), string(key)+"=") {
				s.t.Errorf("a scan gives %q the value %.60q", key, value)
				s.done.Store(true)
			}
			if r.IntN(500) == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		if err := it.Error(); err != nil {
			s.explained(db, "scan", err)
		}
		if err := it.Close(); err != nil && !errors.Is(err, engine.ErrClosed) {
			s.explained(db, "close an iterator", err)
		}
		s.scans.Add(1)
	}
}

// maintain flushes, compacts, makes checkpoints and backups, and families that it drops again.
func (s *soak) maintain(r *rand.Rand) {
	side := filepath.Join(filepath.Dir(s.dir), "side")
	works := []func(db *engine.DB) error{
		(*engine.DB).Flush,
		(*engine.DB).SyncWAL,
		func(db *engine.DB) error { return db.Compact(nil, nil, nil) },
		func(db *engine.DB) error { _, err := db.Metrics(); return err },
		func(db *engine.DB) error { return errors.Join(db.Checkpoint(nil, side), os.RemoveAll(side)) },
		func(db *engine.DB) error { return soakFamily(db) },
		func(db *engine.DB) error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.IntN(2000))*time.Microsecond)
			defer cancel()
			return db.Compact(ctx, nil, nil)
		},
	}
	for !s.done.Load() {
		db := s.db.Load()
		if err := works[r.IntN(len(works))](db); err != nil {
			s.explained(db, "upkeep", err)
		}
		os.RemoveAll(side)
		s.upkeep.Add(1)
		time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
	}
}

// soakFamily makes a family, or drops the one that a trouble left behind.
func soakFamily(db *engine.DB) error {
	c, err := db.ColumnFamily("short-lived")
	if errors.Is(err, engine.ErrFamilyNotFound) {
		c, err = db.CreateColumnFamily("short-lived", nil)
	}
	if err != nil {
		return err
	}
	if err := c.Put([]byte("k"), []byte("v"), nil); err != nil {
		return err
	}
	return db.DropColumnFamily(c)
}
