package engine_test

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// lifecycleKit is a database with two families, and rows in each, out of which states are made.
type lifecycleKit struct {
	dir   string
	is    condition // of the state that it is for
	state string
	db    *engine.DB
	def   *engine.ColumnFamily
	f     *engine.ColumnFamily // the one that gets dropped
	g     *engine.ColumnFamily
	other *engine.Batch // a batch with one record, in no family by name
}

// The rows of every family of the kit. Values are of 8 bytes, as Uint64Add wants them.
var kitKeys = [][]byte{[]byte("a"), []byte("b"), []byte("c")}

func kitValue(key []byte) []byte { return []byte("value: " + string(key)) }

// must stops the child: a kit that cannot be made is no answer of a call.
func must(err error) {
	if err != nil {
		panic("the kit: " + err.Error())
	}
}

// kitEvents is Options.Events of the kits.
func kitEvents() int {
	if engine.Supports(engine.EventListeners) {
		return 100
	}
	return 0
}

func newLifecycleKit(dir string, is condition, state string) *lifecycleKit {
	must(os.MkdirAll(dir, 0o700))
	adds := engine.FamilyOptions{MergeOperator: engine.Uint64Add}
	db, err := engine.Open(filepath.Join(dir, "db"), &engine.Options{
		FamilyOptions: adds, Families: map[string]engine.FamilyOptions{"f": adds, "g": adds}, Statistics: engine.UsualStatistics,
		Events: kitEvents(),
	})
	must(err)
	k := &lifecycleKit{dir: dir, is: is, state: state, db: db, other: db.NewBatch()}
	for name, c := range map[string]**engine.ColumnFamily{"default": &k.def, "f": &k.f, "g": &k.g} {
		*c, err = db.ColumnFamily(name)
		must(err)
		for _, key := range kitKeys {
			must((*c).Put(key, kitValue(key), nil))
		}
	}
	must(k.other.Put([]byte("d"), []byte("8 bytes.")))
	return k
}

// clear closes what the call left open and removes the files.
func (k *lifecycleKit) clear() {
	k.db.Close()
	must(os.RemoveAll(k.dir))
}

func (k *lifecycleKit) close() {
	var leak *engine.LeakError
	if err := k.db.Close(); err != nil && !errors.As(err, &leak) {
		must(err)
	}
}

func (k *lifecycleKit) drop() { must(k.db.DropColumnFamily(k.f)) }

func (k *lifecycleKit) snapshot() *engine.Snapshot {
	s, err := k.db.NewSnapshot()
	must(err)
	return s.In(k.f)
}

// iter is an iterator over family f that stands on row b.
func (k *lifecycleKit) iter(r engine.Reader) *iterator.Iterator {
	it, err := r.NewIter(nil)
	must(err)
	if !it.SeekGE(kitKeys[1]) {
		panic("the kit: no row")
	}
	return it
}

// chunk holds all the rows.
func (k *lifecycleKit) chunk() (*iterator.Chunk, *iterator.Iterator) {
	it, err := k.f.NewIter(nil)
	must(err)
	c := new(iterator.Chunk)
	if !it.NextChunk(c) || c.Len() != len(kitKeys) {
		panic("the kit: not all rows")
	}
	return c, it
}

// batch holds a record of family f and one of the default family.
func (k *lifecycleKit) batch() *engine.Batch {
	b := k.db.NewBatch()
	must(b.In(k.f).Put([]byte("a"), []byte("value: A")))
	must(b.Put([]byte("b"), []byte("value: B")))
	return b
}

// after makes a state: n handles, then the steps, which happen to the kit or to each handle.
func after[T any](handle func(*lifecycleKit) T, steps ...func(*lifecycleKit, []T)) func(*lifecycleKit, int) []T {
	return func(k *lifecycleKit, n int) []T {
		hs := make([]T, n)
		for i := range hs {
			hs[i] = handle(k)
		}
		for _, s := range steps {
			s(k, hs)
		}
		return hs
	}
}

// constant is a state of handles that belong to no database: nil or zero ones.
func constant[T any](h func() T) func(*lifecycleKit, int) []T {
	return after(func(*lifecycleKit) T { return h() })
}

func parentClosed[T any](k *lifecycleKit, _ []T)  { k.close() }
func familyDropped[T any](k *lifecycleKit, _ []T) { k.drop() }

