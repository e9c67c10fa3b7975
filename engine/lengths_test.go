//go:build !race && !asan && !msan

package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/vast"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// Every exported call that takes bytes, a text, a number or options that have them is given lengths and
// numbers that 32 bits do not hold, or only just. The bytes are address space without memory: whoever copies
// them, or looks at all of them, is noticed by a limit on the memory of the process, which therefore is a child. Not with
// sanitizers, which take memory for themselves.

// hardLengths are such lengths. Cut to 32 bits, the last ones are those of keys that there are.
var hardLengths = []uint64{1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1<<32 + 2}

// lengthPlace is where in the arguments of a call a length goes: an argument, and fields and elements within it.
type lengthPlace struct {
	arg   int
	path  []string
	bytes bool // else it is a number
}

func (p lengthPlace) String() string {
	return fmt.Sprint("argument ", p.arg, " ", strings.Join(p.path, "."))
}

// lengthPlaces finds them in an argument's type.
func lengthPlaces(t reflect.Type, arg int, path ...string) (all []lengthPlace) {
	switch t.Kind() {
	case reflect.String:
		return []lengthPlace{{arg, slices.Clone(path), true}}
	case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64:
		if t.PkgPath() == "" { // else one of a few named values, or a time
			return []lengthPlace{{arg, slices.Clone(path), false}}
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return []lengthPlace{{arg, slices.Clone(path), true}}
		}
		return lengthPlaces(t.Elem(), arg, append(path, "0")...)
	case reflect.Map:
		return lengthPlaces(t.Elem(), arg, append(path, "f")...)
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Struct && strings.HasSuffix(t.Elem().Name(), "Options") {
			return lengthPlaces(t.Elem(), arg, path...)
		}
	case reflect.Struct:
		if !strings.HasSuffix(t.PkgPath(), "/engine") {
			return nil
		}
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				all = append(all, lengthPlaces(f.Type, arg, append(path, f.Name)...)...)
			}
		}
	}
	return all
}

// put puts a length at the path within v, which is a small argument; false if it does not fit there.
func (p lengthPlace) put(v reflect.Value, path []string, space []byte, n uint64, k *lifecycleKit) (fits bool) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if len(path) > 0 {
		switch v.Kind() {
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			if key, ok := v.Index(0).Addr().Interface().(*engine.FamilyKey); ok {
				key.Family = k.g
			}
			return p.put(v.Index(0), path[1:], space, n, k)
		case reflect.Map:
			e := reflect.New(v.Type().Elem()).Elem()
			fits = p.put(e, path[1:], space, n, k)
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(reflect.ValueOf(path[0]), e)
			return fits
		default:
			return p.put(v.FieldByName(path[0]), path[1:], space, n, k)
		}
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(vast.Text(space[:n]))
	case p.bytes:
		v.SetBytes(space[:n:n])
	case v.CanInt():
		v.SetInt(int64(n))
	case v.OverflowUint(n):
		return false
	default:
		v.SetUint(n)
	}
	return true
}

// smallArgument is one that does no harm.
func smallArgument(t reflect.Type, k *lifecycleKit) reflect.Value {
	v := reflect.New(t).Elem()
	switch t {
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(context.Background())
	case reflect.TypeFor[engine.Reader](), reflect.TypeFor[*engine.ColumnFamily]():
		return reflect.ValueOf(k.g)
	case reflect.TypeFor[io.Writer]():
		return reflect.ValueOf(io.Discard)
	case reflect.TypeFor[io.Reader]():
		var stream bytes.Buffer
		_, err := engine.Export(context.Background(), k.g, nil, &stream, nil)
		must(err)
		return reflect.ValueOf(&stream)
	case reflect.TypeFor[*engine.DB]():
		return reflect.ValueOf(k.db)
	case reflect.TypeFor[[]*engine.ColumnFamily]():
		return reflect.ValueOf([]*engine.ColumnFamily{k.g})
	case reflect.TypeFor[*engine.Trace]():
		return reflect.ValueOf(kitTrace())
	case reflect.TypeFor[*engine.Batch]():
		return reflect.ValueOf(k.other)
	}
	switch t.Kind() {
	case reflect.Func:
		return reflect.MakeFunc(t, func([]reflect.Value) (zeros []reflect.Value) {
			for i := range t.NumOut() {
				zeros = append(zeros, reflect.Zero(t.Out(i)))
			}
			return zeros
		})
	case reflect.String:
		v.SetString(filepath.Join(k.dir, "small"))
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte("8 bytes."))
		}
	}
	return v
}

