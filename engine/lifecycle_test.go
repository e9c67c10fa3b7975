package engine_test

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
)

// Every exported method of every handle is called in every state the handle can be in. That is done
// in a child process, since what the table guards against, a dead handle passed to C, ends a process
// by a signal. The child writes what each call answered, and the parent compares.

// The answers of a call, in a word. Anything else is the text of an error or of a panic.
const (
	answerOK      = "ok"
	answerClosed  = "closed"
	answerDropped = "dropped"
	answerPanic   = "panic: "
)

// condition sums up a state: what calls answer in it, unless the table says otherwise.
type condition int

const (
	alive   condition = iota // answerOK
	dead                     // answerClosed
	dropped                  // answerDropped
)

// state is one state of a handle of type T. make brings a kit, and n handles of it, into the state.
type state[T any] struct {
	name string
	is   condition
	make func(k *lifecycleKit, n int) []T
}

// call is one method applied to a handle. It returns the method's error, or one of its own if the
// method answered something that is wrong for the kit's state.
type call[T any] func(h T, k *lifecycleKit) error

// lifecycleTable holds the states and the calls of one type. Where the answer is not the one of the
// state's condition, want has it under "Method" or "Method/state".
type lifecycleTable[T any] struct {
	states []state[T]
	calls  map[string]call[T]
	want   map[string]string
	alone  bool // calls change the kit while it is alive: each needs its own
}

// anyTable is a lifecycleTable of whatever type.
type anyTable interface {
	stateNames() []string
	methods() []string
	handle() reflect.Type
	wants() map[string]string
	expected(state, method string) string
	play(dir, state string, methods []string)
	living(k *lifecycleKit) reflect.Value
}

var lifecycleTables = map[string]anyTable{
	"DB": dbTable, "ColumnFamily": familyTable, "Snapshot": snapshotTable, "Batch": batchTable,
	"Iterator": iteratorTable, "Chunk": chunkTable, "IndexedBatch": indexedTable, "MemoryBudget": budgetTable,
	"MemoryFiles": filesTable, "Secondary": secondaryTable, "SSTWriter": sstWriterTable, "Loader": loaderTable, "Tx": txTable,
	"Backups": backupsTable, "Updates": updatesTable, "AsOf": asOfTable, "BackgroundPause": pauseTable, "DiskBudget": diskTable,
	"Trace": traceTable,
}

func (l *lifecycleTable[T]) stateNames() []string {
	var names []string
	for _, s := range l.states {
		names = append(names, s.name)
	}
	return names
}

func (l *lifecycleTable[T]) methods() []string { return slices.Sorted(maps.Keys(l.calls)) }

func (l *lifecycleTable[T]) wants() map[string]string { return l.want }

func (l *lifecycleTable[T]) handle() reflect.Type { return reflect.TypeFor[T]() }

func (l *lifecycleTable[T]) state(name string) state[T] {
	return l.states[slices.IndexFunc(l.states, func(s state[T]) bool { return s.name == name })]
}

func (l *lifecycleTable[T]) expected(state, method string) string {
	for _, key := range []string{method + "/" + state, method} {
		if w, ok := l.want[key]; ok {
			return w
		}
	}
	return [...]string{answerOK, answerClosed, answerDropped}[l.state(state).is]
}

// living makes a handle that can be used.
func (l *lifecycleTable[T]) living(k *lifecycleKit) reflect.Value {
	i := slices.IndexFunc(l.states, func(s state[T]) bool { return s.is == alive && s.name != "nil" && s.name != "zero" })
	return reflect.ValueOf(l.states[i].make(k, 1)[0])
}

// play calls the methods one after the other and prints what it begins and what came of it.
func (l *lifecycleTable[T]) play(dir, name string, methods []string) {
	s := l.state(name)
	if !l.alone {
		k := newLifecycleKit(dir, s.is, s.name)
		defer k.clear()
		for i, h := range s.make(k, len(methods)) {
			report(methods[i], h, k, l.calls[methods[i]])
		}
		return
	}
	k := newLifecycleKit(dir, s.is, s.name)
	h := s.make(k, 1)[0]
	for i, m := range methods {
		if i > 0 && s.is == alive {
			k.clear()
			k = newLifecycleKit(dir, s.is, s.name)
			h = s.make(k, 1)[0]
		}
		report(m, h, k, l.calls[m])
	}
	k.clear()
}

func report[T any](method string, h T, k *lifecycleKit, c call[T]) {
	fmt.Printf("begin %s\n", method)
	answer := answerOf(func() error { return c(h, k) })
	fmt.Printf("end %s\n", strings.ReplaceAll(answer, "\n", " "))
}

