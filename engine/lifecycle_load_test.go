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
	NewLoader(ctx context.Context, o *engine.BulkLoadOptions) (*engine.Loader, error)
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
		"NewLoader": func(h T, _ *lifecycleKit) error {
			l, err := h.NewLoader(context.Background(), nil)
			if err != nil {
				return err
			}
			return l.Close()
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

func loaderOf(cf func(k *lifecycleKit) *engine.ColumnFamily) func(k *lifecycleKit) *engine.Loader {
	return func(k *lifecycleKit) *engine.Loader {
		l, err := cf(k).NewLoader(context.Background(), nil)
		must(err)
		must(l.Add([]byte("x"), []byte("8 bytes.")))
		return l
	}
}

func loaded(_ *lifecycleKit, ls []*engine.Loader) {
	for _, l := range ls {
		must(l.Finish())
	}
}

var loaderTable = &lifecycleTable[*engine.Loader]{
	calls: map[string]call[*engine.Loader]{
		"Add": func(l *engine.Loader, _ *lifecycleKit) error { return l.Add([]byte("y"), nil) },
		"Finish": func(l *engine.Loader, _ *lifecycleKit) error {
			err := l.Finish()
			return want(err, l.Stats().Stored == 1, l.Stats())
		},
		"Resumed": func(l *engine.Loader, _ *lifecycleKit) error { return want(nil, l.Resumed() == 0, l.Resumed()) },
		"Stats": func(l *engine.Loader, k *lifecycleKit) error {
			return want(nil, (l.Stats().Rows == 1) == (k.state != "nil" && k.state != "zero" && k.state != "failed"), l.Stats())
		},
		"Close": func(l *engine.Loader, _ *lifecycleKit) error { return l.Close() },
	},
	want: merged(always("Resumed", "Stats", "Close"), map[string]string{"Add/family dropped": answerOK}),
	states: []state[*engine.Loader]{
		{"nil", dead, constant(func() *engine.Loader { return nil })},
		{"zero", dead, constant(func() *engine.Loader { return new(engine.Loader) })},
		{"open", alive, after(loaderOf(liveFamily))},
		{"family dropped", dropped, after(loaderOf(liveFamily), familyDropped)},
		{"parent closed", dead, after(loaderOf(liveFamily), parentClosed)},
		{"finished", dead, after(loaderOf(liveFamily), loaded)},
		{"closed", dead, after(loaderOf(liveFamily), closed)},
		{"closed twice", dead, after(loaderOf(liveFamily), closed, closed)},
		{"failed", dead, after(func(k *lifecycleKit) *engine.Loader {
			l, err := k.f.NewLoader(context.Background(), &engine.BulkLoadOptions{Memory: 1})
			if err == nil {
				panic("the kit: a loader without memory")
			}
			return l
		})},
	},
}