// closed closes the handles themselves.
func closed[T interface{ Close() error }](_ *lifecycleKit, hs []T) {
	for _, h := range hs {
		must(h.Close())
	}
}

// always is what calls answer that are defined in every state.
func always(methods ...string) map[string]string {
	m := map[string]string{}
	for _, name := range methods {
		m[name] = answerOK
	}
	return m
}

var dbTable = &lifecycleTable[*engine.DB]{
	calls: dbCalls,
	alone: true,
	want: merged(always("Close", "NewBatch", "Path", "InMemory", "ColumnFamilies", "LatestSequence", "Recovery"),
		map[string]string{"DropColumnFamily/family dropped": answerDropped}),
	states: []state[*engine.DB]{
		{"nil", dead, constant(func() *engine.DB { return nil })},
		{"zero", dead, constant(func() *engine.DB { return new(engine.DB) })},
		{"open", alive, after(liveDB)},
		{"family dropped", alive, after(liveDB, familyDropped)},
		{"closed", dead, after(liveDB, closed)},
		{"closed twice", dead, after(liveDB, closed, closed)},
		{"closed with children left open", dead, after(liveDB, leaveChildren, parentClosed)},
		{"failed open", dead, after(failedOpen)},
	},
}

func liveDB(k *lifecycleKit) *engine.DB { return k.db }

func leaveChildren(k *lifecycleKit, _ []*engine.DB) {
	k.iter(k.f)
	k.iter(k.snapshot())
	k.iter(k.indexed())
}

// failedOpen is what Open returns beside an error.
func failedOpen(k *lifecycleKit) *engine.DB {
	file := filepath.Join(k.dir, "file")
	must(os.WriteFile(file, nil, 0o600))
	db, err := engine.Open(file, nil)
	if err == nil {
		panic("the kit: a file was opened as a database")
	}
	return db
}

var familyTable = &lifecycleTable[*engine.ColumnFamily]{
	calls: familyCalls,
	want:  always("Name", "ID"),
	states: []state[*engine.ColumnFamily]{
		{"nil", dead, constant(func() *engine.ColumnFamily { return nil })},
		{"zero", dead, constant(func() *engine.ColumnFamily { return new(engine.ColumnFamily) })},
		{"open", alive, after(liveFamily)},
		{"default", alive, after(func(k *lifecycleKit) *engine.ColumnFamily { return k.def })},
		{"dropped", dropped, after(liveFamily, familyDropped)},
		{"dropped, parent closed", dead, after(liveFamily, familyDropped, parentClosed)},
		{"parent closed", dead, after(liveFamily, parentClosed)},
		{"parent closed twice", dead, after(liveFamily, parentClosed, parentClosed)},
		{"failed create", dead, after(func(k *lifecycleKit) *engine.ColumnFamily {
			c, err := k.db.CreateColumnFamily("f", nil)
			if err == nil {
				panic("the kit: f exists twice")
			}
			return c
		})},
	},
}

func liveFamily(k *lifecycleKit) *engine.ColumnFamily { return k.f }

var snapshotTable = &lifecycleTable[*engine.Snapshot]{
	calls: snapshotCalls,
	want: merged(always("Close"), map[string]string{
		"In/family nil": answerOK, "In/family dropped": answerOK,
		"MultiGetFamilies/family nil": answerOK, "MultiGetFamilies/family dropped": answerOK,
	}),
	states: []state[*engine.Snapshot]{
		{"nil", dead, constant(func() *engine.Snapshot { return nil })},
		{"zero", dead, constant(func() *engine.Snapshot { return new(engine.Snapshot) })},
		{"open", alive, after((*lifecycleKit).snapshot)},
		{"family nil", dead, after(func(k *lifecycleKit) *engine.Snapshot { return k.snapshot().In(nil) })},
		{"family dropped", dropped, after((*lifecycleKit).snapshot, familyDropped)},
		{"closed", dead, after((*lifecycleKit).snapshot, closed)},
		{"closed twice", dead, after((*lifecycleKit).snapshot, closed, closed)},
		{"parent closed", dead, after((*lifecycleKit).snapshot, parentClosed)},
		{"parent closed, closed", dead, after((*lifecycleKit).snapshot, parentClosed, closed)},
		{"closed, parent closed", dead, after((*lifecycleKit).snapshot, closed, parentClosed)},
		{"failed", dead, after(func(k *lifecycleKit) *engine.Snapshot {
			k.close()
			s, _ := k.db.NewSnapshot()
			return s
		})},
	},
}

