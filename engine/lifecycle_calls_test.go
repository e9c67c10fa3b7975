package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// want is an error if a call that answered no error gave the wrong thing.
func want(err error, right bool, got any) error {
	if err == nil && !right {
		return fmt.Errorf("no error, but %v", got)
	}
	return err
}

// orUnsupported lets pass what the linked RocksDB does not offer.
func orUnsupported(f engine.Feature, err error) error {
	if !engine.Supports(f) && errors.Is(err, engine.ErrUnsupported) {
		return nil
	}
	return err
}

// lifecycleReader is what DB, ColumnFamily and Snapshot have in common.
type lifecycleReader interface {
	engine.Reader
	GetAppend(dst, key []byte, o *engine.ReadOptions) ([]byte, error)
	GetPinned(key []byte, o *engine.ReadOptions, f func([]byte) error) error
	MultiGet(keys [][]byte, o *engine.ReadOptions) ([]engine.Value, error)
}

// familiesReader is what DB and Snapshot have in common.
type familiesReader interface {
	MultiGetFamilies(keys []engine.FamilyKey, o *engine.ReadOptions) ([]engine.Value, error)
}

func multiGetFamiliesCall[T familiesReader](h T, k *lifecycleKit) error {
	key := kitKeys[0]
	values, err := h.MultiGetFamilies([]engine.FamilyKey{{Family: k.g, Key: key}}, nil)
	return want(err, len(values) == 1 && bytes.Equal(values[0].Data, kitValue(key)), values)
}

func mayHaveCall[T interface {
	MayHave(key []byte) (bool, error)
}](h T, _ *lifecycleKit) error {
	may, err := h.MayHave(kitKeys[0])
	return want(err, may, "certainly absent")
}

// lifecycleWriter is what DB and ColumnFamily have in common.
type lifecycleWriter interface {
	Put(key, value []byte, o *engine.WriteOptions) error
	Delete(key []byte, o *engine.WriteOptions) error
	SingleDelete(key []byte, o *engine.WriteOptions) error
	DeleteRange(start, end []byte, o *engine.WriteOptions) error
	Merge(key, operand []byte, o *engine.WriteOptions) error
	Writer(o *engine.WriteOptions) engine.Writer
}

func readCalls[T lifecycleReader]() map[string]call[T] {
	key := kitKeys[0]
	return map[string]call[T]{
		"Get": func(h T, _ *lifecycleKit) error {
			v, err := h.Get(key, nil)
			return want(err, bytes.Equal(v, kitValue(key)), v)
		},
		"GetAppend": func(h T, _ *lifecycleKit) error {
			v, err := h.GetAppend([]byte("x"), key, nil)
			if err != nil && string(v) != "x" {
				return fmt.Errorf("%w, but dst became %q", err, v)
			}
			return want(err, string(v) == "x"+string(kitValue(key)), v)
		},
		"GetPinned": func(h T, _ *lifecycleKit) error {
			called := false
			err := h.GetPinned(key, nil, func(v []byte) error {
				called = true
				return want(nil, bytes.Equal(v, kitValue(key)), v)
			})
			if err != nil && called {
				return fmt.Errorf("%w, after the function was called", err)
			}
			return want(err, called, "the function was not called")
		},
		"Has": func(h T, _ *lifecycleKit) error {
			there, err := h.Has(key, nil)
			return want(err, there, "absent")
		},
		"MultiGet": func(h T, _ *lifecycleKit) error {
			values, err := h.MultiGet([][]byte{key}, nil)
			if _, e := h.MultiGet(nil, nil); e != err && (e == nil) != (err == nil) {
				return fmt.Errorf("of no keys: %w, but of one: %w", e, err)
			}
			return want(err, len(values) == 1 && bytes.Equal(values[0].Data, kitValue(key)), values)
		},
		"NewIter": func(h T, _ *lifecycleKit) error {
			it, err := h.NewIter(nil)
			if err != nil {
				return err
			}
			return errors.Join(want(nil, it.First(), "no row"), it.Close())
		},
	}
}

