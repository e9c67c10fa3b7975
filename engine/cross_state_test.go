package engine_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/engine"
)

// crossAdds is the family that merges.
const crossAdds = "adds"

// crossFamilies are the families of the databases that versions of RocksDB hand to each other: what
// lies on disk in different forms.
func crossFamilies() map[string]engine.FamilyOptions {
	all := map[string]engine.FamilyOptions{
		crossAdds:     {MergeOperator: engine.Uint64Add, BloomBitsPerKey: 10},
		"blobs":       {Extra: "enable_blob_files=true;min_blob_size=100;blob_compression_type=kZSTD"},
		"prefixed":    {BloomBitsPerKey: 8, Extra: "prefix_extractor=fixed:4;memtable_prefix_bloom_size_ratio=0.1"},
		"partitioned": {Extra: "block_based_table_factory={filter_policy=ribbonfilter:9;index_type=kTwoLevelIndexSearch;partition_filters=true;block_size=512}"},
		"universal":   {Extra: "compaction_style=kCompactionStyleUniversal;block_based_table_factory={checksum=kCRC32c}"},
		"a:b #1":      {BlockSize: 1 << 10},
	}
	for _, c := range []engine.Compression{
		engine.NoCompression, engine.SnappyCompression, engine.ZlibCompression, engine.LZ4Compression,
		engine.LZ4HCCompression, engine.ZSTDCompression,
	} {
		all[string(c)] = engine.FamilyOptions{Compression: c, BloomBitsPerKey: 12.5}
	}
	return all
}

// crossState is a database and what it must hold; db is nil where only the latter is wanted.
type crossState struct {
	db   *engine.DB
	rows map[string]map[string]string // by family
	r    *rand.Rand
	b    *engine.Batch
}

// crossRows is what the database holds after so many stages.
func crossRows(seed uint64, stages int) map[string]map[string]string {
	s := &crossState{rows: map[string]map[string]string{"default": {}}}
	for name := range crossFamilies() {
		s.rows[name] = map[string]string{}
	}
	for stage := range stages {
		s.write(seed, stage)
	}
	return s.rows
}

// write is one stage. All that it does follows from its seed, in the database as in rows.
func (s *crossState) write(seed uint64, stage int) {
	s.r = rand.New(rand.NewPCG(seed, uint64(stage)))
	names := slices.Sorted(maps.Keys(s.rows))
	for part := range 4 {
		for range 60 {
			if s.db != nil {
				s.b = s.db.NewBatch()
			}
			for range 1 + s.r.IntN(8) {
				s.change(names[s.r.IntN(len(names))], stage)
			}
			if s.db != nil {
				must(s.db.Write(s.b, nil))
			}
		}
		if part == 3 || s.db == nil { // what comes last stays in the log
			continue
		}
		must(s.db.Flush())
		if part == 1 {
			must(s.db.Compact(nil, nil, nil))
		}
	}
}

// change makes one change to a family.
func (s *crossState) change(family string, stage int) {
	key := fmt.Sprintf("%04d/%03d", s.r.IntN(10), s.r.IntN(40))
	rows := s.rows[family]
	var b *engine.Batch
	if s.db != nil {
		cf, err := s.db.ColumnFamily(family)
		must(err)
		b = s.b.In(cf)
	}
	switch kind := s.r.IntN(20); {
	case kind == 0:
		start := key[:5]
		maps.DeleteFunc(rows, func(k, _ string) bool { return k >= start && k < key })
		if b != nil {
			must(b.DeleteRange([]byte(start), []byte(key)))
		}
	case kind < 4:
		delete(rows, key)
		if b != nil {
			must(b.Delete([]byte(key)))
		}
	case family == crossAdds:
		n := s.r.Uint64()
		rows[key] = crossSum(rows[key], n)
		if b != nil {
			must(b.Merge([]byte(key), []byte(crossSum("", n))))
		}
	default:
		v := strings.Repeat(fmt.Sprintf("%d %s %d;", stage, key, s.r.IntN(1000)), s.r.IntN(40))
		rows[key] = v
		if b != nil {
			must(b.Put([]byte(key), []byte(v)))
		}
	}
}

// crossSum adds as the merge operator does.
func crossSum(v string, n uint64) string {
	if v != "" {
		n += binary.LittleEndian.Uint64([]byte(v))
	}
	return string(binary.LittleEndian.AppendUint64(nil, n))
}

// crossCompare looks for a difference between a database, or a snapshot of it, and what it must hold.
func crossCompare(db *engine.DB, in func(*engine.ColumnFamily) engine.Reader, want map[string]map[string]string) error {
	if n := len(db.ColumnFamilies()); n != len(want) {
		return fmt.Errorf("%d families, want %d", n, len(want))
	}
	for name, rows := range want {
		cf, err := db.ColumnFamily(name)
		if err != nil {
			return err
		}
		if err := crossCompareFamily(in(cf), rows); err != nil {
			return fmt.Errorf("family %s: %w", name, err)
		}
	}
	return nil
}

// crossCompareFamily reads a family in three ways.
func crossCompareFamily(r engine.Reader, want map[string]string) error {
	keys := slices.Sorted(maps.Keys(want))
	it, err := r.NewIter(nil)
	if err != nil {
		return err
	}
	defer it.Close()
	i := 0
	for k, v := range it.All() {
		if i == len(keys) || string(k) != keys[i] || string(v) != want[keys[i]] {
			return fmt.Errorf("row %d of %d is %q = %.40q", i, len(keys), k, v)
		}
		i++
	}
	if err := it.Error(); err != nil || i != len(keys) {
		return fmt.Errorf("%d rows, want %d: %w", i, len(keys), err)
	}
	for k := range it.Backward() {
		if i--; i < 0 || string(k) != keys[i] {
			return fmt.Errorf("backwards row %d is %q", i, k)
		}
	}
	if err := it.Error(); err != nil || i != 0 {
		return fmt.Errorf("backwards %d rows are missing: %w", i, err)
	}
	for _, k := range keys {
		if v, err := r.Get([]byte(k), nil); err != nil || string(v) != want[k] {
			return fmt.Errorf("Get(%q) = %.40q, %w", k, v, err)
		}
		if _, err := r.Get([]byte(k+"x"), nil); err != engine.ErrNotFound {
			return fmt.Errorf("Get(%q): %w", k+"x", err)
		}
	}
	return nil
}