var batchTable = &lifecycleTable[*engine.Batch]{
	calls: batchCalls,
	want:  always("Size", "Count", "Repr", "Records", "Reset"),
	states: []state[*engine.Batch]{
		{"nil", dead, constant(func() *engine.Batch { return nil })},
		{"zero", alive, constant(func() *engine.Batch { return new(engine.Batch) })},
		{"open", alive, after((*lifecycleKit).batch)},
		{"family dropped", alive, after((*lifecycleKit).batch, familyDropped)},
		{"parent closed", alive, after((*lifecycleKit).batch, parentClosed)},
		{"failed parse", dead, after(func(*lifecycleKit) *engine.Batch {
			b, err := engine.ParseBatch([]byte("no batch"))
			if err == nil {
				panic("the kit: nonsense was parsed")
			}
			return b
		})},
	},
}

var iteratorTable = &lifecycleTable[*iterator.Iterator]{
	calls: iteratorCalls,
	want: merged(always("Close", "Error", "Valid", "Key", "Value", "AppendKey", "AppendValue", "KeyLen",
		"ValueLen", "Timestamp", "Columns", "HasPrefix", "EqualKey", "CompareKey"),
		map[string]string{"Error/nil": answerClosed, "Error/failed": answerClosed, "Refresh/batch closed": answerClosed}),
	states: []state[*iterator.Iterator]{
		{"nil", dead, constant(func() *iterator.Iterator { return nil })},
		{"zero", dead, constant(func() *iterator.Iterator { return new(iterator.Iterator) })},
		{"open", alive, after(liveIter)},
		{"family dropped", alive, after(liveIter, familyDropped)},
		{"snapshot closed", alive, after(func(k *lifecycleKit) *iterator.Iterator {
			s := k.snapshot()
			defer s.Close()
			return k.iter(s)
		})},
		{"over a batch", alive, after(func(k *lifecycleKit) *iterator.Iterator { return k.iter(k.indexed()) })},
		{"batch closed", alive, after(func(k *lifecycleKit) *iterator.Iterator {
			b := k.indexed()
			defer b.Close()
			return k.iter(b)
		})},
		{"batch closed, parent closed", dead, after(func(k *lifecycleKit) *iterator.Iterator {
			b := k.indexed()
			defer b.Close()
			return k.iter(b)
		}, parentClosed)},
		{"closed", dead, after(liveIter, closed)},
		{"closed twice", dead, after(liveIter, closed, closed)},
		{"parent closed", dead, after(liveIter, parentClosed)},
		{"parent closed, closed", dead, after(liveIter, parentClosed, closed)},
		{"closed, parent closed", dead, after(liveIter, closed, parentClosed)},
		{"family dropped, parent closed", dead, after(liveIter, familyDropped, parentClosed)},
		{"failed", dead, after(func(k *lifecycleKit) *iterator.Iterator {
			k.close()
			it, _ := k.f.NewIter(nil)
			return it
		})},
	},
}

func liveIter(k *lifecycleKit) *iterator.Iterator { return k.iter(k.f) }

var chunkTable = &lifecycleTable[*iterator.Chunk]{
	calls: chunkCalls,
	want: map[string]string{
		"Key/zero": answerPanic + "out of range", "Value/zero": answerPanic + "out of range", "ValueLen/zero": answerPanic + "out of range",
		"Timestamp/zero": answerPanic + "out of range", "Timestamp/nil": answerPanic + "out of range",
		"Key/nil": answerPanic + "out of range", "Value/nil": answerPanic + "out of range", "ValueLen/nil": answerPanic + "out of range",
	},
	states: []state[*iterator.Chunk]{
		{"nil", alive, constant(func() *iterator.Chunk { return nil })},
		{"zero", alive, constant(func() *iterator.Chunk { return new(iterator.Chunk) })},
		{"filled", alive, after(func(k *lifecycleKit) *iterator.Chunk {
			c, it := k.chunk()
			defer it.Close()
			return c
		})},
		{"iterator open", alive, after(liveChunk)},
		{"family dropped", alive, after(liveChunk, familyDropped)},
		{"parent closed", alive, after(liveChunk, parentClosed)},
	},
}

func liveChunk(k *lifecycleKit) *iterator.Chunk {
	c, _ := k.chunk()
	return c
}