func writeCalls[T lifecycleWriter]() map[string]call[T] {
	key, value := []byte("x"), []byte("8 bytes.")
	return map[string]call[T]{
		"Put":          func(h T, _ *lifecycleKit) error { return h.Put(key, value, nil) },
		"Delete":       func(h T, _ *lifecycleKit) error { return h.Delete(key, nil) },
		"SingleDelete": func(h T, _ *lifecycleKit) error { return h.SingleDelete(key, nil) },
		"DeleteRange":  func(h T, _ *lifecycleKit) error { return h.DeleteRange(key, []byte("y"), nil) },
		"Merge":        func(h T, _ *lifecycleKit) error { return h.Merge(key, value, nil) },
		"Writer": func(h T, _ *lifecycleKit) error {
			w := h.Writer(nil)
			err := w.Put(key, value)
			for _, e := range []error{w.Merge(key, value), w.Delete(key)} {
				if (e == nil) != (err == nil) {
					return fmt.Errorf("Put gave %w, but another call %w", err, e)
				}
			}
			return err
		},
	}
}

// merged is one map of several.
func merged[V any](all ...map[string]V) map[string]V {
	m := map[string]V{}
	for _, one := range all {
		maps.Copy(m, one)
	}
	return m
}

var dbCalls = merged(readCalls[*engine.DB](), writeCalls[*engine.DB](), stampCalls[*engine.DB](), dbAdminCalls, dbTxCalls, loadCalls[*engine.DB](), map[string]call[*engine.DB]{
	"MultiGetFamilies": multiGetFamiliesCall[*engine.DB],
	"Import":           importCall[*engine.DB],
	"GetEntity":        getEntityCall[*engine.DB],
	"PutEntity":        putEntityCall[*engine.DB],

	"Close":    func(d *engine.DB, _ *lifecycleKit) error { return d.Close() },
	"NewBatch": func(d *engine.DB, _ *lifecycleKit) error { return d.NewBatch().Put(nil, nil) },
	"Path": func(d *engine.DB, k *lifecycleKit) error {
		known := k.state != "nil" && k.state != "zero" && k.state != "failed open"
		return want(nil, (d.Path() == filepath.Join(k.dir, "db")) == known, d.Path())
	},
	"InMemory": func(d *engine.DB, _ *lifecycleKit) error {
		return want(nil, d.InMemory() == nil, d.InMemory())
	},
	"ColumnFamilies": func(d *engine.DB, k *lifecycleKit) error {
		return want(nil, (len(d.ColumnFamilies()) > 0) == (k.is == alive), d.ColumnFamilies())
	},
	"Recovery": func(d *engine.DB, _ *lifecycleKit) error {
		return want(nil, d.Recovery().Break == "", d.Recovery())
	},
	"Health": func(d *engine.DB, _ *lifecycleKit) error { return d.Health() },
	"LatestSequence": func(d *engine.DB, k *lifecycleKit) error {
		return want(nil, (d.LatestSequence() > 0) == (k.is == alive), d.LatestSequence())
	},
	"ColumnFamily": func(d *engine.DB, _ *lifecycleKit) error {
		c, err := d.ColumnFamily("g")
		return want(err, c.Name() == "g", c.Name())
	},
	"CreateColumnFamily": func(d *engine.DB, _ *lifecycleKit) error {
		c, err := d.CreateColumnFamily("new", nil)
		return want(err, c.Name() == "new", c.Name())
	},
	"CreateColumnFamilies": func(d *engine.DB, _ *lifecycleKit) error {
		made, err := d.CreateColumnFamilies([]string{"new 1", "new 2"}, nil)
		return want(err, len(made) == 2, made)
	},
	"DropColumnFamily": func(d *engine.DB, k *lifecycleKit) error { return d.DropColumnFamily(k.f) },
	"Write":            func(d *engine.DB, k *lifecycleKit) error { return d.Write(k.other, nil) },
	"NewSnapshot": func(d *engine.DB, _ *lifecycleKit) error {
		s, err := d.NewSnapshot()
		if err != nil {
			return err
		}
		return s.Close()
	},
	"NewIndexedBatch": func(d *engine.DB, _ *lifecycleKit) error {
		b, err := d.NewIndexedBatch()
		if err != nil {
			return err
		}
		return b.Close()
	},
	"View": func(d *engine.DB, _ *lifecycleKit) error {
		return d.View(context.Background(), func(s *engine.Snapshot) error {
			_, err := s.Get(kitKeys[0], nil)
			return err
		})
	},
})

