package engine_test

import (
	"bytes"
	"context"
	"errors"

	"github.com/rockbridge-db/rockbridge/engine"
)

// withTransactions opens the kit's database again, with transactions.
func (k *lifecycleKit) withTransactions() {
	adds := engine.FamilyOptions{MergeOperator: engine.Uint64Add}
	k.close()
	db, err := engine.Open(k.db.Path(), &engine.Options{
		FamilyOptions: adds, Families: map[string]engine.FamilyOptions{"f": adds, "g": adds}, Transactions: engine.Pessimistic,
	})
	must(err)
	k.db = db
	for name, c := range map[string]**engine.ColumnFamily{"default": &k.def, "f": &k.f, "g": &k.g} {
		*c, err = db.ColumnFamily(name)
		must(err)
	}
}

// tx is a transaction aimed at family f, whose row a is in the transaction only.
func (k *lifecycleKit) tx() *engine.Tx {
	k.withTransactions()
	must(k.f.Delete(kitKeys[0], nil))
	tx, err := k.db.Begin(context.Background(), nil)
	must(err)
	tx = tx.In(k.f)
	must(tx.Put(kitKeys[0], kitValue(kitKeys[0])))
	return tx
}

func txEnded(end func(*engine.Tx) error) func(*lifecycleKit, []*engine.Tx) {
	return func(_ *lifecycleKit, txs []*engine.Tx) {
		for _, tx := range txs {
			must(end(tx))
		}
	}
}

// keyCallsOfTx gives what the calls that name a key answer in a state.
func keyCallsOfTx(state, answer string) map[string]string {
	m := map[string]string{}
	for _, method := range []string{
		"Get", "GetAppend", "GetPinned", "Has", "MultiGet", "NewIter", "GetForUpdate", "GetForShare",
		"MultiGetForUpdate", "Put", "Delete", "Merge",
	} {
		m[method+"/"+state] = answer
	}
	return m
}

var txTable = &lifecycleTable[*engine.Tx]{
	calls: txCalls,
	alone: true,
	want: merged(always("Rollback", "Count", "Name", "Records", "Repr"),
		keyCallsOfTx("family nil", answerClosed), keyCallsOfTx("family dropped", answerDropped), map[string]string{
			"Commit/family dropped": answerDropped, "Prepare/family dropped": answerDropped,
		}),
	states: []state[*engine.Tx]{
		{"nil", dead, constant(func() *engine.Tx { return nil })},
		{"zero", dead, constant(func() *engine.Tx { return new(engine.Tx) })},
		{"open", alive, after((*lifecycleKit).tx)},
		{"family nil", alive, after(func(k *lifecycleKit) *engine.Tx { return k.tx().In(nil) })},
		{"family dropped", alive, after((*lifecycleKit).tx, familyDropped)},
		{"committed", dead, after((*lifecycleKit).tx, txEnded((*engine.Tx).Commit))},
		{"rolled back", dead, after((*lifecycleKit).tx, txEnded((*engine.Tx).Rollback))},
		{"rolled back twice", dead, after((*lifecycleKit).tx, txEnded((*engine.Tx).Rollback), txEnded((*engine.Tx).Rollback))},
		{"rolled back, parent closed", dead, after((*lifecycleKit).tx, txEnded((*engine.Tx).Rollback), parentClosed)},
		{"prepared, parent closed", dead, after((*lifecycleKit).tx, txEnded(func(tx *engine.Tx) error { return tx.Prepare("name") }), parentClosed)},
		{"parent closed", dead, after((*lifecycleKit).tx, parentClosed)},
		{"parent closed, rolled back", dead, after((*lifecycleKit).tx, parentClosed, txEnded((*engine.Tx).Rollback))},
		{"family dropped, parent closed", dead, after((*lifecycleKit).tx, familyDropped, parentClosed)},
		{"failed", dead, after(func(k *lifecycleKit) *engine.Tx {
			tx, err := k.db.Begin(context.Background(), nil)
			if err == nil {
				panic("the kit: a transaction without Options.Transactions")
			}
			return tx
		})},
	},
}