// outcome makes a call, uses up what it gave, and tells its error.
func outcome(f reflect.Value, args []reflect.Value, k *lifecycleKit) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if err = fmt.Errorf("panic: %v", p); strings.Contains(err.Error(), "out of range with") {
				err = errOutOfRange
			}
		}
	}()
	call := f.Call
	if f.Type().IsVariadic() {
		call = f.CallSlice
	}
	for _, r := range call(args) {
		switch r := r.Interface().(type) {
		case error:
			err = errors.Join(err, r)
		case func() error:
			err = errors.Join(err, r())
		case iter.Seq2[[]byte, []byte]:
			for range r {
			}
		case iter.Seq[engine.PrefixStat]:
			for range r {
			}
		case iter.Seq[engine.RowVersion]:
			for range r {
			}
		case *engine.Predicate:
			it, e := k.g.NewIter(&engine.IterOptions{Filter: r})
			err = errors.Join(err, e, it.Close())
		case engine.PrefixRule:
			_, done := engine.PrefixStats(context.Background(), k.g, nil, r)
			err = errors.Join(err, done())
		case *iterator.Iterator:
			if r != nil {
				err = errors.Join(err, allRows(r), r.Close())
			}
		case []engine.Value:
			for _, v := range r {
				err = errors.Join(err, v.Err)
			}
		case []*iterator.Iterator:
			for _, it := range r {
				err = errors.Join(err, allRows(it), it.Close())
			}
		case interface{ Close() error }:
			if !reflect.ValueOf(r).IsNil() {
				err = errors.Join(err, r.Close())
			}
		}
	}
	return err
}

// lengthRows are what the families hold while lengths are tried: the keys are what hard lengths become when they are cut.
var lengthRows = [][]byte{{}, {0}, {0, 0}, kitKeys[0], kitKeys[1], kitKeys[2]}

// allRows tells whether the rows are those of lengthRows, whole.
func allRows(it *iterator.Iterator) error {
	i := 0
	for key, value := range it.All() {
		if i >= len(lengthRows) || !bytes.Equal(key, lengthRows[i]) || !bytes.Equal(value, kitValue(lengthRows[i])) {
			return fmt.Errorf("wrong: row %d is %.20q, %.20q", i, key, value)
		}
		i++
	}
	if it.Error() == nil && i != len(lengthRows) {
		return fmt.Errorf("wrong: there are %d rows", i)
	}
	return it.Error()
}

// lengthHandles are values with methods that have no life of their own.
var lengthHandles = map[string]func(k *lifecycleKit) any{
	"Writer": func(k *lifecycleKit) any { return k.g.Writer(nil) },
	"Part":   func(*lifecycleKit) any { return engine.RowValue },
	"AsOf":   func(k *lifecycleKit) any { return k.asOf() },
	"IndexedBatch": func(k *lifecycleKit) any {
		b, err := k.db.NewIndexedBatch()
		must(err)
		return b
	},
	"Chunk": func(k *lifecycleKit) any {
		it, err := k.g.NewIter(nil)
		must(err)
		defer it.Close()
		c := new(iterator.Chunk)
		it.NextChunk(c)
		return c
	},
}

// lengthFunctions are the exported functions of engine that take a length.
var lengthFunctions = map[string]any{
	"BulkLoad": engine.BulkLoad, "CheckExport": engine.CheckExport, "Checksum": engine.Checksum, "CopyRange": engine.CopyRange,
	"Count":       engine.Count,
	"DeleteWhere": engine.DeleteWhere, "Destroy": engine.Destroy, "ExactSplits": engine.ExactSplits, "Export": engine.Export,
	"FirstKey": engine.FirstKey, "LastKey": engine.LastKey, "ListColumnFamilies": engine.ListColumnFamilies,
	"NewItersWith": engine.NewItersWith, "NewMemoryBudget": engine.NewMemoryBudget, "NewSSTWriter": engine.NewSSTWriter,
	"Open": engine.Open, "OpenAndCompact": engine.OpenAndCompact, "OpenBackups": engine.OpenBackups, "OpenSecondary": engine.OpenSecondary,
	"OpenTrace": engine.OpenTrace, "ParseBatch": engine.ParseBatch,
	"PrefixBytes": engine.PrefixBytes, "PrefixStats": engine.PrefixStats, "Repair": engine.Repair, "Scan": engine.Scan,
	"ScanParallel": engine.ScanParallel, "SizesOf": engine.SizesOf, "TrimHistory": engine.TrimHistory,
}

