package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
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
	ops := 1500
	if testing.Short() {
		ops /= 5
	}
	r, seed := seededRand(t, "families.seed", *familiesSeed)
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Families: map[string]engine.FamilyOptions{"fixed": {WriteBufferSize: 64 << 10}}})
	f := &familyChurn{t: t, seed: seed, db: db}
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
	if err := errors.Join(usable(put), dropped.Drop(), usable(put)); err != nil {
		t.Fatal(err)
	}
	if err := dropped.Apply(cbridge.Put, 0, []byte("k"), nil); err == nil {
		t.Error("RocksDB accepts a write to a dropped family")
	}
	if usable(put) == nil {
		t.Error("a write to a dropped family went unnoticed")
	}
}

// familyWriter is one of the writers.
type familyWriter struct {
	f   *familyChurn
	id  int
	rnd *rand.Rand
	n   int
}

func (w *familyWriter) run(ops int) {
	for w.n = range ops {
		if w.f.t.Failed() {
			return
		}
		s := w.pick()
		switch w.rnd.IntN(12) {
		case 0, 1:
			w.put(s)
		case 2:
			w.deleteRange(s)
		case 3:
			w.iterate(s)
		case 4:
			w.read(s)
		case 5:
			w.upkeep(s)
		default:
			w.batch()
		}
	}
}

// pick gives the family of a slot, rarely one that is gone: it is the moment of the drop that counts.
func (w *familyWriter) pick() *slotFamily {
	for {
		s := w.f.slots[w.rnd.IntN(familySlots)].Load()
		if !s.gone.Load() || w.rnd.IntN(20) == 0 {
			return s
		}
	}
}

func (w *familyWriter) key() string { return fmt.Sprintf("%02d/%06d", w.id, w.n) }

// judge compares a call's answer with what is known of the families it named, before as gone when it
// began. It reports whether the call succeeded.
func (w *familyWriter) judge(call string, err error, before bool, named ...*slotFamily) bool {
	doomed := slices.ContainsFunc(named, isDoomed)
	var e *engine.Error
	switch {
	case err == nil && before:
		w.f.failf("%s: success on a family dropped before", call)
	case err == nil:
		return true
	case !errors.Is(err, engine.ErrFamilyDropped) || !errors.As(err, &e):
		w.f.failf("%s: %v", call, err)
	case !doomed:
		w.f.failf("%s: %v, but nobody dropped what it names", call, err)
	case !nameOfADoomed(e.Family, named):
		w.f.failf("%s: %v, which was not dropped", call, err)
	default:
		w.f.hits.Add(1)
	}
	return false
}

func nameOfADoomed(name string, named []*slotFamily) bool {
	return slices.ContainsFunc(named, func(s *slotFamily) bool { return s.c.Name() == name && isDoomed(s) })
}

func isGone(s *slotFamily) bool   { return s.gone.Load() }
func isDoomed(s *slotFamily) bool { return s.doomed.Load() }

func (w *familyWriter) put(s *slotFamily) {
	before, key := s.gone.Load(), w.key()
	if w.judge("Put", s.c.Put([]byte(key), bytes.Repeat([]byte("v"), w.rnd.IntN(300)), nil), before, s) {
		s.acknowledge(key, true)
	}
}

// deleteRange puts a row and deletes it again by its range.
func (w *familyWriter) deleteRange(s *slotFamily) {
	before, key := s.gone.Load(), w.key()
	if !w.judge("Put", s.c.Put([]byte(key), nil, nil), before, s) {
		return
	}
	s.acknowledge(key, true)
	before = s.gone.Load()
	if w.judge("DeleteRange", s.c.DeleteRange([]byte(key), []byte(key+"\x00"), nil), before, s) {
		s.acknowledge(key, false)
	}
}

// batch names fixed families and slots, by handle or, parsed, by number.
func (w *familyWriter) batch() {
	named := append([]*slotFamily(nil), w.f.fixed...)
	for range 1 + w.rnd.IntN(familySlots) {
		if s := w.pick(); !slices.Contains(named, s) {
			named = append(named, s)
		}
	}
	w.rnd.Shuffle(len(named), func(i, j int) { named[i], named[j] = named[j], named[i] })
	b, key := w.f.db.NewBatch(), w.key()
	for _, s := range named {
		if err := b.In(s.c).Put([]byte(key), []byte("batch")); err != nil {
			w.f.failf("batch: %v", err)
		}
	}
	before := slices.ContainsFunc(named, isGone)
	if w.rnd.IntN(4) == 0 {
		w.parsed(b, before, key, named)
		return
	}
	if w.judge("Write", w.f.db.Write(b, nil), before, named...) {
		for _, s := range named {
			s.acknowledge(key, true)
		}
	}
}

// parsed writes the batch as one that came from outside, which knows families by number: a number
// that is no longer taken is not found.
func (w *familyWriter) parsed(b *engine.Batch, before bool, key string, named []*slotFamily) {
	p, err := engine.ParseBatch(b.Repr())
	if err != nil {
		w.f.failf("parse: %v", err)
		return
	}
	err = w.f.db.Write(p, nil)
	if errors.Is(err, engine.ErrFamilyNotFound) && slices.ContainsFunc(named, isDoomed) {
		w.f.hits.Add(1)
		return
	}
	if w.judge("Write of a parsed batch", err, before, named...) {
		for _, s := range named {
			s.acknowledge(key, true)
		}
	}
}

// iterate walks over a family's rows, before and perhaps after it is dropped: the same rows.
func (w *familyWriter) iterate(s *slotFamily) {
	before := s.gone.Load()
	it, err := s.c.NewIter(nil)
	if !w.judge("NewIter", err, before, s) {
		return
	}
	defer it.Close()
	var counts [2]int
	for i := range counts {
		var c iterator.Chunk
		for ok := it.First() && it.NextChunk(&c); ok; ok = it.NextChunk(&c) {
			counts[i] += c.Len()
		}
		if it.Error() != nil {
			w.f.failf("iterate: %v", it.Error())
		}
	}
	if counts[0] != counts[1] {
		w.f.failf("an iterator saw %d rows and then %d", counts[0], counts[1])
	}
}

func (w *familyWriter) read(s *slotFamily) {
	before := s.gone.Load()
	_, err := s.c.Get([]byte("absent"), nil)
	if err == engine.ErrNotFound {
		err = nil
	}
	w.judge("Get", err, before, s)
}

// upkeep names one family or, through the DB, none: then no drop is its business.
func (w *familyWriter) upkeep(s *slotFamily) {
	before := s.gone.Load()
	switch w.rnd.IntN(20) {
	case 0:
		w.judge("Flush", s.c.Flush(), before, s)
	case 1:
		w.judge("Compact", s.c.Compact(context.Background(), nil, nil), before, s)
	case 2:
		w.judge("DB.Flush", w.f.db.Flush(), false)
	case 3:
		w.judge("DB.Compact", w.f.db.Compact(context.Background(), nil, nil), false)
	}
}
