package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var multiGetSeed = flag.Uint64("multiget.seed", 0, "seed of the tests of MultiGet; 0: a new one each time")

// multiReader is what a DB, a family and a snapshot have in common for many keys.
type multiReader interface {
	MultiGet(keys [][]byte, o *engine.ReadOptions) ([]engine.Value, error)
}

// multiStore is a database of families and what they hold.
type multiStore struct {
	t        *testing.T
	r        *rand.Rand
	db       *engine.DB
	families []*engine.ColumnFamily
	rows     []map[string]string // in the order of families
}

var multiFamilies = []string{"default", "adds", "small", "blobs"}

func multiOptions() *engine.Options {
	small := engine.FamilyOptions{BlockSize: 200, BloomBitsPerKey: 8, MergeOperator: engine.Uint64Add}
	small.Extra = "prefix_extractor=rocksdb.FixedPrefix.2;memtable_prefix_bloom_size_ratio=0.1"
	return &engine.Options{
		FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add, Compression: engine.NoCompression},
		Families: map[string]engine.FamilyOptions{
			"adds": {MergeOperator: engine.Uint64Add, WriteBufferSize: 64 << 10}, "small": small,
			"blobs": {Extra: "enable_blob_files=true;min_blob_size=8"},
		},
	}
}

func newMultiStore(t *testing.T, r *rand.Rand) *multiStore {
	s := &multiStore{t: t, r: r, db: openTemp(t, multiOptions())}
	for _, name := range multiFamilies {
		c, err := s.db.ColumnFamily(name)
		if err != nil {
			t.Fatal(err)
		}
		s.families = append(s.families, c)
		s.rows = append(s.rows, map[string]string{})
	}
	return s
}

func (s *multiStore) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// key is one of a few hundred; those that begin with "n" hold numbers.
func (s *multiStore) key() string {
	switch s.r.IntN(8) {
	case 0:
		return fmt.Sprintf("n%02d", s.r.IntN(40))
	case 1:
		return "abcdefgh"[:s.r.IntN(9)]
	case 2:
		return string(bytes.Repeat([]byte{byte(s.r.IntN(256))}, 1000*s.r.IntN(3)))
	default:
		return fmt.Sprintf("%x", s.r.IntN(600))
	}
}

func (s *multiStore) value() string {
	n := s.r.IntN(40)
	switch s.r.IntN(60) {
	case 0:
		n = 20_000
	case 1, 2, 3:
		n = 1000 + s.r.IntN(3000)
	case 4, 5, 6:
		n = 0
	}
	v := make([]byte, n)
	for i := range v {
		v[i] = byte(s.r.Uint32())
	}
	return string(v)
}

// write makes one random change.
func (s *multiStore) write() {
	i := s.r.IntN(len(s.families))
	c, rows, key := s.families[i], s.rows[i], s.key()
	switch n := s.r.IntN(40); {
	case n == 0:
		end := key + string(rune('0'+s.r.IntN(10)))
		s.ok(c.DeleteRange([]byte(key), []byte(end), nil))
		maps.DeleteFunc(rows, func(k, _ string) bool { return k >= key && k < end })
	case n == 1:
		s.ok(c.Flush())
	case n == 2 && s.r.IntN(20) == 0:
		s.ok(c.Compact(context.Background(), nil, nil))
	case n < 10:
		s.ok(c.Delete([]byte(key), nil))
		delete(rows, key)
	case len(key) > 0 && key[0] == 'n' && c.Name() != "blobs":
		add := s.r.Uint64N(1000)
		s.ok(c.Merge([]byte(key), binary.LittleEndian.AppendUint64(nil, add), nil))
		if old, ok := rows[key]; ok {
			add += binary.LittleEndian.Uint64([]byte(old))
		}
		rows[key] = string(binary.LittleEndian.AppendUint64(nil, add))
	default:
		v := s.value()
		s.ok(c.Put([]byte(key), []byte(v), nil))
		rows[key] = v
	}
}

// size is how many keys a call names: mostly few, at times up to 2,000.
func (s *multiStore) size() int {
	switch s.r.IntN(6) {
	case 0:
		return s.r.IntN(3)
	case 1:
		return s.r.IntN(2001)
	default:
		return s.r.IntN(70)
	}
}

