package engine_test

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var txBatchSeed = flag.Uint64("txbatch.seed", 0, "seed of the random test of batches in transactions; 0: a new one")

// txBatchModel is what a transaction shows of the default family and of "other", which merges.
type txBatchModel [2]map[string]string

func (m txBatchModel) clone() txBatchModel {
	return txBatchModel{maps.Clone(m[0]), maps.Clone(m[1])}
}

// record adds one record to w, and to the model.
func (m txBatchModel) record(r *rand.Rand, family int, w engine.Writer) {
	key := fmt.Append(nil, "k", r.IntN(12))
	value := binary.LittleEndian.AppendUint64(nil, r.Uint64N(1000))
	switch old, there := m[family][string(key)]; {
	case r.IntN(3) == 0:
		must(w.Delete(key))
		delete(m[family], string(key))
	case family == 1 && r.IntN(2) == 0:
		must(w.Merge(key, value))
		sum := binary.LittleEndian.Uint64(value)
		if there {
			sum += binary.LittleEndian.Uint64([]byte(old))
		}
		m[family][string(key)] = string(binary.LittleEndian.AppendUint64(nil, sum))
	default:
		must(w.Put(key, value))
		m[family][string(key)] = string(value)
	}
}

// shows fails the test unless the rows of readers are the model's.
func (m txBatchModel) shows(t *testing.T, what string, readers ...engine.Reader) {
	t.Helper()
	for i, r := range readers {
		got := map[string]string{}
		rows, done := engine.Scan(r, nil)
		for k, v := range rows {
			got[string(k)] = string(v)
		}
		must(done())
		if !maps.Equal(got, m[i]) {
			t.Fatalf("%s: family %d shows %q, want %q", what, i, got, m[i])
		}
	}
}

func TestBatchesInATransactionAreAsIfWrittenOneByOne(t *testing.T) {
	r, _ := seededRand(t, "txbatch.seed", *txBatchSeed)
	for _, mode := range txModes {
		db := openTx(t, mode)
		other, _ := db.ColumnFamily("other")
		committed := txBatchModel{{}, {}}
		for range 30 {
			tx := beginTx(t, db, &engine.TxOptions{NoSnapshot: mode == engine.Pessimistic && r.IntN(2) == 0})
			now, saved := committed.clone(), []txBatchModel{}
			for range 1 + r.IntN(12) {
				switch r.IntN(6) {
				case 0:
					must(tx.Savepoint())
					saved = append(saved, now.clone())
				case 1:
					if n := len(saved) - 1; n >= 0 {
						must(tx.RollbackToSavepoint())
						now, saved = saved[n], saved[:n]
					}
				case 2:
					now.record(r, 0, tx)
					now.record(r, 1, tx.In(other))
				default:
					b := new(engine.Batch)
					for range r.IntN(6) {
						if f := r.IntN(2); f == 0 {
							now.record(r, 0, b)
						} else {
							now.record(r, 1, b.In(other))
						}
					}
					size := b.Size()
					must(tx.In(other).Append(b)) // the family that it is aimed at does not matter
					if b.Size() != size {
						t.Fatal("the batch has changed")
					}
				}
				now.shows(t, "the transaction", tx, tx.In(other))
			}
			b, err := engine.ParseBatch(tx.Repr())
			if err != nil || b.Count() != tx.Count() || !slices.EqualFunc(slices.Collect(b.Records()), slices.Collect(tx.Records()),
				func(x, y engine.Record) bool { return x.Kind == y.Kind && string(x.Key) == string(y.Key) }) {
				t.Fatalf("Repr has %d records of %d: %v", b.Count(), tx.Count(), err)
			}
			if r.IntN(4) == 0 {
				must(tx.Rollback())
			} else {
				must(tx.Commit())
				committed = now
			}
			committed.shows(t, "the database", db, other)
		}
	}
}