var dbAdminCalls = map[string]call[*engine.DB]{
	"Flush":    func(d *engine.DB, _ *lifecycleKit) error { return d.Flush() },
	"SyncWAL":  func(d *engine.DB, _ *lifecycleKit) error { return d.SyncWAL() },
	"FlushWAL": func(d *engine.DB, _ *lifecycleKit) error { return d.FlushWAL() },
	"Compact":  func(d *engine.DB, _ *lifecycleKit) error { return d.Compact(context.Background(), nil, nil) },
	"Checkpoint": func(d *engine.DB, k *lifecycleKit) error {
		return d.Checkpoint(context.Background(), filepath.Join(k.dir, "checkpoint"))
	},
	"Property": func(d *engine.DB, _ *lifecycleKit) error {
		v, err := d.Property("rocksdb.estimate-num-keys")
		return want(err, v != "", v)
	},
	"MayHave":       mayHaveCall[*engine.DB],
	"PropertyInt":   propertyIntCall[*engine.DB],
	"PropertyFloat": propertyFloatCall[*engine.DB],
	"PropertyMap":   propertyMapCall[*engine.DB],
	"PropertySum": func(d *engine.DB, _ *lifecycleKit) error {
		n, err := d.PropertySum(engine.PropBaseLevel)
		return want(err, n > 0, n)
	},
	"Metrics": func(d *engine.DB, _ *lifecycleKit) error {
		m, err := d.Metrics()
		return want(err, len(m.Families) > 0, m)
	},
	"Statistics": func(d *engine.DB, _ *lifecycleKit) error {
		s, err := d.Statistics()
		return want(err, len(s.Tickers) > 0, s)
	},
	"LiveFiles": func(d *engine.DB, _ *lifecycleKit) error {
		files, err := d.LiveFiles()
		return want(err, files != nil, files)
	},
	"Options": func(d *engine.DB, _ *lifecycleKit) error {
		o, err := d.Options()
		return want(err, o["max_open_files"] != "", o)
	},
	"SetOptions": func(d *engine.DB, _ *lifecycleKit) error {
		return orUnsupported(engine.SetDBOptions, d.SetOptions(map[string]string{"max_background_jobs": "3"}))
	},
	"DeleteFilesInRange": func(d *engine.DB, _ *lifecycleKit) error { return d.DeleteFilesInRange([]byte("x"), nil) },
	"VerifyChecksums":    func(d *engine.DB, _ *lifecycleKit) error { return d.VerifyChecksums(context.Background()) },
	"UpdatesFrom": func(d *engine.DB, _ *lifecycleKit) error {
		u, err := d.UpdatesFrom(context.Background(), engine.UpdatePosition{}, nil)
		if err != nil {
			return err
		}
		return errors.Join(want(nil, u.Next(nil), u.Error()), u.Close())
	},
	"UpdatesSince": func(d *engine.DB, _ *lifecycleKit) error {
		u, err := d.UpdatesSince(context.Background(), 1, nil)
		if err != nil {
			return err
		}
		return errors.Join(want(nil, u.Next(nil), u.Error()), u.Close())
	},
	"ApproximateSizes": approximateSizesCall[*engine.DB],
	"AllFiles": func(d *engine.DB, _ *lifecycleKit) error {
		files, err := d.AllFiles(context.Background())
		return orUnsupported(engine.AllFiles, want(err, len(files) > 0, files))
	},
	"FileChecksums": func(d *engine.DB, _ *lifecycleKit) error {
		_, err := d.FileChecksums(context.Background())
		return err
	},
	"VerifyFileChecksums": func(d *engine.DB, _ *lifecycleKit) error {
		r, err := d.VerifyFileChecksums(context.Background(), nil)
		return want(err, r.Files == 0, r) // the kit's files have none
	},
	"StartTrace":           traceCall((*engine.DB).StartTrace, (*engine.DB).EndTrace),
	"StartIOTrace":         traceCall((*engine.DB).StartIOTrace, (*engine.DB).EndIOTrace),
	"StartBlockCacheTrace": traceCall((*engine.DB).StartBlockCacheTrace, (*engine.DB).EndBlockCacheTrace),
	"EndTrace":             endTraceCall((*engine.DB).EndTrace),
	"EndIOTrace":           endTraceCall((*engine.DB).EndIOTrace),
	"EndBlockCacheTrace":   endTraceCall((*engine.DB).EndBlockCacheTrace),
	"Replay": func(d *engine.DB, _ *lifecycleKit) error {
		report, err := d.Replay(context.Background(), kitTrace(), nil)
		return want(err, len(report.Kinds) == 1, report)
	},
	"Identity": func(d *engine.DB, _ *lifecycleKit) error {
		id, err := d.Identity()
		return want(err, id != "", id)
	},

	"CompactFiles": compactFilesCall[*engine.DB],
	"CompactWith":  compactWithCall[*engine.DB],
	"SuggestCompact": func(d *engine.DB, _ *lifecycleKit) error {
		return d.SuggestCompact(context.Background(), nil, []byte("x"))
	},
	"PauseBackground": func(d *engine.DB, _ *lifecycleKit) error {
		p, err := d.PauseBackground(context.Background())
		if err != nil {
			return orUnsupported(engine.PauseBackground, err)
		}
		return p.Continue()
	},
	"ImportFiles": func(d *engine.DB, k *lifecycleKit) error {
		c, err := d.ImportFiles(context.Background(), "new", k.dir, nil)
		if errors.Is(err, engine.ErrCorruption) { // the kit has no exported family
			err = nil
		}
		return orUnsupported(engine.FamilyFiles, want(err, c == nil, c))
	},
	"Resume": func(d *engine.DB, _ *lifecycleKit) error {
		return orUnsupported(engine.Resume, d.Resume(context.Background()))
	},
	"Events": func(d *engine.DB, _ *lifecycleKit) (err error) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for _, err = range d.Events(ctx) { // up to the pair with the error
		}
		switch {
		case errors.Is(err, context.Canceled): // the answer of one that is open
			return nil
		case !engine.Supports(engine.EventListeners) && errors.Is(err, engine.ErrInvalidArgument):
			return nil
		}
		return err
	},
	"WaitForCompact": func(d *engine.DB, _ *lifecycleKit) error {
		return orUnsupported(engine.WaitForCompact, d.WaitForCompact(context.Background()))
	},
}