func (s *multiStore) options() *engine.ReadOptions {
	switch s.r.IntN(6) {
	case 0:
		return &engine.ReadOptions{NoFillCache: true}
	case 1:
		return &engine.ReadOptions{NoVerifyChecksums: true}
	case 2:
		return &engine.ReadOptions{Context: context.Background()}
	case 3:
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		s.t.Cleanup(cancel)
		return &engine.ReadOptions{Context: ctx}
	case 4:
		return &engine.ReadOptions{CacheOnly: true}
	default:
		return nil
	}
}

// judgeValue compares what a call gave for one key.
func judgeValue(v engine.Value, want string, there bool, o *engine.ReadOptions) error {
	switch {
	case v.Err != nil && v.Data != nil:
		return fmt.Errorf("data %.40q beside error %v", v.Data, v.Err)
	case o != nil && o.CacheOnly && errors.Is(v.Err, engine.ErrWouldBlock):
		return nil
	case !there && v.Err == engine.ErrNotFound:
		return nil
	case !there || v.Err != nil:
		return fmt.Errorf("%.40q, %v; it is there: %v", v.Data, v.Err, there)
	case v.Data == nil || string(v.Data) != want:
		return fmt.Errorf("%d bytes %.40q, want %d %.40q", len(v.Data), v.Data, len(want), want)
	case cap(v.Data) != len(v.Data):
		return fmt.Errorf("cap %d of %d bytes", cap(v.Data), len(v.Data))
	}
	return nil
}

// spoil overwrites all data, which must be the caller's and not overlap.
func spoil(t *testing.T, values []engine.Value) {
	for _, v := range values {
		for i := range v.Data {
			v.Data[i] ^= 0xff
		}
	}
	for i, v := range values {
		for j := range v.Data {
			v.Data[j] ^= 0xff
		}
		if i > 0 && len(v.Data) > 0 && len(values[i-1].Data) > 0 && &v.Data[0] == &values[i-1].Data[0] {
			t.Fatal("two values share memory")
		}
	}
}

func (s *multiStore) readOne(r multiReader, rows map[string]string) {
	keys := make([][]byte, s.size())
	for i := range keys {
		keys[i] = []byte(s.key())
	}
	o := s.options()
	values, err := r.MultiGet(keys, o)
	if err != nil || len(values) != len(keys) || values == nil {
		s.t.Fatalf("%d values for %d keys, %v", len(values), len(keys), err)
	}
	spoil(s.t, values)
	for i, v := range values {
		want, there := rows[string(keys[i])]
		if err := judgeValue(v, want, there, o); err != nil {
			s.t.Fatalf("key %d of %d, %.40q, options %+v: %v", i, len(keys), keys[i], o, err)
		}
	}
}

func (s *multiStore) readSeveral(r interface {
	MultiGetFamilies([]engine.FamilyKey, *engine.ReadOptions) ([]engine.Value, error)
}, rows []map[string]string,
) {
	keys := make([]engine.FamilyKey, s.size())
	which := make([]int, len(keys))
	for i := range keys {
		which[i] = s.r.IntN(len(s.families))
		keys[i] = engine.FamilyKey{Family: s.families[which[i]], Key: []byte(s.key())}
	}
	o := s.options()
	values, err := r.MultiGetFamilies(keys, o)
	if err != nil || len(values) != len(keys) || values == nil {
		s.t.Fatalf("%d values for %d keys, %v", len(values), len(keys), err)
	}
	spoil(s.t, values)
	for i, v := range values {
		want, there := rows[which[i]][string(keys[i].Key)]
		if err := judgeValue(v, want, there, o); err != nil {
			s.t.Fatalf("key %d of %d, %.40q in %s: %v", i, len(keys), keys[i].Key, keys[i].Family.Name(), err)
		}
	}
}

// Whatever was written, MultiGet answers as a map does, from families, snapshots and several families.
func TestMultiGetDoesAsAMap(t *testing.T) {
	r, _ := seededRand(t, "multiget.seed", *multiGetSeed)
	s := newMultiStore(t, r)
	rounds := 600
	if testing.Short() {
		rounds = 90
	}
	var snap *engine.Snapshot
	var then []map[string]string
	for n := range rounds {
		for range r.IntN(30) {
			s.write()
		}
		i := r.IntN(len(s.families))
		s.readOne(s.families[i], s.rows[i])
		s.readOne(s.db, s.rows[0])
		s.readSeveral(s.db, s.rows)
		if n%30 == 0 {
			s.ok(snap.Close())
			var err error
			snap, err = s.db.NewSnapshot()
			s.ok(err)
			then = nil
			for _, rows := range s.rows {
				then = append(then, maps.Clone(rows))
			}
		}
		s.readOne(snap.In(s.families[i]), then[i])
		s.readSeveral(snap, then)
	}
	s.ok(snap.Close())
}

