package engine_test

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// supported gives states of handles that exist only where RocksDB offers a feature, and those that exist without.
func supported[T any](f engine.Feature, without []state[T], with ...state[T]) []state[T] {
	if engine.Supports(f) {
		return append(without, with...)
	}
	return without
}

var pauseTable = &lifecycleTable[*engine.BackgroundPause]{
	calls: map[string]call[*engine.BackgroundPause]{
		"Continue": func(p *engine.BackgroundPause, _ *lifecycleKit) error { return p.Continue() },
	},
	alone: true,
	states: supported(engine.PauseBackground, []state[*engine.BackgroundPause]{
		{"nil", dead, constant(func() *engine.BackgroundPause { return nil })},
		{"zero", dead, constant(func() *engine.BackgroundPause { return new(engine.BackgroundPause) })},
	},
		state[*engine.BackgroundPause]{"in force", alive, after((*lifecycleKit).pause)},
		state[*engine.BackgroundPause]{"ended", alive, after((*lifecycleKit).pause, continued)},
		state[*engine.BackgroundPause]{"ended twice", alive, after((*lifecycleKit).pause, continued, continued)},
		state[*engine.BackgroundPause]{"parent closed", dead, after((*lifecycleKit).pause, parentClosed)},
		state[*engine.BackgroundPause]{"ended, parent closed", dead, after((*lifecycleKit).pause, continued, parentClosed)},
		state[*engine.BackgroundPause]{"failed", dead, after(func(k *lifecycleKit) *engine.BackgroundPause {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			p, err := k.db.PauseBackground(ctx)
			if err == nil {
				panic("the kit: a context that has ended paused")
			}
			return p
		})},
	),
}

func (k *lifecycleKit) pause() *engine.BackgroundPause {
	p, err := k.db.PauseBackground(context.Background())
	must(err)
	return p
}

func continued(_ *lifecycleKit, ps []*engine.BackgroundPause) {
	for _, p := range ps {
		must(p.Continue())
	}
}

var diskTable = &lifecycleTable[*engine.DiskBudget]{
	calls: map[string]call[*engine.DiskBudget]{
		"Close": func(b *engine.DiskBudget, _ *lifecycleKit) error { return b.Close() },
		"SetLimits": func(b *engine.DiskBudget, _ *lifecycleKit) error {
			return b.SetLimits(engine.DiskLimits{MaxBytes: 1 << 40})
		},
		"Limits": func(b *engine.DiskBudget, k *lifecycleKit) error {
			return want(nil, (b.Limits().MaxBytes > 0) == (k.is == alive), b.Limits())
		},
		"Usage": func(b *engine.DiskBudget, k *lifecycleKit) error {
			used := k.state == "in use" || k.state == "database closed" && !engine.Supports(engine.AdaptiveReadAhead) // 11.8 forgets its files
			return want(nil, (b.Usage().Files > 0) == used, b.Usage())
		},
	},
	alone: true,
	want:  always("Close", "Limits", "Usage"),
	states: supported(engine.DiskBudgets, []state[*engine.DiskBudget]{
		{"nil", dead, constant(func() *engine.DiskBudget { return nil })},
		{"zero", dead, constant(func() *engine.DiskBudget { return new(engine.DiskBudget) })},
		{"failed", dead, after(func(*lifecycleKit) *engine.DiskBudget {
			b, err := engine.NewDiskBudget(engine.DiskLimits{MaxBytes: -1})
			if err == nil {
				panic("the kit: a budget below nothing was made")
			}
			return b
		})},
	},
		state[*engine.DiskBudget]{"open", alive, after(disk)},
		state[*engine.DiskBudget]{"in use", alive, after(disk, useDisk)},
		state[*engine.DiskBudget]{"database closed", alive, after(disk, useDisk, parentClosed)},
		state[*engine.DiskBudget]{"closed", dead, after(disk, closed)},
		state[*engine.DiskBudget]{"closed twice", dead, after(disk, closed, closed)},
		state[*engine.DiskBudget]{"closed in use", dead, after(disk, useDisk, closed)},
		state[*engine.DiskBudget]{"closed, database closed", dead, after(disk, useDisk, closed, parentClosed)},
	),
}

func disk(*lifecycleKit) *engine.DiskBudget {
	b, err := engine.NewDiskBudget(engine.DiskLimits{MaxBytes: 1 << 30})
	must(err)
	return b
}

// useDisk puts a database into the budget, in place of the kit's.
func useDisk(k *lifecycleKit, bs []*engine.DiskBudget) {
	k.close()
	db, err := engine.Open(filepath.Join(k.dir, "in budget"), &engine.Options{Disk: bs[0]})
	must(err)
	must(db.Put([]byte("k"), []byte("v"), nil))
	must(db.Flush())
	k.db = db
}

// lifecycleCompacter is what DB and ColumnFamily have in common.
type lifecycleCompacter interface {
	CompactFiles(ctx context.Context, names []string, level int, o *engine.CompactFilesOptions) error
	CompactWith(ctx context.Context, start, end []byte, o *engine.CompactOptions) error
}

func compactWithCall[T lifecycleCompacter](h T, _ *lifecycleKit) error {
	o := &engine.CompactOptions{Bottommost: engine.BottommostForce, Exclusive: true, ChangeLevel: true, TargetLevel: 3}
	err := h.CompactWith(context.Background(), nil, nil, o)
	if errors.Is(err, engine.ErrTryAgain) { // others move files meanwhile
		return nil
	}
	return err
}

// lifecycleSizer is what DB and ColumnFamily have in common.
type lifecycleSizer interface {
	ApproximateSizes(ctx context.Context, ranges []engine.KeyRange, o *engine.SizeOptions) ([]int64, error)
}

func approximateSizesCall[T lifecycleSizer](h T, _ *lifecycleKit) error {
	n, err := h.ApproximateSizes(context.Background(), make([]engine.KeyRange, 3), nil)
	return want(err, len(n) == 3, n)
}

// compactFilesCall asks for a file that is not there: files of a kit are made by nobody.
func compactFilesCall[T lifecycleCompacter](h T, _ *lifecycleKit) error {
	err := h.CompactFiles(context.Background(), []string{"999999.sst"}, 1, nil)
	if e, ok := err.(*engine.Error); ok && e.Code == engine.CodeNotFound {
		return nil
	}
	return orUnsupported(engine.CompactFiles, err)
}