// lengthsTakenByGo make or look at a value of the caller's in Go only, at whatever length it has.
var lengthsTakenByGo = []string{
	"AppendDelimited", "BoundedList", "DecodeColumns", "DecodeInt64", "DecodeList", "DecodeSet", "EncodeInt64", "EncodeList", "EncodeSet", "Expired",
	"PrefixDrop", "PrefixUpTo", "SplitTTL", "SplitTimestamp", "TablesFrom", "TablesUpTo", "WithTTL",
}

// lengthsThatAreFine are calls that rightly take bytes, however many, without an error: they only compare.
var lengthsThatAreFine = []string{"Iterator.CompareKey", "Iterator.EqualKey", "Iterator.HasPrefix"}

// lengthsNotTried are left out, with the reason.
var lengthsNotTried = map[string]string{
	"GetAppend argument 0":            "what is appended to is copied, by Go",
	"Iterator.AppendKey argument 0":   "the same",
	"Iterator.AppendValue argument 0": "the same",
	"Iterator.Export argument 2":      "not for users",
	"AsOf.NewIter argument 0 ":        "a family's has the same options, and the rows that are compared, of which one has an empty key",
	"DeleteWhere argument 2 Limit":    "it deletes that many rows, as it is told",
	"DeleteWhere argument 2 ":         "and here all",
	"OpenSecondary argument 1":        "Open has the same options",
	"OpenAndCompact argument 4":       "and here too",
	"Repair argument 1":               "and here too",
	"TrimHistory argument 2":          "and here too",
}

// isNotTried looks the place of a call up, by its name with or without the handle's.
func isNotTried(cell string) bool {
	_, call, _ := strings.Cut(cell, ".")
	for left := range lengthsNotTried {
		if strings.HasPrefix(cell, left) || strings.HasPrefix(call, left) && !strings.Contains(left, ".") {
			return !(strings.HasPrefix(cell, "DeleteWhere") && strings.HasSuffix(cell, "Bound"))
		}
	}
	return false
}

// lengthsOf are the lengths that are tried at a place. Values may be longer than keys, and are copied up to their limit.
func lengthsOf(cell string, p lengthPlace, all bool) []uint64 {
	call, _, _ := strings.Cut(cell, " ")
	_, method, _ := strings.Cut(call, ".")
	value := (method == "Put" || method == "Merge" || method == "Add") && p.arg == 1 || method == "PutAt" && p.arg == 2 || method == "LogData"
	switch {
	case call == "ParseBatch" && all: // shorter ones are batches, and would be read
		return hardLengths[3:]
	case value && all:
		return hardLengths[2:]
	case value || call == "ParseBatch" || !p.bytes:
		return hardLengths[4:5]
	case !all:
		return []uint64{hardLengths[1], hardLengths[4]}
	}
	return hardLengths
}

// tryLengths gives each hard length to each place of a function and reports what is wrong.
func tryLengths(name string, function func() (f, handle reflect.Value), k *lifecycleKit, space []byte, all bool, wrong func(string)) (tried int) {
	f, _ := function()
	t := f.Type()
	var places []lengthPlace
	for i := range t.NumIn() {
		places = append(places, lengthPlaces(t.In(i), i)...)
	}
	for i, p := range places {
		if len(p.path) > 0 && len(places) > 20 && !all && (i+os.Getpid())%8 > 0 {
			continue // of the many options of Open, of which each is an opening, some
		}
		cell := name + " " + strings.TrimSpace(p.String())
		if isNotTried(cell) {
			continue
		}
		for _, n := range lengthsOf(cell, p, all) {
			args := make([]reflect.Value, t.NumIn())
			for i := range args {
				args[i] = reflect.New(t.In(i)).Elem()
				args[i].Set(smallArgument(t.In(i), k))
			}
			if !p.put(args[p.arg], p.path, space, n, k) {
				continue
			}
			fmt.Printf("begin %s %d\n", cell, n)
			f, handle := function()
			err := outcome(f, args, k)
			if told, ok := handle.Interface().(interface{ Error() error }); ok && err == nil {
				err = told.Error()
			}
			if text := misjudged(p, cell, err); text != "" {
				wrong(fmt.Sprintf("%s, %d: %s", cell, n, text))
			}
			for _, c := range []*engine.ColumnFamily{k.def, k.f, k.g} {
				if it, err := c.NewIter(nil); err != nil || errors.Join(allRows(it), it.Close()) != nil {
					wrong(fmt.Sprintf("%s, %d: then %s has other rows: %v", cell, n, c.Name(), err))
				}
			}
			tried++
		}
	}
	return tried
}

