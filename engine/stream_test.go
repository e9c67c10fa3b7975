package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

var exportSeed = flag.Uint64("export.seed", 0, "seed of the random tests of exports; 0: a new one")

// exported is an export of r, which must succeed.
func exported(t testing.TB, r engine.Reader, o *engine.IterOptions, eo *engine.ExportOptions) ([]byte, engine.StreamPosition) {
	t.Helper()
	var b bytes.Buffer
	at, err := engine.Export(context.Background(), r, o, &b, eo)
	if err != nil {
		t.Fatalf("export: %v", err)
	}
	if !at.Whole || at.Offset != int64(b.Len()) {
		t.Fatalf("export: the end is %+v, after %d bytes", at, b.Len())
	}
	return b.Bytes(), at
}

// zeroRows puts n rows, which make blocks of two and compress to next to nothing.
func zeroRows(t testing.TB, db *engine.DB, n int) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for i := range n {
		key := fmt.Sprintf("%04d", i)
		rows[key] = strings.Repeat(string(rune('a'+i%20)), 600<<10)
		if err := db.Put([]byte(key), []byte(rows[key]), nil); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// randomRowsOf writes n rows that do not compress.
func randomRowsOf(t testing.TB, db *engine.DB, n, size int) {
	t.Helper()
	r, value := rand.NewChaCha8([32]byte{1}), make([]byte, size)
	b := db.NewBatch()
	for i := range n {
		r.Read(value)
		b.Put(fmt.Appendf(nil, "%06d", i), value)
	}
	if err := db.Write(b, nil); err != nil {
		t.Fatal(err)
	}
}

// rowsWithin are the rows of a range, of which there are at most limit, if that is not 0.
func rowsWithin(all map[string]string, o *engine.IterOptions) map[string]string {
	within := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		inside := k >= string(o.LowerBound) && (o.UpperBound == nil || k < string(o.UpperBound)) &&
			strings.HasPrefix(k, string(o.Prefix))
		if inside && (o.Limit == 0 || len(within) < o.Limit) {
			within[k] = all[k]
		}
	}
	return within
}

// expectPosition compares the end of an export with the rows that it must have.
func expectPosition(t *testing.T, what string, at engine.StreamPosition, rows map[string]string) {
	t.Helper()
	keys, n := slices.Sorted(maps.Keys(rows)), 0
	for k, v := range rows {
		n += len(k) + len(v)
	}
	var first, last []byte
	if len(keys) > 0 {
		first, last = append([]byte{}, keys[0]...), append([]byte{}, keys[len(keys)-1]...)
	}
	if at.Rows != int64(len(rows)) || at.Bytes != int64(n) || !bytes.Equal(at.FirstKey, first) || !bytes.Equal(at.LastKey, last) ||
		(at.FirstKey == nil) != (first == nil) || at.Mixed || !at.Whole {
		t.Errorf("%s: %d rows, %d bytes, %.40q to %.40q, mixed %v, whole %v; want %d rows, %d bytes, %.40q to %.40q", what,
			at.Rows, at.Bytes, at.FirstKey, at.LastKey, at.Mixed, at.Whole, len(rows), n, first, last)
	}
}

// exportedRows are rows of all kinds: empty ones, many small ones, and some about as long as what C
// gathers, a block and a buffer.
func exportedRows(r *rand.Rand) map[string]string {
	rows := map[string]string{}
	value := func(size int) string {
		b := make([]byte, size)
		for i := 0; i < len(b); i += 1 + r.IntN(6) {
			b[i] = byte(r.UintN(256))
		}
		return string(b)
	}
	if r.IntN(2) == 0 {
		rows[""] = value(r.IntN(3))
	}
	for range r.IntN(3) * r.IntN(3000) {
		rows[value(r.IntN(12))] = value(r.IntN(80))
	}
	for range r.IntN(5) {
		rows[value(1+r.IntN(3))] = value((256<<10 - 40) + r.IntN(60))
	}
	for range r.IntN(4) {
		rows[value(r.IntN(9))] = value((1<<20 - 30) + r.IntN(50))
	}
	if r.IntN(3) == 0 {
		rows[value(70_000+r.IntN(300_000))] = value(r.IntN(3 << 20))
	}
	return rows
}

