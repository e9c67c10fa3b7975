package cbridge

// #include "rb.h"
// #cgo noescape rb_tx_begin
// #cgo nocallback rb_tx_begin
// #cgo noescape rb_tx_get_for_update
// #cgo nocallback rb_tx_get_for_update
// #cgo noescape rb_tx_track
// #cgo nocallback rb_tx_track
// #cgo noescape rb_tx_commit
// #cgo nocallback rb_tx_commit
// #cgo noescape rb_tx_prepare
// #cgo nocallback rb_tx_prepare
// #cgo noescape rb_tx_finish
// #cgo nocallback rb_tx_finish
// #cgo noescape rb_tx_free
// #cgo nocallback rb_tx_free
// #cgo noescape rb_recovered
// #cgo nocallback rb_recovered
// #cgo noescape rb_tx_tell
// #cgo nocallback rb_tx_tell
// #cgo noescape rb_overlay_base
// #cgo nocallback rb_overlay_base
import "C"

import (
	"runtime"
	"unsafe"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// How a database handles transactions.
const (
	NoTx        = C.RB_TX_NONE
	Optimistic  = C.RB_TX_OPTIMISTIC
	Pessimistic = C.RB_TX_PESSIMISTIC
)

// Base has reads through the overlay show the database as s does; once, before the first read.
func (o *Overlay) Base(s *Snapshot) { C.rb_overlay_base(o.p, s.p) }

// Tx is a transaction of RocksDB's. One goroutine at a time.
type Tx struct{ p *C.rb_tx }

// Begin begins a transaction that commits with the flags of writes given. With snapshot it depends on
// the state that s, to be freed, shows.
func (d *DB) Begin(flags uint32, snapshot bool) (tx *Tx, s *Snapshot, err error) {
	r := C.rb_tx_begin(d.p, C.rb_tx_options{write: C.uint32_t(flags), snapshot: flag(snapshot)})
	if err := failure(r.status); err != nil {
		return nil, nil, err
	}
	if r.snap != nil {
		s = &Snapshot{r.snap}
	}
	return &Tx{r.tx}, s, nil
}

// GetForUpdate has the commit depend on key and reads it as Family.Get does. The value does not show
// what the transaction wrote.
func (t *Tx) GetForUpdate(f *Family, r Read, exclusive bool, key, buf []byte) (n int, pinned Pinned, err error) {
	v := C.rb_tx_get_for_update(t.p, f.p, r.snap(), C.uint32_t(r.Flags), C.uint64_t(r.Deadline),
		flag(exclusive), ptr(key), C.size_t(len(key)), ptr(buf), C.size_t(len(buf)))
	if v.status.code != C.RB_OK {
		return 0, Pinned{}, failure(v.status)
	}
	if v.pin != nil {
		return 0, Pinned{lent(v.data, uint64(v.len)), v.pin}, nil
	}
	return int(v.len), Pinned{}, nil
}

// Track has the commit depend on the keys that stand in packed, one after the other, with the lengths
// of lens.
func (t *Tx) Track(f *Family, r Read, exclusive bool, lens []uint32, packed []byte) error {
	return failure(C.rb_tx_track(t.p, f.p, r.snap(), C.uint64_t(r.Deadline), flag(exclusive),
		(*C.uint32_t)(unsafe.SliceData(lens)), C.size_t(len(lens)), ptr(packed)))
}

// families gives C the families that records name.
func families(fs []*Family) (**C.rb_family, C.size_t) {
	ps := make([]*C.rb_family, len(fs))
	for i, f := range fs {
		ps[i] = f.p
	}
	return unsafe.SliceData(ps), C.size_t(len(ps))
}

// Commit commits the records, which are without a batch's header.
func (t *Tx) Commit(fs []*Family, records []byte) error {
	ps, n := families(fs)
	defer runtime.KeepAlive(fs)
	return failure(C.rb_tx_commit(t.p, ps, n, ptr(records), C.size_t(len(records))))
}

// Prepare logs the records under a name, for Finish to commit or roll back.
func (t *Tx) Prepare(name string, fs []*Family, records []byte) error {
	ps, n := families(fs)
	defer runtime.KeepAlive(fs)
	b := []byte(name)
	return failure(C.rb_tx_prepare(t.p, ptr(b), C.size_t(len(b)), ps, n, ptr(records), C.size_t(len(records))))
}

// Finish commits a prepared transaction or rolls it back.
func (t *Tx) Finish(commit bool) error { return failure(C.rb_tx_finish(t.p, flag(commit))) }

// Free ends the transaction.
func (t *Tx) Free() {
	C.rb_tx_free(t.p)
	t.p = nil
}

// Recovered is a transaction that was found prepared when the database was opened.
type Recovered struct {
	Tx    *Tx
	Name  string
	Batch []byte // its records, as a batch
}

// Recovered lists the transactions that were found prepared. To be asked once, after the opening.
func (d *DB) Recovered() ([]Recovered, error) {
	var all []Recovered
	for i := 0; ; i++ {
		p := C.rb_recovered(d.p, C.size_t(i))
		if p == nil {
			return all, nil
		}
		t := C.rb_tx_tell(p)
		if t.name == nil || t.batch == nil || t.batch_len > C.RB_MAX_BATCH {
			C.rb_free(unsafe.Pointer(t.name))
			C.rb_free(unsafe.Pointer(t.batch))
			return nil, dberr.New("", dberr.NoMemory, "")
		}
		all = append(all, Recovered{
			&Tx{p}, string(unsafe.Slice((*byte)(unsafe.Pointer(t.name)), int(t.name_len))),
			append([]byte{}, unsafe.Slice((*byte)(t.batch), int(t.batch_len))...),
		})
		C.rb_free(unsafe.Pointer(t.name))
		C.rb_free(unsafe.Pointer(t.batch))
	}
}