func TestMultiGetReadsADatabaseThatIsReadOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, nil)
	keys := make([][]byte, 100)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "%d", i)
		if err := db.Put(keys[i], keys[i], nil); err != nil {
			t.Fatal(err)
		}
		if i == 50 {
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir, &engine.Options{ReadOnly: true})
	values, err := db.MultiGet(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if v.Err != nil || !bytes.Equal(v.Data, keys[i]) {
			t.Errorf("%s: %q, %v", keys[i], v.Data, v.Err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMultiGetOfNoKeysAnswersNoValues(t *testing.T) {
	db := openTemp(t, nil)
	for _, keys := range [][][]byte{nil, {}} {
		n := cgoCalls(func() {
			values, err := db.MultiGet(keys, nil)
			several, e := db.MultiGetFamilies(nil, nil)
			if values == nil || len(values) != 0 || several == nil || len(several) != 0 || err != nil || e != nil {
				t.Errorf("%v, %v; %v, %v", values, err, several, e)
			}
		})
		if n != 0 {
			t.Errorf("%d calls into C", n)
		}
	}
}

// Errors of a key are the key's; those of all keys are the call's.
func TestMultiGetTellsErrorsOfOneKeyFromThoseOfAll(t *testing.T) {
	db, other := openTemp(t, nil), openTemp(t, nil)
	f, err := db.CreateColumnFamily("f", nil)
	if err != nil {
		t.Fatal(err)
	}
	def, _ := db.ColumnFamily("default")
	foreign, _ := other.ColumnFamily("default")
	for _, c := range []*engine.ColumnFamily{def, f, foreign} {
		if err := c.Put([]byte("k"), []byte("v"), nil); err != nil {
			t.Fatal(err)
		}
	}
	long := make([]byte, engine.MaxKeySize+1)
	values, err := db.MultiGet([][]byte{[]byte("k"), long, []byte("none"), long[1:], []byte("k")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, engine.ErrTooLarge, engine.ErrNotFound, engine.ErrNotFound, nil} {
		if !errors.Is(values[i].Err, want) || (want == nil) != (string(values[i].Data) == "v") {
			t.Errorf("key %d: %q, %v; want %v", i, values[i].Data, values[i].Err, want)
		}
	}
	if values[2].Err != engine.ErrNotFound {
		t.Errorf("a miss is not ErrNotFound itself: %v", values[2].Err)
	}
	if err := db.DropColumnFamily(f); err != nil {
		t.Fatal(err)
	}
	_, err = f.MultiGet([][]byte{[]byte("k")}, nil)
	expectError(t, "a dropped family", err, engine.ErrFamilyDropped)
	mixed := []engine.FamilyKey{
		{Family: f, Key: []byte("k")},
		{Family: def, Key: []byte("k")},
		{Family: foreign, Key: []byte("k")},
		{Key: []byte("k")},
		{Family: def},
		{Family: def, Key: long},
		{Family: new(engine.ColumnFamily)},
	}
	wants := []error{
		engine.ErrFamilyDropped, nil, engine.ErrInvalidArgument, engine.ErrClosed,
		engine.ErrNotFound, engine.ErrTooLarge, engine.ErrClosed,
	}
	snap, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	for name, read := range map[string]func([]engine.FamilyKey, *engine.ReadOptions) ([]engine.Value, error){
		"db": db.MultiGetFamilies, "snapshot": snap.In(f).MultiGetFamilies,
	} {
		values, err := read(mixed, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		for i, want := range wants {
			if !errors.Is(values[i].Err, want) || (want == nil) != (string(values[i].Data) == "v") {
				t.Errorf("%s, key %d: %q, %v; want %v", name, i, values[i].Data, values[i].Err, want)
			}
		}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_, err = read(mixed, &engine.ReadOptions{Context: ended})
		expectError(t, name+": an ended context", err, context.Canceled)
	}
	_, err = db.MultiGet(make([][]byte, engine.MaxMultiGetKeys+1), nil)
	expectError(t, "too many keys", err, engine.ErrTooLarge)
	many := make([][]byte, engine.MaxBatchSize/engine.MaxKeySize+1)
	for i := range many {
		many[i] = long[1:]
	}
	if n := cgoCalls(func() { _, err = db.MultiGet(many, nil) }); n != 0 {
		t.Errorf("%d calls into C", n)
	}
	expectError(t, "too many bytes of keys", err, engine.ErrTooLarge)
}
