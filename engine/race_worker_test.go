package engine_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// errIdle is the answer of a call that found nothing to do.
var errIdle = errors.New("nothing to do")

// closeWorker is one user of the database. The rows under its prefix are its own, and so are the
// families it creates, so that it knows what each read must give.
type closeWorker struct {
	id   int
	r    *closeRound
	rnd  *rand.Rand
	rows []map[string]string             // acknowledged, in the order of closeFamilies
	own  map[string]map[string]string    // acknowledged, of the families that are its own
	live map[string]*engine.ColumnFamily // their handles in this round
	made int

	iterators []*iterator.Iterator
	snapshots []*engine.Snapshot
	calls     int64
}

func newCloseWorker(id int) *closeWorker {
	w := &closeWorker{id: id, own: map[string]map[string]string{}}
	for range closeFamilies {
		w.rows = append(w.rows, map[string]string{})
	}
	return w
}

func (w *closeWorker) begin(r *closeRound, rnd *rand.Rand) {
	w.r, w.rnd, w.calls = r, rnd, 0
	w.iterators, w.snapshots = nil, nil
	w.live = map[string]*engine.ColumnFamily{}
	for name := range w.own {
		c, err := r.db.ColumnFamily(name)
		if err != nil {
			r.failf("%v", err)
		}
		w.live[name] = c
	}
}

// run makes random calls until a few after the first ErrClosed, and then closes its handles or leaves
// them.
func (w *closeWorker) run() {
	total := 0
	for _, c := range closeCalls {
		total += c.weight
	}
	for refused := 0; refused < closeExtra; {
		n := w.rnd.IntN(total)
		i := 0
		for ; n >= closeCalls[i].weight; i++ {
			n -= closeCalls[i].weight
		}
		late := w.r.closed.Load()
		err := closeCalls[i].f(w)
		w.calls++
		switch {
		case err == errIdle:
		case err == nil && late:
			w.r.failf("%s: success after Close", closeCalls[i].name)
			return
		case err == nil:
		case !errors.Is(err, engine.ErrClosed) || !w.r.closing.Load():
			w.r.failf("%s: %v", closeCalls[i].name, err)
			return
		default:
			refused++
		}
		if w.r.t.Failed() {
			return
		}
	}
	w.leave()
}

func (w *closeWorker) leave() {
	for _, it := range w.iterators {
		if w.rnd.IntN(2) == 0 {
			w.r.iterators.left.Add(1)
		} else if err := it.Close(); err != nil && err != engine.ErrClosed {
			w.r.failf("iterator's Close: %v", err)
		}
	}
	for _, s := range w.snapshots {
		if w.rnd.IntN(2) == 0 {
			w.r.snapshots.left.Add(1)
		} else if err := s.Close(); err != nil {
			w.r.failf("snapshot's Close: %v", err)
		}
	}
}

// place picks one of the worker's rows: a family's index and a key.
func (w *closeWorker) place() (family int, key string) {
	return w.rnd.IntN(len(closeFamilies)), fmt.Sprintf("%02d/%d", w.id, w.rnd.IntN(20))
}

func (w *closeWorker) value() string { return fmt.Sprintf("%016x", w.rnd.Uint64()) }

var closeCalls = []struct {
	name   string
	weight int
	f      func(*closeWorker) error
}{
	{"Put", 40, (*closeWorker).put},
	{"Delete", 10, (*closeWorker).delete},
	{"DeleteRange", 4, (*closeWorker).deleteRange},
	{"Merge", 20, (*closeWorker).merge},
	{"Write", 20, (*closeWorker).write},
	{"Get", 40, (*closeWorker).get},
	{"GetPinned", 20, (*closeWorker).getPinned},
	{"Has", 10, (*closeWorker).has},
	{"MultiGet", 20, (*closeWorker).multiGet},
	{"MultiGet of a shared snapshot", 10, (*closeWorker).multiGetShared},
	{"NewIter", 20, (*closeWorker).newIter},
	{"move", 60, (*closeWorker).move},
	{"iterator's Close", 15, (*closeWorker).closeIter},
	{"NewSnapshot", 10, (*closeWorker).newSnapshot},
	{"shared snapshot", 30, (*closeWorker).readShared},
	{"snapshot's Close", 10, (*closeWorker).closeSnapshot},
	{"indexed batch", 15, (*closeWorker).indexedBatch},
	{"View", 6, (*closeWorker).view},
	{"Count", 6, (*closeWorker).count},
	{"Property", 5, (*closeWorker).property},
	{"own family", 3, (*closeWorker).ownFamily},
	{"Flush", 1, func(w *closeWorker) error { return w.r.db.Flush() }},
	{"family's Flush", 1, func(w *closeWorker) error { return w.r.families[w.rnd.IntN(3)].Flush() }},
	{"SyncWAL", 1, func(w *closeWorker) error { return w.r.db.SyncWAL() }},
	{"FlushWAL", 1, func(w *closeWorker) error { return w.r.db.FlushWAL() }},
	{"Compact", 1, func(w *closeWorker) error { return w.r.db.Compact(context.Background(), nil, []byte("01")) }},
	{"Checkpoint", 1, (*closeWorker).checkpoint},
}

func (w *closeWorker) put() error {
	i, key := w.place()
	v := w.value()
	err := w.r.families[i].Put([]byte(key), []byte(v), nil)
	if err == nil {
		w.rows[i][key] = v
	}
	return err
}

func (w *closeWorker) delete() error {
	i, key := w.place()
	err := w.r.families[i].Delete([]byte(key), nil)
	if err == nil {
		delete(w.rows[i], key)
	}
	return err
}

func (w *closeWorker) deleteRange() error {
	i, key := w.place()
	err := w.r.families[i].DeleteRange([]byte(key), []byte(key+"\x00"), engine.Sync)
	if err == nil {
		delete(w.rows[i], key)
	}
	return err
}

func (w *closeWorker) merge() error {
	key := fmt.Sprintf("%02d/sum", w.id)
	n := uint64(w.rnd.IntN(1000))
	err := w.r.families[1].Merge([]byte(key), binary.LittleEndian.AppendUint64(nil, n), nil)
	if err == nil {
		if old, ok := w.rows[1][key]; ok {
			n += binary.LittleEndian.Uint64([]byte(old))
		}
		w.rows[1][key] = string(binary.LittleEndian.AppendUint64(nil, n))
	}
	return err
}

// write puts one value into all the families: all or nothing.
func (w *closeWorker) write() error {
	_, key := w.place()
	v := w.value()
	b := w.r.db.NewBatch()
	for _, c := range w.r.families {
		if err := b.In(c).Put([]byte(key), []byte(v)); err != nil {
			return err
		}
	}
	err := w.r.db.Write(b, nil)
	if err == nil {
		for i := range w.rows {
			w.rows[i][key] = v
		}
	}
	return err
}