// misjudged tells what is wrong with an outcome: bytes beyond the limits are refused as such, and numbers do as they say or are
// refused.
func misjudged(p lengthPlace, cell string, err error) string {
	var typed *engine.Error
	var onFiles *fs.PathError
	call, _, _ := strings.Cut(cell, " ")
	switch {
	case err == nil && p.bytes && !slices.Contains(lengthsThatAreFine, call):
		return "no error"
	case err == nil, errors.Is(err, errOutOfRange) && !p.bytes, err == engine.ErrNotFound && !p.bytes:
		return ""
	case errors.As(err, &onFiles):
		return ""
	case !errors.As(err, &typed), errors.Is(err, engine.ErrCorruption), errors.Is(err, engine.ErrClosed):
		return fmt.Sprintf("%.200v", err)
	}
	return ""
}

// errOutOfRange is what becomes of the panic of a chunk that has no such row.
var errOutOfRange = errors.New("out of range")

// lengthsChild tries all handles, or the one of the arguments, and prints what it begins and what is wrong.
func lengthsChild(args []string) {
	space, err := vast.Bytes(1<<32 + 1<<20)
	must(err)
	k := newLifecycleKit(args[0], alive, "open")
	defer k.clear()
	if args[1] == "Tx" {
		k.withTransactions()
	}
	for _, c := range []*engine.ColumnFamily{k.def, k.f, k.g} {
		for _, key := range lengthRows {
			must(c.Put(key, kitValue(key), nil))
		}
	}
	must(k.db.Flush())
	limitData(2 << 30)
	all := args[2] == "true"
	tried, wrong := 0, func(text string) { fmt.Println("wrong", strings.ReplaceAll(text, "\n", " ")) }
	try := func(typ string, handle func() reflect.Value) {
		t := handle().Type()
		for i := range t.NumMethod() {
			m := t.Method(i).Name
			tried += tryLengths(typ+"."+m, func() (f, h reflect.Value) { h = handle(); return h.MethodByName(m), h }, k, space, all, wrong)
		}
	}
	switch args[1] {
	case "functions":
		for _, name := range slices.Sorted(maps.Keys(lengthFunctions)) {
			f := reflect.ValueOf(lengthFunctions[name])
			tried += tryLengths(name, func() (_, h reflect.Value) { return f, f }, k, space, all, wrong)
		}
	case "handles":
		for _, typ := range slices.Sorted(maps.Keys(lengthHandles)) {
			try(typ, func() reflect.Value { return reflect.ValueOf(lengthHandles[typ](k)) })
		}
	case "Tx":
		try("Tx", func() reflect.Value {
			tx, err := k.db.Begin(context.Background(), nil)
			must(err)
			return reflect.ValueOf(tx)
		})
	case "control":
		try("cutting", func() reflect.Value { return reflect.ValueOf(cutting{k.g}) })
	default:
		try(args[1], func() reflect.Value { return lifecycleTables[args[1]].living(k) })
	}
	fmt.Println("tried", tried)
}

// limitData lets the process have only so much more memory.
func limitData(more uint64) {
	status, err := os.ReadFile("/proc/self/status")
	must(err)
	limit := uint64(statusNumber(status, "VmData:"))<<10 + more
	must(syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit}))
}

// cutting cuts lengths as C would that keeps them in 32 bits.
type cutting struct{ c *engine.ColumnFamily }

func (c cutting) Get(key []byte) ([]byte, error) { return c.c.Get(key[:uint32(len(key))], nil) }

func (c cutting) Put(key, value []byte) error {
	return c.c.Put(key[:uint32(len(key))], value[:uint32(len(value))], nil)
}

