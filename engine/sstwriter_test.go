package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// newSST begins a table file in a directory of its own.
func newSST(t testing.TB, o *engine.SSTWriterOptions) (w *engine.SSTWriter, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.sst")
	w, err := engine.NewSSTWriter(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, path
}

// madeSST is a table file with what fill adds.
func madeSST(t testing.TB, o *engine.SSTWriterOptions, fill func(w *engine.SSTWriter) error) engine.SSTInfo {
	t.Helper()
	w, _ := newSST(t, o)
	if err := fill(w); err != nil {
		t.Fatal(err)
	}
	info, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestAnSSTWriterTellsWhatItWrote(t *testing.T) {
	type bounds struct {
		smallest, largest string
		entries, ranges   uint64
	}
	adds := &engine.SSTWriterOptions{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Int64Add}}
	for name, c := range map[string]struct {
		fill func(w *engine.SSTWriter) error
		want bounds
	}{
		"one row":          {func(w *engine.SSTWriter) error { return w.Put([]byte("k"), nil) }, bounds{"k", "k", 1, 0}},
		"the empty key":    {func(w *engine.SSTWriter) error { return w.Put(nil, nil) }, bounds{"", "", 1, 0}},
		"a deletion":       {func(w *engine.SSTWriter) error { return w.Delete([]byte("k")) }, bounds{"k", "k", 1, 0}},
		"an operand":       {func(w *engine.SSTWriter) error { return w.Merge([]byte("k"), engine.EncodeInt64(1)) }, bounds{"k", "k", 1, 0}},
		"a range":          {func(w *engine.SSTWriter) error { return w.DeleteRange([]byte("a"), []byte("c")) }, bounds{"a", "c", 1, 1}},
		"ranges and rows":  {rangesAndRows, bounds{"", "z", 5, 3}},
		"rows of any size": {rowsOfAnySize, bounds{"key 0000", "key 0199", 200, 0}},
	} {
		info := madeSST(t, adds, c.fill)
		got := bounds{string(info.Smallest), string(info.Largest), info.Entries, info.RangeDeletions}
		stat, err := os.Stat(info.Path)
		if err != nil || got != c.want || stat.Size() != info.Size {
			t.Errorf("%s: %+v, size %d, want %+v; the file: %v, %v", name, got, info.Size, c.want, stat, err)
		}
	}
}

func rangesAndRows(w *engine.SSTWriter) error {
	return errors.Join(
		w.Put([]byte("b"), nil), w.DeleteRange([]byte("x"), []byte("z")), w.DeleteRange(nil, []byte("a")),
		w.DeleteRange([]byte("q"), []byte("q")), // nothing
		w.Put([]byte("c"), nil), w.DeleteRange([]byte("b"), []byte("d")))
}

func rowsOfAnySize(w *engine.SSTWriter) error {
	for i := range 200 {
		value := bytes.Repeat([]byte{byte(i)}, i*i*i/20) // up to 400 KB
		if err := w.Put(fmt.Appendf(nil, "key %04d", i), value); err != nil {
			return err
		}
	}
	return nil
}

func TestAnSSTWriterRefusesAndRemembers(t *testing.T) {
	big := make([]byte, engine.MaxKeySize+1)
	for name, c := range map[string]struct {
		add  func(w *engine.SSTWriter) error
		want error
	}{
		"the same key":       {func(w *engine.SSTWriter) error { return w.Put([]byte("secret"), nil) }, engine.ErrInvalidArgument},
		"a key below":        {func(w *engine.SSTWriter) error { return w.Delete([]byte("se")) }, engine.ErrInvalidArgument},
		"a large key":        {func(w *engine.SSTWriter) error { return w.Put(big, nil) }, engine.ErrTooLarge},
		"no operator":        {func(w *engine.SSTWriter) error { return w.Merge([]byte("t"), nil) }, engine.ErrInvalidArgument},
		"a range upside":     {func(w *engine.SSTWriter) error { return w.DeleteRange([]byte("b"), []byte("a")) }, engine.ErrInvalidArgument},
		"a range to nowhere": {func(w *engine.SSTWriter) error { return w.DeleteRange([]byte("b"), nil) }, engine.ErrInvalidArgument},
	} {
		w, path := newSST(t, nil)
		if err := w.Put([]byte("secret"), nil); err != nil {
			t.Fatal(err)
		}
		err := c.add(w)
		var e *engine.Error
		if !errors.Is(err, c.want) || !errors.As(err, &e) || (e.Key == nil) != (name == "a large key") || e.Path != path || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
		if again := w.Put([]byte("z"), nil); again != err {
			t.Errorf("%s: then Put says %v", name, again)
		}
		if _, again := w.Finish(); again != err {
			t.Errorf("%s: then Finish says %v", name, again)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the file is left: %v", name, err)
		}
	}
}

func TestAnSSTWriterWithoutARowIsNoFile(t *testing.T) {
	w, path := newSST(t, nil)
	if _, err := w.Finish(); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestNewSSTWriterTakesNoNameTwice(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	db := openTemp(t, nil)
	for path, want := range map[string][]error{
		there:                                {engine.ErrInvalidArgument, fs.ErrExist},
		filepath.Join(dir, "no", "such"):     {engine.ErrIO, fs.ErrNotExist},
		"":                                   {engine.ErrInvalidArgument},
		filepath.Join(dir, "a\x00b"):         {engine.ErrInvalidArgument},
		filepath.Join(there, "below a file"): {engine.ErrIO},
	} {
		_, err := engine.NewSSTWriter(path, nil)
		for _, w := range want {
			if !errors.Is(err, w) {
				t.Errorf("%q: %v, want %v", path, err, w)
			}
		}
	}
	if b, err := os.ReadFile(there); err != nil || string(b) != "mine" {
		t.Errorf("the file that was there: %q, %v", b, err)
	}
	def, err := db.ColumnFamily("default")
	if err != nil {
		t.Fatal(err)
	}
	both := &engine.SSTWriterOptions{Family: def, FamilyOptions: engine.FamilyOptions{BlockSize: 4096}}
	if _, err := engine.NewSSTWriter(filepath.Join(dir, "x"), both); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Error(err)
	}
}

func TestClosingAnSSTWriterRemovesTheFile(t *testing.T) {
	w, path := newSST(t, nil)
	if err := rowsOfAnySize(w); err != nil || w.Size() == 0 {
		t.Fatal(err, w.Size())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || w.Size() != 0 {
		t.Error(err, w.Size())
	}
}

// A file is built as its family builds its own: options that were changed at run time too.
func TestAnSSTWriterHasTheOptionsOfItsFamily(t *testing.T) {
	db := openTemp(t, &engine.Options{Families: map[string]engine.FamilyOptions{
		"plain":  {Compression: engine.NoCompression},
		"packed": {Compression: engine.ZSTDCompression, BloomBitsPerKey: 10, MergeOperator: engine.Int64Add},
	}})
	size := func(name string) int64 {
		c, err := db.ColumnFamily(name)
		if err != nil {
			t.Fatal(err)
		}
		info := madeSST(t, &engine.SSTWriterOptions{Family: c}, func(w *engine.SSTWriter) error {
			for i := range 2000 {
				if err := w.Put(fmt.Appendf(nil, "key %04d", i), bytes.Repeat([]byte("v"), 100)); err != nil {
					return err
				}
			}
			return nil
		})
		raw, err := os.ReadFile(info.Path)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := bytes.Contains(raw, []byte("rocksdb.BuiltinBloomFilter")), name == "packed"; got != want {
			t.Errorf("%s: a filter: %v", name, got)
		}
		if got, want := bytes.Contains(raw, []byte(engine.Int64Add)), name == "packed"; got != want {
			t.Errorf("%s: the merge operator: %v", name, got)
		}
		return info.Size
	}
	plain, packed := size("plain"), size("packed")
	if plain < 200_000 || packed > 100_000 {
		t.Errorf("plain %d, packed %d bytes", plain, packed)
	}
	c, err := db.ColumnFamily("plain")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetOptions(map[string]string{"compression": "kZSTD"}); err != nil {
		t.Fatal(err)
	}
	if later := size("plain"); later > plain/2 {
		t.Errorf("after SetOptions: %d bytes, before %d", later, plain)
	}
	if err := db.DropColumnFamily(c); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.NewSSTWriter(filepath.Join(t.TempDir(), "x"), &engine.SSTWriterOptions{Family: c}); !errors.Is(err, engine.ErrFamilyDropped) {
		t.Error(err)
	}
}

func TestAnSSTWriterThatIsLostIsReportedAndItsFileRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sst")
	func() {
		w, err := engine.NewSSTWriter(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Put([]byte("k"), nil); err != nil {
			t.Fatal(err)
		}
	}()
	for range 2000 {
		runtime.GC()
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the file is still there")
}
