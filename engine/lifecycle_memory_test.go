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

var filesTable = &lifecycleTable[*engine.MemoryFiles]{
	calls: map[string]call[*engine.MemoryFiles]{
		"Close":   func(m *engine.MemoryFiles, _ *lifecycleKit) error { return m.Close() },
		"Destroy": func(m *engine.MemoryFiles, _ *lifecycleKit) error { return m.Destroy("db") },
		"Databases": func(m *engine.MemoryFiles, k *lifecycleKit) error {
			return want(nil, (len(m.Databases()) > 0) == (k.is == alive), m.Databases())
		},
	},
	alone: true,
	want:  always("Close", "Databases"),
	states: []state[*engine.MemoryFiles]{
		{"nil", dead, constant(func() *engine.MemoryFiles { return nil })},
		{"zero", dead, constant(func() *engine.MemoryFiles { return new(engine.MemoryFiles) })},
		{"open", alive, after(filesWithDatabase)},
		{"closed", dead, after(filesWithDatabase, closed)},
		{"closed twice", dead, after(filesWithDatabase, closed, closed)},
		{"closed in use", dead, after(filesWithDatabase, useFiles, closed)},
		{"closed, database closed", dead, after(filesWithDatabase, useFiles, closed, parentClosed)},
	},
}

func filesWithDatabase(*lifecycleKit) *engine.MemoryFiles {
	m, err := engine.NewMemoryFiles()
	must(err)
	db, err := engine.Open("db", &engine.Options{InMemory: m})
	must(err)
	must(db.Close())
	return m
}

// useFiles opens the database in place of the kit's.
func useFiles(k *lifecycleKit, ms []*engine.MemoryFiles) {
	k.close()
	db, err := engine.Open("db", &engine.Options{InMemory: ms[0]})
	must(err)
	k.db = db
}