var familyCalls = merged(readCalls[*engine.ColumnFamily](), stampCalls[*engine.ColumnFamily](), writeCalls[*engine.ColumnFamily](), loadCalls[*engine.ColumnFamily](), map[string]call[*engine.ColumnFamily]{
	"Name": func(c *engine.ColumnFamily, k *lifecycleKit) error {
		return want(nil, (c.Name() != "") == named(k), c.Name())
	},
	"ID": func(c *engine.ColumnFamily, k *lifecycleKit) error {
		return want(nil, (c.ID() != 0) == (named(k) && k.state != "default"), c.ID())
	},
	"Options": func(c *engine.ColumnFamily, _ *lifecycleKit) error {
		o, err := c.Options()
		return want(err, o["write_buffer_size"] != "", o)
	},
	"SetOptions": func(c *engine.ColumnFamily, _ *lifecycleKit) error {
		return c.SetOptions(map[string]string{"ttl": "1000"})
	},
	"Import":             importCall[*engine.ColumnFamily],
	"GetEntity":          getEntityCall[*engine.ColumnFamily],
	"PutEntity":          putEntityCall[*engine.ColumnFamily],
	"DeleteFilesInRange": func(c *engine.ColumnFamily, _ *lifecycleKit) error { return c.DeleteFilesInRange([]byte("x"), nil) },
	"Flush":              func(c *engine.ColumnFamily, _ *lifecycleKit) error { return c.Flush() },
	"Compact":            func(c *engine.ColumnFamily, _ *lifecycleKit) error { return c.Compact(context.Background(), nil, nil) },
	"ApproximateSizes":   approximateSizesCall[*engine.ColumnFamily],
	"CompactFiles":       compactFilesCall[*engine.ColumnFamily],
	"CompactWith":        compactWithCall[*engine.ColumnFamily],
	"SuggestCompact": func(c *engine.ColumnFamily, _ *lifecycleKit) error {
		return c.SuggestCompact(context.Background(), []byte("a"), nil)
	},
	"ExportFiles": func(c *engine.ColumnFamily, k *lifecycleKit) error {
		return orUnsupported(engine.FamilyFiles, c.ExportFiles(context.Background(), filepath.Join(k.dir, "exported")))
	},
	"MayHave":       mayHaveCall[*engine.ColumnFamily],
	"PropertyInt":   propertyIntCall[*engine.ColumnFamily],
	"PropertyFloat": propertyFloatCall[*engine.ColumnFamily],
	"PropertyMap":   propertyMapCall[*engine.ColumnFamily],
	"Property": func(c *engine.ColumnFamily, _ *lifecycleKit) error {
		_, err := c.Property("rocksdb.stats")
		return err
	},
})