func answerOf(f func() error) (answer string) {
	defer func() {
		if p := recover(); p != nil {
			answer = fmt.Sprint(answerPanic, p)
		}
	}()
	switch err := f(); {
	case err == nil:
		return answerOK
	case err == engine.ErrClosed: // itself, not wrapped
		return answerClosed
	case errors.Is(err, engine.ErrFamilyDropped):
		return answerDropped
	default:
		return err.Error()
	}
}

// lifecycleChild is the child's part: directory, type, state and methods are its arguments.
func lifecycleChild(args []string) {
	lifecycleTables[args[1]].play(args[0], args[2], args[3:])
}

// runCells has a child call the methods, and a further one those behind a method that ended it. The
// answer of such a method is how the child ended.
func runCells(t *testing.T, typ, state string, methods []string) map[string]string {
	t.Helper()
	answers := map[string]string{}
	for len(methods) > 0 {
		out, err := runChild(t, "lifecycle", append([]string{t.TempDir(), typ, state}, methods...)...)
		begun := ""
		for lines := bufio.NewScanner(strings.NewReader(out.stdout)); lines.Scan(); {
			word, rest, _ := strings.Cut(lines.Text(), " ")
			switch word {
			case "begin":
				begun = rest
			case "end":
				answers[begun], begun = rest, ""
				methods = methods[1:]
			}
		}
		switch {
		case begun != "":
			answers[begun] = fmt.Sprintf("the process died: %v\n%s", err, out.head())
			methods = methods[1:]
		case err != nil || len(methods) > 0:
			t.Fatalf("%s, %s: the child failed outside of a call: %v\n%s", typ, state, err, out.head())
		}
	}
	return answers
}

func TestEveryMethodInEveryStateOfItsHandle(t *testing.T) {
	cells := 0
	for _, typ := range slices.Sorted(maps.Keys(lifecycleTables)) {
		l := lifecycleTables[typ]
		for _, state := range l.stateNames() {
			cells += len(l.methods())
			t.Run(typ+"/"+state, func(t *testing.T) {
				t.Parallel()
				for m, got := range runCells(t, typ, state, l.methods()) {
					if want := l.expected(state, m); got != want && !matchesPanic(got, want) {
						t.Errorf("%s: %s, want %s", m, got, want)
					}
				}
			})
		}
	}
	t.Logf("%d cells", cells)
	if cells < 150 {
		t.Error("too few")
	}
}

// matchesPanic reports whether a panic was wanted and got holds its text.
func matchesPanic(got, want string) bool {
	text, ok := strings.CutPrefix(want, answerPanic)
	return ok && strings.HasPrefix(got, answerPanic) && strings.Contains(got, text)
}

// uncovered compares the exported methods of a type with the calls of a table.
func uncovered(typ reflect.Type, calls []string) (missing, unknown []string) {
	has := map[string]bool{}
	for i := range typ.NumMethod() {
		name := typ.Method(i).Name
		has[name] = true
		if !slices.Contains(calls, name) {
			missing = append(missing, name)
		}
	}
	for _, name := range calls {
		if !has[name] {
			unknown = append(unknown, name)
		}
	}
	return missing, unknown
}

func TestEveryExportedMethodHasItsRow(t *testing.T) {
	for typ, l := range lifecycleTables {
		missing, unknown := uncovered(l.handle(), l.methods())
		if len(missing)+len(unknown) > 0 {
			t.Errorf("%s: no row for methods %v, no method for rows %v", typ, missing, unknown)
		}
		for key := range l.wants() {
			m, s, _ := strings.Cut(key, "/")
			if !slices.Contains(l.methods(), m) || (s != "" && !slices.Contains(l.stateNames(), s)) {
				t.Errorf("%s: an answer is wanted for %s, which is not in the table", typ, key)
			}
		}
	}
	missing, unknown := uncovered(reflect.TypeFor[*os.File](), []string{"Close", "Open"})
	if !slices.Contains(missing, "Read") || slices.Contains(missing, "Close") || !slices.Equal(unknown, []string{"Open"}) {
		t.Errorf("control: missing %v, unknown %v", missing, unknown)
	}
}

// afterClose is what the guard prevents: a closed database handed to C.
func afterClose(dir string) {
	p, err := cbridge.NewPlan(dir, cbridge.DBOptions{})
	must(err)
	must(p.Family("default", cbridge.FamilyOptions{Compression: -1}, ""))
	db, err := p.Open()
	must(err)
	p.Free()
	db.Close()
	fmt.Println("begin")
	fmt.Println("end", db.LatestSequence())
}

func TestTheTableNoticesASignal(t *testing.T) {
	out, err := runChild(t, "use after Close", t.TempDir())
	if err == nil || out.stdout != "begin\n" {
		t.Errorf("a closed database was used and the child went on: %v\n%s%s", err, out.stdout, out.head())
	}
}