func (c cutting) NewIter(o *engine.IterOptions) (*iterator.Iterator, error) {
	short := *o
	short.Limit = int(uint32(o.Limit))
	return c.c.NewIter(&short)
}

// runLengths has a child try lengths, and gives what it found wrong.
func runLengths(t *testing.T, what string) (wrong []string, tried int) {
	t.Helper()
	out, err := runChild(t, "lengths", t.TempDir(), what, strconv.FormatBool(*largestValue > 1<<20 || what == "control"))
	begun := ""
	for line := range strings.Lines(out.stdout) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "begin":
			begun = rest
		case "wrong":
			wrong = append(wrong, rest)
		case "tried":
			fmt.Sscan(rest, &tried)
		}
	}
	if err != nil {
		wrong = append(wrong, fmt.Sprintf("%s: the process died: %v\n%s", begun, err, out.head()))
	}
	return wrong, tried
}

func TestNoLengthIsCut(t *testing.T) {
	for _, what := range append(slices.Sorted(maps.Keys(lifecycleTables)), "functions", "handles") {
		// Updates and BackgroundPause take no length, a DiskBudget numbers only, which its own tests look at.
		if lengthHandles[what] != nil || slices.Contains([]string{"Updates", "BackgroundPause", "DiskBudget"}, what) {
			continue
		}
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			wrong, tried := runLengths(t, what)
			for _, text := range wrong {
				t.Error(text)
			}
			t.Logf("%d calls", tried)
		})
	}
}

var largestValue = flag.Int("lengths.value", 1<<20, "bytes of the value that is written beside a key of MaxKeySize: up to MaxValueSize")

func TestTheLargestKeyAndValueAreWhole(t *testing.T) {
	db := openTemp(t, nil)
	marked := func(n int) []byte {
		b := make([]byte, n)
		for i := 0; i < n; i += 1 << 20 {
			b[i] = byte(i>>20) + 1
		}
		b[n-1] = 0xee
		return b
	}
	key, value := marked(engine.MaxKeySize), marked(*largestValue)
	if err := db.Put(key, value, nil); err != nil {
		t.Fatal(err)
	}
	got, err := db.Get(key, nil)
	if err != nil || !bytes.Equal(got, value) {
		t.Errorf("read are %d bytes of %d, or others: %v", len(got), len(value), err)
	}
	got = nil
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	if !it.First() || !bytes.Equal(it.Key(), key) || it.ValueLen() != len(value) || !bytes.Equal(it.Value(), value) {
		t.Errorf("the iterator has a key of %d bytes and a value of %d, or others: %v", it.KeyLen(), it.ValueLen(), it.Error())
	}
}

func TestALengthThatIsCutIsNoticed(t *testing.T) {
	wrong, _ := runLengths(t, "control")
	for _, cell := range []string{"cutting.Get argument 0, 4294967296", "cutting.Put argument 0, 4294967297", "cutting.Put argument 1, 4294967296", "cutting.NewIter argument 0 Limit, 4294967297"} {
		if !slices.ContainsFunc(wrong, func(text string) bool { return strings.HasPrefix(text, cell) }) {
			t.Errorf("%s was not noticed:\n%s", cell, strings.Join(wrong, "\n"))
		}
	}
}

// Whoever adds a function that takes a length enters it in a table.
func TestEveryFunctionThatTakesALengthIsTried(t *testing.T) {
	found := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.IsExported() && takesLength(f.Type) {
				found[f.Name.Name] = true
			}
		}
	}
	for name := range found {
		if lengthFunctions[name] == nil && !slices.Contains(lengthsTakenByGo, name) {
			t.Errorf("%s is in no table", name)
		}
	}
	for name := range lengthFunctions {
		if !found[name] {
			t.Errorf("%s takes no length", name)
		}
	}
}

// takesLength goes by the names of the types.
func takesLength(f *ast.FuncType) (takes bool) {
	for _, p := range f.Params.List {
		ast.Inspect(p.Type, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				takes = takes || strings.HasSuffix(id.Name, "Options") || slices.Contains([]string{"string", "byte", "int", "int64", "uint32", "uint64"}, id.Name) && !inFunc(p.Type)
			}
			return true
		})
	}
	return takes
}

func inFunc(e ast.Expr) bool { _, is := e.(*ast.FuncType); return is }
