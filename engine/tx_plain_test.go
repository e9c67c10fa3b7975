package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// RocksDB looks for what an optimistic transaction conflicts with before it writes it. A plain write that is on its way into the log
// then is not seen, and would be written over by somebody who has not read it: so the commit waits for it, and then finds it.
func TestNoPlainWriteIsLostBesideACommitOfItsKey(t *testing.T) {
	for name, write := range map[string]func(db *engine.DB, key, value []byte) error{
		"put": func(db *engine.DB, key, value []byte) error { return db.Put(key, value, nil) },
		"batch": func(db *engine.DB, key, value []byte) error {
			b := db.NewBatch()
			return errors.Join(b.Put([]byte("other"), nil), b.Put(key, value), db.Write(b, nil))
		},
		"indexed batch": func(db *engine.DB, key, value []byte) error {
			b, err := db.NewIndexedBatch()
			if err != nil {
				return err
			}
			defer b.Close()
			return errors.Join(b.Put(key, value), b.Commit(nil))
		},
	} {
		for how, change := range map[string]func(tx *engine.Tx, key []byte) error{
			"written": func(tx *engine.Tx, key []byte) error { return tx.Put(key, []byte("by the transaction")) },
			"protected": func(tx *engine.Tx, key []byte) error {
				_, err := tx.GetForShare(key, nil)
				return errors.Join(err, tx.Put([]byte("what rests on it"), nil))
			},
			"protected with others": func(tx *engine.Tx, key []byte) error {
				_, err := tx.MultiGetForUpdate([][]byte{key, []byte("absent")}, nil)
				return errors.Join(err, tx.Put([]byte("what rests on it"), nil))
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				onSlowDisk(t, func(t *testing.T, d slowDisk) { writeBesideACommit(t, d, write, change) })
			})
		}
	}
}

func writeBesideACommit(t *testing.T, d slowDisk, write func(db *engine.DB, key, value []byte) error, change func(tx *engine.Tx, key []byte) error) {
	db, key := openTx(t, engine.Optimistic), []byte("k")
	mustPut(t, db.Writer(nil), "k=before")
	tx := beginTx(t, db, nil)
	mustDo(t, change(tx, key))
	d.set(diskWriteDelay, held)
	written := make(chan error)
	go func() { written <- write(db, key, []byte("plainly")) }()
	d.await(t, diskWritesWaiting, 1)
	committed := make(chan error)
	go func() { committed <- tx.Commit() }()
	select {
	case err := <-committed:
		t.Errorf("the commit did not wait: %v", err)
	case <-time.After(50 * time.Millisecond): // without the locks it waits behind the write, with its look done
	}
	d.set(diskWriteDelay, 0)
	mustDo(t, <-written)
	says(t, "commit beside the write", <-committed, engine.ErrBusy)
	reads(t, db, "k", "plainly")
}