var txCalls = merged(readCalls[*engine.Tx](), map[string]call[*engine.Tx]{
	"MultiGetFamilies": multiGetFamiliesCall[*engine.Tx],

	"Put":    func(tx *engine.Tx, _ *lifecycleKit) error { return tx.Put([]byte("x"), nil) },
	"Delete": func(tx *engine.Tx, _ *lifecycleKit) error { return tx.Delete([]byte("x")) },
	"Merge":  func(tx *engine.Tx, _ *lifecycleKit) error { return tx.Merge([]byte("x"), []byte("8 bytes.")) },
	"GetForUpdate": func(tx *engine.Tx, _ *lifecycleKit) error {
		v, err := tx.GetForUpdate(kitKeys[0], nil)
		return want(err, bytes.Equal(v, kitValue(kitKeys[0])), v)
	},
	"GetForShare": func(tx *engine.Tx, _ *lifecycleKit) error {
		v, err := tx.GetForShare(kitKeys[1], nil)
		return want(err, bytes.Equal(v, kitValue(kitKeys[1])), v)
	},
	"MultiGetForUpdate": func(tx *engine.Tx, _ *lifecycleKit) error {
		values, err := tx.MultiGetForUpdate(kitKeys, nil)
		return want(err, len(values) == 3 && bytes.Equal(values[0].Data, kitValue(kitKeys[0])), values)
	},
	"Savepoint": func(tx *engine.Tx, _ *lifecycleKit) error { return tx.Savepoint() },
	"RollbackToSavepoint": func(tx *engine.Tx, _ *lifecycleKit) error {
		before := tx.Count()
		tx.Savepoint()
		tx.Put([]byte("x"), nil)
		err := tx.RollbackToSavepoint()
		return want(err, tx.Count() == before, tx.Count())
	},
	"ReleaseSavepoint": func(tx *engine.Tx, _ *lifecycleKit) error {
		tx.Savepoint()
		return tx.ReleaseSavepoint()
	},
	"In": func(tx *engine.Tx, k *lifecycleKit) error {
		value, err := tx.In(k.g).Get(kitKeys[2], nil)
		return want(err, bytes.Equal(value, kitValue(kitKeys[2])), value)
	},
	"Append": func(tx *engine.Tx, k *lifecycleKit) error {
		before, b := tx.Count(), new(engine.Batch)
		must(b.In(k.g).Put([]byte("x"), nil))
		err := tx.Append(b)
		return want(err, tx.Count() == before+1, tx.Count())
	},
	"LogData": func(tx *engine.Tx, _ *lifecycleKit) error { return tx.LogData([]byte("x")) },
	"Repr": func(tx *engine.Tx, _ *lifecycleKit) error {
		b, err := engine.ParseBatch(tx.Repr())
		return want(err, b != nil && b.Count() == tx.Count(), b)
	},
	"Commit":   func(tx *engine.Tx, _ *lifecycleKit) error { return tx.Commit() },
	"Rollback": func(tx *engine.Tx, _ *lifecycleKit) error { return tx.Rollback() },
	"Prepare": func(tx *engine.Tx, _ *lifecycleKit) error {
		err := tx.Prepare("name")
		return want(err, tx.Name() == "name", tx.Name())
	},
	"Name": func(tx *engine.Tx, k *lifecycleKit) error {
		return want(nil, (tx.Name() == "name") == (k.state == "prepared, parent closed"), tx.Name())
	},
	"Count": func(tx *engine.Tx, k *lifecycleKit) error {
		return want(nil, (tx.Count() == 1) == (k.is == alive), tx.Count())
	},
	"Records": func(tx *engine.Tx, _ *lifecycleKit) error {
		n := 0
		for range tx.Records() {
			n++
		}
		return want(nil, n == tx.Count(), n)
	},
})

// dbTxCalls are the database's calls about transactions; the kit of its table has none.
var dbTxCalls = map[string]call[*engine.DB]{
	"Begin": func(d *engine.DB, _ *lifecycleKit) error {
		_, err := d.Begin(context.Background(), nil)
		return wantUnsupported(err)
	},
	"Update": func(d *engine.DB, _ *lifecycleKit) error {
		return wantUnsupported(d.Update(context.Background(), func(*engine.Tx) error { panic("called") }))
	},
	"UpdateWith": func(d *engine.DB, _ *lifecycleKit) error {
		return wantUnsupported(d.UpdateWith(context.Background(), nil, func(*engine.Tx) error { panic("called") }))
	},
	"PreparedTxs": func(d *engine.DB, _ *lifecycleKit) error {
		_, err := d.PreparedTxs()
		return wantUnsupported(err)
	},
}

func wantUnsupported(err error) error {
	switch {
	case err == nil:
		return errors.New("no error")
	case errors.Is(err, engine.ErrUnsupported):
		return nil
	}
	return err
}
