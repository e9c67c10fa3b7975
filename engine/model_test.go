package engine_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var (
	modelOps  = flag.Int("model.ops", 12_000, "operations of the model test; a sixth with -short")
	modelSeed = flag.Uint64("model.seed", 0, "its seed; 0: a new one each time")
)

// model is a database and what it must hold. The model of a family is a map from key to value, a
// snapshot is a copy of it, an iterator a sorted slice and a position. Everything that the database
// answers is compared at once; the first difference ends the run.
type model struct {
	rnd      *rand.Rand
	dir      string
	db       *engine.DB
	families []*modelFamily // default first
	gone     []*engine.ColumnFamily
	snaps    []*modelSnapshot
	iters    []*modelIterator
	indexed  []*modelIndexed
	made     int // names given away

	recent []string // descriptions of the latest operations

	// plant changes the options of every iterator on their way to the database: the negative control
	// plants a bug here.
	plant func(*engine.IterOptions)
}

// note describes the operation under way, for the report of a difference.
func (m *model) note(format string, args ...any) {
	if len(m.recent) >= 30 {
		m.recent = slices.Delete(m.recent, 0, 1)
	}
	m.recent = append(m.recent, fmt.Sprintf(format, args...))
}

// operation is something that may be done to the database, and how often in relation to the others.
type operation struct {
	name   string
	weight int
	do     func(*model) error
}

var modelOperations = []operation{
	{"put", 200, (*model).put},
	{"delete", 60, (*model).delete},
	{"single delete", 40, (*model).singleDelete},
	{"delete range", 12, (*model).deleteRange},
	{"merge", 60, (*model).merge},
	{"refused write", 12, (*model).refusedWrite},
	{"write to a dropped family", 6, (*model).writeToGone},
	{"batch", 90, (*model).batch},
	{"get", 150, (*model).get},
	{"multi get", 60, (*model).multiGet},
	{"scan", 25, (*model).scan},
	{"count", 25, (*model).count},
	{"view", 8, (*model).view},
	{"open snapshot", 12, (*model).openSnapshot},
	{"close snapshot", 10, (*model).closeSnapshot},
	{"open iterator", 30, (*model).openIterator},
	{"open several iterators", 8, (*model).openIterators},
	{"move iterator", 400, (*model).moveIterator},
	{"close iterator", 25, (*model).closeIterator},
	{"open indexed batch", 12, (*model).openIndexed},
	{"stage in an indexed batch", 150, (*model).stage},
	{"commit indexed batch", 20, (*model).commitIndexed},
	{"close indexed batch", 8, (*model).closeIndexed},
	{"create family", 6, (*model).createFamily},
	{"drop family", 5, (*model).dropFamily},
	{"set options", 4, (*model).setOptions},
	{"flush", 5, (*model).flush},
	{"compact", 2, (*model).compact},
	{"checkpoint", 1, (*model).checkpoint},
	{"reopen", 3, (*model).reopen},
	{"reopen read only", 1, (*model).reopenReadOnly},
	{"compare all", 4, (*model).compareAll},
}

// runModel makes random operations on a database in dir. The error is the first difference.
func runModel(dir string, seed uint64, ops int, plant func(*engine.IterOptions)) (err error) {
	m := &model{rnd: rand.New(rand.NewPCG(seed, 1)), dir: dir, plant: plant}
	if err := m.open(); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, m.close())
		m.db.Close() // where a difference ended m.close early
	}()
	total := 0
	for _, o := range modelOperations {
		total += o.weight
	}
	for n := range ops {
		o := pickOperation(m.rnd.IntN(total))
		m.note("%d: %s", n, o.name)
		if err := o.do(m); err != nil {
			return fmt.Errorf("operation %d, %s: %w\nthe operations before:\n%s", n, o.name, err,
				strings.Join(m.recent, "\n"))
		}
	}
	return m.compareAll()
}

func pickOperation(n int) operation {
	for _, o := range modelOperations {
		if n -= o.weight; n < 0 {
			return o
		}
	}
	panic("n is beyond the sum of the weights")
}

func TestTheDatabaseDoesAsItsModel(t *testing.T) {
	ops := *modelOps
	if testing.Short() {
		ops /= 6
	}
	_, seed := seededRand(t, "model.seed", *modelSeed)
	dir := filepath.Join(t.TempDir(), "db")
	if err := runModel(dir, seed, ops, nil); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	if err := foreignAgrees(t, dir, true); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	t.Logf("%d operations", ops)
}

// An upper bound that is taken as included, of iterators only, is a difference that the model must
// see soon.
func TestTheModelNoticesABoundThatIsOffByOne(t *testing.T) {
	_, seed := seededRand(t, "model.seed", *modelSeed)
	included := func(o *engine.IterOptions) {
		if o.UpperBound != nil {
			o.UpperBound = append(slices.Clone(o.UpperBound), 0)
		}
	}
	err := runModel(filepath.Join(t.TempDir(), "db"), seed, 5000, included)
	if err == nil {
		t.Fatalf("seed %d: an upper bound that is off by one went unnoticed", seed)
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	t.Log(first)
}