// exportReaders are all kinds of readers of the same rows, besides the family itself.
func exportReaders(t *testing.T, db *engine.DB, c *engine.ColumnFamily) map[string]engine.Reader {
	s, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b, err := db.NewIndexedBatch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return map[string]engine.Reader{"family": c, "snapshot": s.In(c), "indexed batch": b.In(c), "wrapped": wrapped{c}}
}

// wrapped is a Reader that the package does not know.
type wrapped struct{ c *engine.ColumnFamily }

func (w wrapped) Get(key []byte, o *engine.ReadOptions) ([]byte, error) { return w.c.Get(key, o) }
func (w wrapped) Has(key []byte, o *engine.ReadOptions) (bool, error)   { return w.c.Has(key, o) }
func (w wrapped) NewIter(o *engine.IterOptions) (*iterator.Iterator, error) {
	return w.c.NewIter(o)
}

func TestWhatIsExportedComesBack(t *testing.T) {
	r, _ := seededRand(t, "export.seed", *exportSeed)
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	db := openTemp(t, nil)
	to := openTemp(t, nil)
	for i := range rounds {
		name := fmt.Sprint("f", i)
		c, err := db.CreateColumnFamily(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		rows := exportedRows(r)
		putAll(t, c, rows)
		if r.IntN(2) == 0 {
			if err := c.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		o := &engine.IterOptions{}
		for _, bound := range []*[]byte{&o.LowerBound, &o.UpperBound, &o.Prefix} {
			if r.IntN(4) == 0 {
				*bound = []byte{byte(r.UintN(256))}
			}
		}
		if r.IntN(3) == 0 {
			o.Limit = 1 + r.IntN(100)
		}
		want := rowsWithin(rows, o)
		level := []int{0, 1, 5, 9}[r.IntN(4)]
		readers := exportReaders(t, db, c)
		kinds := slices.Sorted(maps.Keys(readers))
		kept := kinds[r.IntN(len(kinds))]
		for _, kind := range kinds {
			what := fmt.Sprintf("%s %s, level %d", name, kind, level)
			file, at := exported(t, readers[kind], o, &engine.ExportOptions{Level: level})
			expectPosition(t, what, at, want)
			again, err := engine.CheckExport(nil, bytes.NewReader(file), nil)
			if err != nil || again.Checksum != at.Checksum || again.Offset != at.Offset {
				t.Errorf("%s: checked: %+v, %v; exported: %+v", what, again, err, at)
			}
			expectPosition(t, what+", checked", again, want)
			if kind == "family" && (again.Header.Family != name || again.Header.Sequence != db.LatestSequence() || len(again.Header.Identity) < 10) {
				t.Errorf("%s: head %+v", what, again.Header)
			}
			if kind == kept {
				importInto(t, what, to, file, want)
			}
		}
	}
}

// importInto imports a file, in pieces of whatever size, and clears the database again.
func importInto(t *testing.T, what string, to *engine.DB, file []byte, want map[string]string) {
	t.Helper()
	at, err := to.Import(context.Background(), &halting{r: bytes.NewReader(file)}, nil)
	if err != nil {
		t.Errorf("%s: import: %v", what, err)
	}
	expectPosition(t, what+", imported", at, want)
	expectRows(t, what, to, want)
	if err := to.DeleteRange(nil, bytes.Repeat([]byte{0xff}, 20), nil); err != nil {
		t.Fatal(err)
	}
}

// halting is a reader that gives little at a time, and sometimes nothing.
type halting struct {
	r io.Reader
	n int
}

func (h *halting) Read(p []byte) (int, error) {
	if h.n++; h.n%3 == 0 {
		return 0, nil
	}
	return h.r.Read(p[:min(len(p), 1+h.n%70_000)])
}

func TestAnExportOfNothingIsWhole(t *testing.T) {
	db := openTemp(t, nil)
	file, at := exported(t, db, nil, nil)
	expectPosition(t, "empty", at, nil)
	importInto(t, "empty", db, file, nil)
}

func TestExportAndImportAreOneCallForAMegabyte(t *testing.T) {
	db, to := openTemp(t, nil), openTemp(t, nil)
	randomRowsOf(t, db, 10_000, 1000)
	var file []byte
	megabytes := func() int64 { return int64(len(file)>>20) + 1 }
	if calls := cgoCalls(func() { file, _ = exported(t, db, nil, nil) }); calls > megabytes()+8 || len(file) < 9<<20 {
		t.Errorf("export: %d calls for %d bytes", calls, len(file))
	}
	if calls := cgoCalls(func() {
		if _, err := to.Import(nil, bytes.NewReader(file), nil); err != nil {
			t.Error(err)
		}
	}); calls > megabytes()+8 {
		t.Errorf("import: %d calls for %d bytes", calls, len(file))
	}
}

func TestExportRefusesWhatMakesNoSense(t *testing.T) {
	db := openTemp(t, nil)
	whole := func(p engine.StreamPosition) *engine.ExportOptions { return &engine.ExportOptions{Resume: &p} }
	_, end := exported(t, db, nil, nil)
	for name, c := range map[string]struct {
		o  *engine.IterOptions
		eo *engine.ExportOptions
		w  io.Writer
	}{
		"keys only":     {o: &engine.IterOptions{KeysOnly: true}, w: io.Discard},
		"cut values":    {o: &engine.IterOptions{ValuesUpTo: 9}, w: io.Discard},
		"level":         {eo: &engine.ExportOptions{Level: 20}, w: io.Discard},
		"low level":     {eo: &engine.ExportOptions{Level: -1}, w: io.Discard},
		"no writer":     {},
		"iterator":      {o: &engine.IterOptions{Limit: -1}, w: io.Discard},
		"after the end": {eo: whole(end), w: io.Discard},
		"no place":      {eo: whole(engine.StreamPosition{Offset: -1}), w: io.Discard},
	} {
		at, err := engine.Export(nil, db, c.o, c.w, c.eo)
		expectError(t, name, err, engine.ErrInvalidArgument)
		if at.Whole && name != "after the end" {
			t.Errorf("%s: whole", name)
		}
	}
	for name, o := range map[string]*engine.ImportOptions{
		"row size": {MaxRow: -1}, "after the end": {Resume: &end}, "contradiction": {Write: &engine.WriteOptions{Sync: true, DisableWAL: true}},
		"no place":    {Resume: &engine.StreamPosition{Rows: 3}},
		"long keys":   {Resume: &engine.StreamPosition{Offset: 3, LastKey: make([]byte, engine.MaxKeySize+1)}},
		"below zero":  {Resume: &engine.StreamPosition{Offset: 3, Rows: -1}},
		"below bytes": {Resume: &engine.StreamPosition{Offset: 3, Bytes: -1}},
	} {
		_, err := db.Import(nil, bytes.NewReader(nil), o)
		expectError(t, "import: "+name, err, engine.ErrInvalidArgument)
	}
	_, err := db.Import(nil, nil, nil)
	expectError(t, "no reader", err, engine.ErrInvalidArgument)
	_, err = engine.CheckExport(nil, nil, nil)
	expectError(t, "no reader", err, engine.ErrInvalidArgument)
	_, err = engine.Export(nil, nil, nil, io.Discard, nil)
	expectError(t, "no database", err, engine.ErrClosed)
}

var errDisk = errors.New("the disk of the test")

// failing is a writer that takes so many bytes.
type failing struct {
	bytes.Buffer
	room int
	err  error // nil: it says nothing of what it did not take
}

func (f *failing) Write(p []byte) (int, error) {
	n, _ := f.Buffer.Write(p[:min(len(p), f.room)])
	f.room -= n
	if n < len(p) {
		return n, f.err
	}
	return n, nil
}

func TestErrorsOfTheWriterAndTheReaderComeBack(t *testing.T) {
	db := openTemp(t, nil)
	zeroRows(t, db, 5)
	file, _ := exported(t, db, nil, nil)
	for _, room := range []int{0, 1, len(file) - 1} {
		for want, err := range map[error]error{errDisk: errDisk, io.ErrShortWrite: nil} {
			_, got := engine.Export(nil, db, nil, &failing{room: room, err: err}, nil)
			expectError(t, fmt.Sprint(room, " bytes written"), got, want, engine.ErrIO)
		}
		at, err := db.Import(nil, io.MultiReader(bytes.NewReader(file[:room]), failingReader{}), nil)
		expectError(t, fmt.Sprint(room, " bytes read"), err, errDisk, engine.ErrIO)
		if at.Whole || (room > 1) != (at.Rows > 0) {
			t.Errorf("%d bytes read: %+v", room, at)
		}
	}
	_, err := db.Import(nil, idle{}, nil)
	expectError(t, "idle reader", err, io.ErrNoProgress)
	_, err = db.Import(nil, boasting{}, nil)
	expectError(t, "boasting reader", err, engine.ErrIO)
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errDisk }

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

type boasting struct{}

func (boasting) Read(p []byte) (int, error) { return len(p) + 1, nil }

// writerFunc and readerFunc do something when they are asked.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAContextEndsAnExportAndAnImport(t *testing.T) {
	db := openTemp(t, nil)
	randomRowsOf(t, db, 4_000, 1000)
	file, _ := exported(t, db, nil, &engine.ExportOptions{Level: 1})
	ctx, cancel := context.WithCancel(context.Background())
	at, err := engine.Export(ctx, db, nil, writerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	}), nil)
	expectError(t, "export", err, context.Canceled)
	if at.Whole {
		t.Errorf("export: %+v", at)
	}
	ctx, cancel = context.WithCancel(context.Background())
	rest := bytes.NewReader(file)
	at, err = db.Import(ctx, readerFunc(func(p []byte) (int, error) {
		if rest.Len() < len(file)/2 {
			cancel()
		}
		return rest.Read(p[:min(len(p), 1000)])
	}), nil)
	expectError(t, "import", err, context.Canceled)
	if at.Whole {
		t.Errorf("import: %+v", at)
	}
	past, stop := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer stop()
	_, err = engine.Export(past, db, nil, io.Discard, nil)
	expectError(t, "export after the deadline", err, context.DeadlineExceeded, engine.ErrTimedOut)
	_, err = db.Import(past, bytes.NewReader(file), nil)
	expectError(t, "import after the deadline", err, context.DeadlineExceeded, engine.ErrTimedOut)
	_, err = engine.CheckExport(past, bytes.NewReader(file), nil)
	expectError(t, "check after the deadline", err, context.DeadlineExceeded, engine.ErrTimedOut)
}

func TestCloseEndsAnExportAndAnImport(t *testing.T) {
	db, other := openTemp(t, nil), openTemp(t, nil)
	zeroRows(t, db, 20)
	file, _ := exported(t, db, nil, nil)
	closing := make(chan error, 1)
	_, err := engine.Export(nil, db, nil, writerFunc(func(p []byte) (int, error) {
		select {
		case closing <- db.Close():
		default:
		}
		return len(p), nil
	}), nil)
	if err == nil {
		err = engine.ErrClosed // it ended in one call
	}
	expectError(t, "export", err, engine.ErrClosed)
	if err := <-closing; err != nil && !errors.As(err, new(*engine.LeakError)) {
		t.Errorf("close: %v", err)
	}
	rest := bytes.NewReader(file)
	_, err = other.Import(nil, readerFunc(func(p []byte) (int, error) {
		if rest.Len() < len(file)/2 {
			if err := other.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		return rest.Read(p[:min(len(p), 100)])
	}), nil)
	expectError(t, "import", err, engine.ErrClosed)
}