func TestABatchInATransactionLocksItsKeys(t *testing.T) {
	o := txOptions(engine.Pessimistic)
	o.TxDB = engine.TxDBOptions{LockTimeout: 20 * time.Millisecond, WriteLockTimeout: 20 * time.Millisecond}
	db := openTemp(t, o)
	other, _ := db.ColumnFamily("other")
	b := db.NewBatch()
	mustPut(t, b, "a=1", "z=1")
	mustPut(t, b.In(other), "o=1")
	tx, second := beginTx(t, db, nil), beginTx(t, db, nil)
	says(t, "append", tx.Append(b), nil)
	for _, key := range []string{"a", "z"} {
		says(t, "a plain put", db.Put([]byte(key), nil, nil), engine.ErrTimedOut)
	}
	says(t, "elsewhere", other.Put([]byte("o"), nil, nil), engine.ErrTimedOut)
	mustPut(t, db.Writer(nil), "o=free") // the same key in another family
	mustPut(t, second, "b=2")
	says(t, "another's append", second.Append(b), engine.ErrTimedOut)
	if got := rowsText(t, second, nil); second.Count() != 1 || got != "b=2 o=free" {
		t.Fatalf("a refused batch leaves %d records: %s", second.Count(), got)
	}
	says(t, "its commit", second.Commit(), engine.ErrTimedOut)
	says(t, "commit", tx.Commit(), nil)
	if got := rowsText(t, db, nil); got != "a=1 o=free z=1" {
		t.Fatalf("the database shows %s", got)
	}
}

func TestAnOptimisticCommitLooksAtTheKeysOfABatch(t *testing.T) {
	db := openTx(t, engine.Optimistic)
	for _, theirs := range []string{"a", "z", "c"} {
		b := new(engine.Batch)
		mustPut(t, b, "a=1", "z=1")
		tx := beginTx(t, db, nil)
		says(t, "append", tx.Append(b), nil)
		mustPut(t, db.Writer(nil), theirs+"=theirs")
		if theirs == "c" {
			says(t, "commit", tx.Commit(), nil)
		} else {
			says(t, "commit", tx.Commit(), engine.ErrBusy)
		}
	}
}

func TestATransactionRefusesTheBatchesItCannotHave(t *testing.T) {
	eachTxMode(t, func(t *testing.T, mode engine.TxMode, db *engine.DB) {
		dropped, err := db.CreateColumnFamily("dropped", nil)
		must(err)
		elsewhere := openTx(t, mode)
		foreign, _ := elsewhere.ColumnFamily("other")
		tooLarge := make([]byte, engine.MaxKeySize+1)
		for name, c := range map[string]struct {
			add  func(b *engine.Batch)
			want error
		}{
			"single delete":        {func(b *engine.Batch) { b.SingleDelete([]byte("a")) }, engine.ErrUnsupported},
			"range":                {func(b *engine.Batch) { b.DeleteRange([]byte("a"), []byte("b")) }, engine.ErrUnsupported},
			"no merge operator":    {func(b *engine.Batch) { b.Merge([]byte("a"), nil) }, engine.ErrInvalidArgument},
			"another database":     {func(b *engine.Batch) { b.In(foreign).Put([]byte("a"), nil) }, engine.ErrInvalidArgument},
			"a record it refused":  {func(b *engine.Batch) { b.Put(tooLarge, nil) }, engine.ErrTooLarge},
			"of a dropped family":  {func(b *engine.Batch) { b.In(dropped).Put([]byte("a"), nil) }, engine.ErrFamilyDropped},
			"of an unknown family": {func(b *engine.Batch) { must(b.Append(unknownFamilyBatch())) }, engine.ErrFamilyNotFound},
		} {
			b := new(engine.Batch)
			mustPut(t, b, "row=1")
			c.add(b)
			if name == "of a dropped family" {
				must(db.DropColumnFamily(dropped))
			}
			tx := beginTx(t, db, nil)
			says(t, name, tx.Append(b), c.want)
			if tx.Count() != 0 {
				t.Errorf("%s: %d records are there", name, tx.Count())
			}
			says(t, name+", commit", tx.Commit(), c.want)
			reads(t, db, "row", "")
		}
		tx := beginTx(t, db, nil)
		says(t, "empty", tx.Append(new(engine.Batch)), nil)
		says(t, "savepoint", tx.Savepoint(), nil)
		says(t, "nil", tx.Append(nil), engine.ErrInvalidArgument)
		says(t, "rollback", tx.RollbackToSavepoint(), nil) // takes the refusal back
		says(t, "commit", tx.Commit(), nil)
	})
}

