package engine_test

import (
	"context"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// lifecycleIngester is what DB and ColumnFamily have in common.
type lifecycleIngester interface {
	Ingest(ctx context.Context, paths []string, o *engine.IngestOptions) error
}

func loadCalls[T lifecycleIngester]() map[string]call[T] {
	return map[string]call[T]{
		"Ingest": func(h T, k *lifecycleKit) error {
			w := k.sstWriter()
			defer w.Close()
			must(w.Put([]byte("x"), []byte("8 bytes.")))
			info, err := w.Finish()
			must(err)
			return h.Ingest(context.Background(), []string{info.Path}, nil)
		},
	}
}

// sstWriter begins a file beside the database.
func (k *lifecycleKit) sstWriter() *engine.SSTWriter {
	dir, err := os.MkdirTemp(k.dir, "sst")
	must(err)
	w, err := engine.NewSSTWriter(filepath.Join(dir, "x.sst"),
		&engine.SSTWriterOptions{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add}})
	must(err)
	return w
}

func withRow(_ *lifecycleKit, ws []*engine.SSTWriter) {
	for _, w := range ws {
		must(w.Put([]byte("a"), []byte("8 bytes.")))
	}
}

func finished(_ *lifecycleKit, ws []*engine.SSTWriter) {
	for _, w := range ws {
		_, err := w.Finish()
		must(err)
	}
}

var sstWriterTable = &lifecycleTable[*engine.SSTWriter]{
	calls: map[string]call[*engine.SSTWriter]{
		"Put":    func(w *engine.SSTWriter, _ *lifecycleKit) error { return w.Put([]byte("x"), nil) },
		"Delete": func(w *engine.SSTWriter, _ *lifecycleKit) error { return w.Delete([]byte("x")) },
		"Merge":  func(w *engine.SSTWriter, _ *lifecycleKit) error { return w.Merge([]byte("x"), []byte("8 bytes.")) },
		"DeleteRange": func(w *engine.SSTWriter, _ *lifecycleKit) error {
			return w.DeleteRange([]byte("x"), []byte("y"))
		},
		"Size": func(w *engine.SSTWriter, k *lifecycleKit) error {
			return want(nil, (w.Size() > 0) == (k.is == alive || k.state == "finished"), w.Size())
		},
		"Finish": func(w *engine.SSTWriter, _ *lifecycleKit) error {
			info, err := w.Finish()
			return want(err, info.Entries == 1, info)
		},
		"Close": func(w *engine.SSTWriter, _ *lifecycleKit) error { return w.Close() },
	},
	want: always("Close", "Size"),
	states: []state[*engine.SSTWriter]{
		{"nil", dead, constant(func() *engine.SSTWriter { return nil })},
		{"zero", dead, constant(func() *engine.SSTWriter { return new(engine.SSTWriter) })},
		{"open", alive, after((*lifecycleKit).sstWriter, withRow)},
		{"database closed", alive, after((*lifecycleKit).sstWriter, withRow, parentClosed)},
		{"finished", dead, after((*lifecycleKit).sstWriter, withRow, finished)},
		{"closed", dead, after((*lifecycleKit).sstWriter, withRow, closed)},
		{"closed twice", dead, after((*lifecycleKit).sstWriter, withRow, closed, closed)},
		{"failed", dead, after(func(*lifecycleKit) *engine.SSTWriter {
			w, err := engine.NewSSTWriter("", nil)
			if err == nil {
				panic("the kit: a file without a name")
			}
			return w
		})},
	},
}