// named reports whether the kit's family handle was ever one of a database.
func named(k *lifecycleKit) bool {
	return k.state != "nil" && k.state != "zero" && k.state != "failed create"
}

var snapshotCalls = merged(readCalls[*engine.Snapshot](), map[string]call[*engine.Snapshot]{
	"MultiGetFamilies": multiGetFamiliesCall[*engine.Snapshot],
	"At":               atCall[*engine.Snapshot],
	"GetEntity":        getEntityCall[*engine.Snapshot],

	"Close": func(s *engine.Snapshot, _ *lifecycleKit) error { return s.Close() },
	"In": func(s *engine.Snapshot, k *lifecycleKit) error {
		v := s.In(k.g)
		value, err := v.Get(kitKeys[2], nil)
		return want(err, bytes.Equal(value, kitValue(kitKeys[2])), value)
	},
	"Sequence": func(s *engine.Snapshot, _ *lifecycleKit) error {
		n, err := s.Sequence()
		return orUnsupported(engine.SnapshotSequence, want(err, n > 0, n))
	},
})

var batchCalls = map[string]call[*engine.Batch]{
	"Put":          func(b *engine.Batch, _ *lifecycleKit) error { return b.Put([]byte("x"), nil) },
	"Delete":       func(b *engine.Batch, _ *lifecycleKit) error { return b.Delete([]byte("x")) },
	"SingleDelete": func(b *engine.Batch, _ *lifecycleKit) error { return b.SingleDelete([]byte("x")) },
	"DeleteRange":  func(b *engine.Batch, _ *lifecycleKit) error { return b.DeleteRange([]byte("x"), []byte("y")) },
	"Merge":        func(b *engine.Batch, _ *lifecycleKit) error { return b.Merge([]byte("x"), []byte("8 bytes.")) },
	"PutAt":        func(b *engine.Batch, _ *lifecycleKit) error { return b.PutAt([]byte("x"), 1, nil) },
	"DeleteAt":     func(b *engine.Batch, _ *lifecycleKit) error { return b.DeleteAt([]byte("x"), 1) },
	"PutEntity": func(b *engine.Batch, _ *lifecycleKit) error {
		err := b.PutEntity([]byte("x"), nil)
		if errors.Is(err, engine.ErrInvalidArgument) {
			return nil // of a view of one of the kit's families
		}
		return err
	},
	"LogData":      func(b *engine.Batch, _ *lifecycleKit) error { return b.LogData([]byte("x")) },
	"SetSavepoint": func(b *engine.Batch, _ *lifecycleKit) error { return b.SetSavepoint() },
	"RollbackToSavepoint": func(b *engine.Batch, _ *lifecycleKit) error {
		before := b.Count()
		b.SetSavepoint()
		b.Put([]byte("x"), nil)
		err := b.RollbackToSavepoint()
		return want(err, b.Count() == before, b.Count())
	},
	"Append": func(b *engine.Batch, k *lifecycleKit) error { return b.Append(k.other) },
	"In":     func(b *engine.Batch, k *lifecycleKit) error { return b.In(k.f).Put([]byte("x"), nil) },
	"Size":   func(b *engine.Batch, _ *lifecycleKit) error { return want(nil, b.Size() == len(b.Repr()), b.Size()) },
	"Count": func(b *engine.Batch, k *lifecycleKit) error {
		filled := k.is == alive && k.state != "zero"
		return want(nil, (b.Count() == 2) == filled, b.Count())
	},
	"Repr": func(b *engine.Batch, _ *lifecycleKit) error {
		_, err := engine.ParseBatch(b.Repr())
		return err
	},
	"Records": func(b *engine.Batch, _ *lifecycleKit) error {
		n := 0
		for range b.Records() {
			n++
		}
		return want(nil, n == b.Count(), n)
	},
	"Reset": func(b *engine.Batch, _ *lifecycleKit) error {
		b.Reset()
		return want(nil, b.Count() == 0, b.Count())
	},
}