// unknownFamilyBatch names family 77.
func unknownFamilyBatch() *engine.Batch {
	rep := append(new(engine.Batch).Repr(), 5, 77, 1, 'k', 1, 'v')
	binary.LittleEndian.PutUint32(rep[8:], 1)
	b, err := engine.ParseBatch(rep)
	must(err)
	return b
}

// txLogs ends transactions that have noted something for the log, each in its way.
var txLogs = map[string]struct {
	mode engine.TxMode
	o    engine.TxOptions
	do   func(tx *engine.Tx) error
	want string
}{
	"optimistic":              {engine.Optimistic, engine.TxOptions{}, putAndLog, "log:before put:a log:after"},
	"pessimistic":             {engine.Pessimistic, engine.TxOptions{}, putAndLog, "log:before put:a log:after"},
	"no snapshot":             {engine.Pessimistic, engine.TxOptions{NoSnapshot: true}, putAndLog, "log:before put:a log:after"},
	"without a row":           {engine.Optimistic, engine.TxOptions{}, logOnly, "log:alone"},
	"without a row, locked":   {engine.Pessimistic, engine.TxOptions{}, logOnly, "log:alone"},
	"without a row, but read": {engine.Optimistic, engine.TxOptions{}, readAndLog, "log:read"},
	"prepared": {engine.Pessimistic, engine.TxOptions{}, func(tx *engine.Tx) error {
		if err := putAndLog(tx); err != nil {
			return err
		}
		return tx.Prepare("name")
	}, "log:before put:a log:after"},
	"taken back": {engine.Pessimistic, engine.TxOptions{}, func(tx *engine.Tx) error {
		must(tx.Put([]byte("a"), nil))
		must(tx.Savepoint())
		must(tx.LogData([]byte("gone")))
		return tx.RollbackToSavepoint()
	}, "put:a"},
}

func putAndLog(tx *engine.Tx) error {
	must(tx.LogData([]byte("before")))
	must(tx.Put([]byte("a"), nil))
	return tx.LogData([]byte("after"))
}

func logOnly(tx *engine.Tx) error { return tx.LogData([]byte("alone")) }

func readAndLog(tx *engine.Tx) error {
	if _, err := tx.GetForUpdate([]byte("absent"), nil); err != engine.ErrNotFound {
		return err
	}
	return tx.LogData([]byte("read"))
}

func TestWhatATransactionNotesForTheLogIsInItsChanges(t *testing.T) {
	for name, c := range txLogs {
		t.Run(name, func(t *testing.T) {
			db := openTx(t, c.mode)
			tx := beginTx(t, db, &c.o)
			says(t, "the transaction", c.do(tx), nil)
			says(t, "commit", tx.Commit(), nil)
			u, got := updatesSince(t, db, 0, nil), ""
			for u.Next(context.Background()) {
				for r := range u.Update().Batch.Records() {
					switch r.Kind {
					case engine.KindLogData:
						got += " log:" + string(r.Value)
					case engine.KindPut:
						got += " put:" + string(r.Key)
					}
				}
			}
			says(t, "updates", u.Error(), nil)
			if got != " "+c.want {
				t.Errorf("the changes are%s, want %s", got, c.want)
			}
		})
	}
	tx := beginTx(t, openTx(t, engine.Optimistic), nil)
	says(t, "rollback", tx.Rollback(), nil)
	says(t, "after the end", tx.LogData(nil), engine.ErrClosed)
}
