package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
)

const (
	familyWriters = 16
	familySlots   = 4
)

// slotFamily is a family that is dropped under its writers, with what the test knows of it.
type slotFamily struct {
	c            *engine.ColumnFamily
	doomed, gone atomic.Bool // DropColumnFamily has begun, has answered
	mu           sync.Mutex
	rows         map[string]bool // acknowledged
}

func (s *slotFamily) acknowledge(key string, there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if there {
		s.rows[key] = true
	} else {
		delete(s.rows, key)
	}
}

// familyChurn is a database whose slots hold families that come and go, beside fixed ones.
type familyChurn struct {
	t     *testing.T
	seed  uint64
	db    *engine.DB
	fixed []*slotFamily // never dropped
	slots [familySlots]atomic.Pointer[slotFamily]
	drops atomic.Int64
	hits  atomic.Int64 // calls that met a dropped family
	weak  bool         // iterators may see writes that were under way when they were made
}

func newSlotFamily(c *engine.ColumnFamily) *slotFamily {
	return &slotFamily{c: c, rows: map[string]bool{}}
}

func (f *familyChurn) failf(format string, args ...any) {
	f.t.Helper()
	f.t.Errorf("seed %d: %s", f.seed, fmt.Sprintf(format, args...))
}

// Writers that name families while these are dropped and made again under the same names hurt nobody
// but themselves: a write that names a dropped family answers so and changes nothing, every other
// write succeeds, and the database is as healthy as before.
func TestFamiliesDroppedUnderTheirWriters(t *testing.T) {
	for mode, o := range writeModes {
		t.Run(mode, func(t *testing.T) { dropFamiliesUnderWriters(t, o) })
	}
}

func dropFamiliesUnderWriters(t *testing.T, o engine.Options) {
	ops := 1000
	if testing.Short() {
		ops /= 4
	}
	r, seed := seededRand(t, "families.seed", *familiesSeed)
	dir := filepath.Join(t.TempDir(), "db")
	o.Families = map[string]engine.FamilyOptions{"fixed": {WriteBufferSize: 64 << 10}}
	db := openDir(t, dir, &o)
	f := &familyChurn{t: t, seed: seed, db: db, weak: o.UnorderedWrite}
	for _, c := range db.ColumnFamilies() {
		f.fixed = append(f.fixed, newSlotFamily(c))
	}
	for i := range f.slots {
		f.refill(i)
	}
	var writers, churners sync.WaitGroup
	var done atomic.Bool
	for i := range familyWriters {
		w := &familyWriter{f: f, id: i, rnd: rand.New(rand.NewPCG(r.Uint64(), 0))}
		writers.Go(func() { w.run(ops) })
	}
	for i := range 2 {
		rnd := rand.New(rand.NewPCG(r.Uint64(), 0))
		churners.Go(func() { f.churn(rnd, i, &done) })
	}
	writers.Wait()
	done.Store(true)
	churners.Wait()
	t.Logf("%d drops, %d calls met a dropped family", f.drops.Load(), f.hits.Load())
	if f.drops.Load() == 0 || f.hits.Load() == 0 {
		f.failf("no drop met a writer")
	}
	f.verify(dir)
}

// refill puts a new family into a slot, under the slot's name.
func (f *familyChurn) refill(i int) {
	c, err := f.db.CreateColumnFamily(fmt.Sprintf("slot %d", i), &engine.FamilyOptions{WriteBufferSize: 64 << 10})
	if err != nil {
		f.failf("create: %v", err)
		return
	}
	f.slots[i].Store(newSlotFamily(c))
}

// churn drops and refills every second slot until the writers are done.
func (f *familyChurn) churn(rnd *rand.Rand, first int, done *atomic.Bool) {
	for !done.Load() && !f.t.Failed() {
		i := first + 2*rnd.IntN(familySlots/2)
		s := f.slots[i].Load()
		s.doomed.Store(true)
		if err := f.db.DropColumnFamily(s.c); err != nil {
			f.failf("drop: %v", err)
		}
		s.gone.Store(true)
		f.drops.Add(1)
		if err := f.db.DropColumnFamily(s.c); !errors.Is(err, engine.ErrFamilyDropped) {
			f.failf("second drop: %v", err)
		}
		f.refill(i)
	}
}

// verify looks for what was acknowledged, and for nothing else, before and after reopening.
func (f *familyChurn) verify(dir string) {
	f.t.Helper()
	all := append([]*slotFamily(nil), f.fixed...)
	for i := range f.slots {
		all = append(all, f.slots[i].Load())
	}
	if err := usable(func() error { return f.db.Put([]byte("after"), nil, nil) }); err != nil {
		f.failf("%v", err)
	}
	f.fixed[0].rows["after"] = true
	if n, err := f.db.Property("rocksdb.background-errors"); err != nil || n != "0" {
		f.failf("%s background errors; %v", n, err)
	}
	for _, s := range all {
		f.compare(s.c, s.rows)
	}
	if err := f.db.Close(); err != nil {
		f.failf("close: %v", err)
	}
	again := openDir(f.t, dir, nil)
	for _, s := range all {
		c, err := again.ColumnFamily(s.c.Name())
		if err != nil || c.ID() != s.c.ID() {
			f.failf("family %s, number %d, is number %d after reopening; %v", s.c.Name(), s.c.ID(), c.ID(), err)
			continue
		}
		f.compare(c, s.rows)
	}
	if n := len(again.ColumnFamilies()); n != len(all) {
		f.failf("%d families after reopening, want %d", n, len(all))
	}
	if err := errors.Join(usable(func() error { return again.Put([]byte("k"), nil, nil) }), again.Close()); err != nil {
		f.failf("after reopening: %v", err)
	}
}

func (f *familyChurn) compare(c *engine.ColumnFamily, want map[string]bool) {
	f.t.Helper()
	n := 0
	rows, done := engine.Scan(c, nil)
	for key := range rows {
		if n++; !want[string(key)] {
			f.failf("family %s has %q, which was refused or deleted", c.Name(), key)
		}
	}
	if err := done(); err != nil || n != len(want) {
		f.failf("family %s has %d rows, acknowledged are %d; %v", c.Name(), n, len(want), err)
	}
}

// usable reports a database that accepts no more writes, which is what a write to a dropped family
// leaves behind.
func usable(put func() error) error {
	for range 2 {
		if err := put(); err != nil {
			return fmt.Errorf("the database is in a fatal state: %w", err)
		}
	}
	return nil
}

// Without the engine's claims, a write that names a dropped family is fatal, and usable notices.
func TestTheFamilyTestNoticesAFatalState(t *testing.T) {
	p, err := cbridge.NewPlan(filepath.Join(t.TempDir(), "db"), cbridge.DBOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	for _, name := range []string{"default", "dropped"} {
		if err := p.Family(name, cbridge.FamilyOptions{Compression: -1}, ""); err != nil {
			t.Fatal(err)
		}
	}
	db, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	def, err := db.Family("default")
	if err != nil {
		t.Fatal(err)
	}
	dropped, err := db.Family("dropped")
	if err != nil {
		t.Fatal(err)
	}
	put := func() error { return def.Apply(cbridge.Put, 0, []byte("k"), nil) }
	drop := func() error { _, err := dropped.Drop(); return err }
	if err := errors.Join(usable(put), drop(), usable(put)); err != nil {
		t.Fatal(err)
	}
	if err := dropped.Apply(cbridge.Put, 0, []byte("k"), nil); err == nil {
		t.Error("RocksDB accepts a write to a dropped family")
	}
	if usable(put) == nil {
		t.Error("a write to a dropped family went unnoticed")
	}
}
