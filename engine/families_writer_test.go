package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// familyWriter is one of the writers.
type familyWriter struct {
	f   *familyChurn
	id  int
	rnd *rand.Rand
	n   int
}

func (w *familyWriter) run(ops int) {
	for ; w.n < ops || w.f.drops.Load() < familySlots; w.n++ {
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
	if counts[0] > counts[1] || (counts[0] < counts[1] && !w.f.weak) {
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
	switch w.rnd.IntN(24) {
	case 4:
		w.judge("SetOptions", s.c.SetOptions(map[string]string{"ttl": "1000"}), before, s)
	case 5:
		_, err := s.c.Options()
		w.judge("Options", err, before, s)
	case 6:
		its, err := engine.NewIters(s.c, w.f.fixed[1].c)
		if w.judge("NewIters", err, before, s) {
			closeAll(w.f.t, its)
		}
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
