package engine_test

import (
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

var budgetCalls = map[string]call[*engine.MemoryBudget]{
	"Close":       func(m *engine.MemoryBudget, _ *lifecycleKit) error { return m.Close() },
	"SetCapacity": func(m *engine.MemoryBudget, _ *lifecycleKit) error { return m.SetCapacity(16 << 20) },
	"Usage": func(m *engine.MemoryBudget, k *lifecycleKit) error {
		return want(nil, (m.Usage().Capacity > 0) == (k.is == alive), m.Usage())
	},
}

var budgetTable = &lifecycleTable[*engine.MemoryBudget]{
	calls: budgetCalls,
	alone: true,
	want:  always("Close", "Usage"),
	states: []state[*engine.MemoryBudget]{
		{"nil", dead, constant(func() *engine.MemoryBudget { return nil })},
		{"zero", dead, constant(func() *engine.MemoryBudget { return new(engine.MemoryBudget) })},
		{"open", alive, after(budget)},
		{"in use", alive, after(budget, useBudget)},
		{"database closed", alive, after(budget, useBudget, parentClosed)},
		{"closed", dead, after(budget, closed)},
		{"closed twice", dead, after(budget, closed, closed)},
		{"closed in use", dead, after(budget, useBudget, closed)},
		{"closed, database closed", dead, after(budget, useBudget, closed, parentClosed)},
		{"failed", dead, after(func(*lifecycleKit) *engine.MemoryBudget {
			m, err := engine.NewMemoryBudget(1)
			if err == nil {
				panic("the kit: a budget of one byte was made")
			}
			return m
		})},
	},
}

func budget(*lifecycleKit) *engine.MemoryBudget {
	m, err := engine.NewMemoryBudget(8 << 20)
	must(err)
	return m
}

// useBudget puts a database into the budget, in place of the kit's.
func useBudget(k *lifecycleKit, ms []*engine.MemoryBudget) {
	k.close()
	db, err := engine.Open(filepath.Join(k.dir, "in budget"), &engine.Options{Memory: ms[0]})
	must(err)
	must(db.Put([]byte("k"), []byte("v"), nil))
	k.db = db
}
