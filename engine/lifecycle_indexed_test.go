package engine_test

import (
	"bytes"

	"github.com/rockbridge-db/rockbridge/engine"
)

// indexed is an indexed batch aimed at family f, whose row a is in the batch only.
func (k *lifecycleKit) indexed() *engine.IndexedBatch {
	b, err := k.db.NewIndexedBatch()
	must(err)
	b = b.In(k.f)
	must(k.f.Delete(kitKeys[0], nil))
	must(b.Put(kitKeys[0], kitValue(kitKeys[0])))
	if there, err := b.Has(kitKeys[0], nil); err != nil || !there {
		panic("the kit: the batch does not show its own record")
	}
	return b
}

var indexedTable = &lifecycleTable[*engine.IndexedBatch]{
	calls: indexedCalls,
	want: merged(always("Close", "Size", "Count", "Repr", "Records", "Reset"), map[string]string{
		"In/family nil": answerOK, "LogData/family nil": answerOK, "SetSavepoint/family nil": answerOK,
		"RollbackToSavepoint/family nil": answerOK, "Append/family nil": answerOK, "Commit/family nil": answerOK,

		"MultiGetFamilies/family nil": answerOK, "MultiGetFamilies/family dropped": answerOK,

		"In/family dropped": answerOK, "LogData/family dropped": answerOK, "SetSavepoint/family dropped": answerOK,
		"RollbackToSavepoint/family dropped": answerOK, "Append/family dropped": answerOK,
		"Put/family dropped": answerOK, "Delete/family dropped": answerOK, "SingleDelete/family dropped": answerOK,
		"DeleteRange/family dropped": answerOK, "Merge/family dropped": answerOK,
	}),
	states: []state[*engine.IndexedBatch]{
		{"nil", dead, constant(func() *engine.IndexedBatch { return nil })},
		{"zero", dead, constant(func() *engine.IndexedBatch { return new(engine.IndexedBatch) })},
		{"open", alive, after((*lifecycleKit).indexed)},
		{"committed", alive, after((*lifecycleKit).indexed, committed)},
		{"reset", alive, after((*lifecycleKit).indexed, committed, emptied)},
		{"family nil", dead, after(func(k *lifecycleKit) *engine.IndexedBatch { return k.indexed().In(nil) })},
		{"family dropped", dropped, after((*lifecycleKit).indexed, familyDropped)},
		{"closed", dead, after((*lifecycleKit).indexed, closed)},
		{"closed twice", dead, after((*lifecycleKit).indexed, closed, closed)},
		{"closed, reset", dead, after((*lifecycleKit).indexed, closed, emptied)},
		{"parent closed", dead, after((*lifecycleKit).indexed, parentClosed)},
		{"parent closed, closed", dead, after((*lifecycleKit).indexed, parentClosed, closed)},
		{"parent closed, reset", dead, after((*lifecycleKit).indexed, parentClosed, emptied)},
		{"closed, parent closed", dead, after((*lifecycleKit).indexed, closed, parentClosed)},
		{"family dropped, parent closed", dead, after((*lifecycleKit).indexed, familyDropped, parentClosed)},
		{"failed", dead, after(func(k *lifecycleKit) *engine.IndexedBatch {
			k.close()
			b, _ := k.db.NewIndexedBatch()
			return b
		})},
	},
}

func committed(_ *lifecycleKit, bs []*engine.IndexedBatch) {
	for _, b := range bs {
		must(b.Commit(nil))
	}
}

func emptied(_ *lifecycleKit, bs []*engine.IndexedBatch) {
	for _, b := range bs {
		b.Reset()
	}
}

var indexedCalls = merged(readCalls[*engine.IndexedBatch](), map[string]call[*engine.IndexedBatch]{
	"Put":          func(b *engine.IndexedBatch, _ *lifecycleKit) error { return b.Put([]byte("x"), nil) },
	"Delete":       func(b *engine.IndexedBatch, _ *lifecycleKit) error { return b.Delete([]byte("x")) },
	"SingleDelete": func(b *engine.IndexedBatch, _ *lifecycleKit) error { return b.SingleDelete([]byte("x")) },
	"DeleteRange": func(b *engine.IndexedBatch, _ *lifecycleKit) error {
		return b.DeleteRange([]byte("x"), []byte("y"))
	},
	"Merge":        func(b *engine.IndexedBatch, _ *lifecycleKit) error { return b.Merge([]byte("x"), []byte("8 bytes.")) },
	"LogData":      func(b *engine.IndexedBatch, _ *lifecycleKit) error { return b.LogData([]byte("x")) },
	"SetSavepoint": func(b *engine.IndexedBatch, _ *lifecycleKit) error { return b.SetSavepoint() },
	"RollbackToSavepoint": func(b *engine.IndexedBatch, _ *lifecycleKit) error {
		before := b.Count()
		b.SetSavepoint()
		b.Put([]byte("x"), nil)
		err := b.RollbackToSavepoint()
		return want(err, b.Count() == before, b.Count())
	},
	"Append": func(b *engine.IndexedBatch, k *lifecycleKit) error { return b.Append(k.other) },
	"In": func(b *engine.IndexedBatch, k *lifecycleKit) error {
		value, err := b.In(k.g).Get(kitKeys[2], nil)
		return want(err, bytes.Equal(value, kitValue(kitKeys[2])), value)
	},
	"MultiGetFamilies": multiGetFamiliesCall[*engine.IndexedBatch],
	"Commit":           func(b *engine.IndexedBatch, _ *lifecycleKit) error { return b.Commit(nil) },
	"Close":            func(b *engine.IndexedBatch, _ *lifecycleKit) error { return b.Close() },
	"Size": func(b *engine.IndexedBatch, _ *lifecycleKit) error {
		return want(nil, b.Size() == len(b.Repr()), b.Size())
	},
	"Count": func(b *engine.IndexedBatch, k *lifecycleKit) error {
		filled := k.is != dead && k.state != "reset" || k.state == "family nil"
		return want(nil, (b.Count() == 1) == filled, b.Count())
	},
	"Repr": func(b *engine.IndexedBatch, _ *lifecycleKit) error {
		_, err := engine.ParseBatch(b.Repr())
		return err
	},
	"Records": func(b *engine.IndexedBatch, _ *lifecycleKit) error {
		n := 0
		for range b.Records() {
			n++
		}
		return want(nil, n == b.Count(), n)
	},
	"Reset": func(b *engine.IndexedBatch, _ *lifecycleKit) error {
		b.Reset()
		return want(nil, b.Count() == 0, b.Count())
	},
})