var chunkCalls = map[string]call[*iterator.Chunk]{
	"Len": func(c *iterator.Chunk, k *lifecycleKit) error { return want(nil, c.Len() == kitRows(k), c.Len()) },
	"Key": func(c *iterator.Chunk, _ *lifecycleKit) error {
		return want(nil, bytes.Equal(c.Key(0), kitKeys[0]), c.Key(0))
	},
	"Value": func(c *iterator.Chunk, _ *lifecycleKit) error {
		return want(nil, bytes.Equal(c.Value(0), kitValue(kitKeys[0])), c.Value(0))
	},
	"ValueLen": func(c *iterator.Chunk, _ *lifecycleKit) error {
		return want(nil, c.ValueLen(0) == len(c.Value(0)), c.ValueLen(0))
	},
	"Timestamp": func(c *iterator.Chunk, _ *lifecycleKit) error {
		return want(nil, c.Timestamp(0) == 0, c.Timestamp(0))
	},
	"All": func(c *iterator.Chunk, k *lifecycleKit) error { return countRows(c.All(), kitRows(k)) },
	"Take": func(c *iterator.Chunk, k *lifecycleKit) error {
		t := c.Take()
		return want(nil, t.Len() == kitRows(k) && c.Len() == 0, t.Len())
	},
}

func kitRows(k *lifecycleKit) int {
	if k.state == "zero" || k.state == "nil" {
		return 0
	}
	return len(kitKeys)
}

func countRows(rows iter.Seq2[[]byte, []byte], wanted int) error {
	n := 0
	for key, value := range rows {
		if !bytes.Equal(value, kitValue(key)) {
			return fmt.Errorf("row %q: %q", key, value)
		}
		n++
	}
	return want(nil, n == wanted, n)
}

// lifecycleImporter is what DB and ColumnFamily have in common.
type lifecycleImporter interface {
	Import(ctx context.Context, rd io.Reader, o *engine.ImportOptions) (engine.StreamPosition, error)
}

func importCall[T lifecycleImporter](h T, _ *lifecycleKit) error {
	file := forged().section(blockBytes("x", "8 bytes.")).section(trailerBytes(1, 9, "x", "x"))
	at, err := h.Import(context.Background(), bytes.NewReader(file.out), nil)
	return want(err, at.Whole && at.Rows == 1, at)
}

// lifecycleProperties is what DB and ColumnFamily have in common.
type lifecycleProperties interface {
	PropertyInt(name string) (uint64, error)
	PropertyFloat(name string) (float64, error)
	PropertyMap(name string) (map[string]string, error)
}

func propertyIntCall[T lifecycleProperties](h T, _ *lifecycleKit) error {
	n, err := h.PropertyInt(engine.PropBlockCacheCapacity)
	return want(err, n > 0, n)
}

func propertyFloatCall[T lifecycleProperties](h T, _ *lifecycleKit) error {
	f, err := h.PropertyFloat(engine.PropCompressionRatioAtLevel + "6")
	return want(err, f == -1 || f > 0, f)
}

func propertyMapCall[T lifecycleProperties](h T, _ *lifecycleKit) error {
	m, err := h.PropertyMap(engine.PropAggregatedTableProperties)
	return want(err, len(m) > 0, m)
}
