package iterator_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
)

// data is a random database and the map that says what is in it.
type data struct {
	store
	r      *rand.Rand
	truth  map[string][]byte
	keys   [][]byte // all keys ever put, to be put, deleted and sought again
	values func() []byte
	dir    string
	// Whether engine opened it: then it knows prefixes.
	engine bool
	frozen bool // Refresh shows nothing newer
}

// newData makes a database and fills it by a random history of puts, deletes, flushes and
// compactions, so that rows come from memtables and from several levels of files.
func newData(r *rand.Rand) (*data, error) {
	dir, err := os.MkdirTemp("", "rockbridge-iterator-")
	if err != nil {
		return nil, err
	}
	d := &data{r: r, truth: map[string][]byte{}, dir: dir, engine: oneIn(r, 2)}
	d.values = valueSizes(r)
	if err := d.openStore(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	steps := pick(r, 0, 1, 3, 30, 100, 300)
	for range steps {
		if err := d.change(); err != nil {
			d.end()
			return nil, err
		}
	}
	return d, nil
}

func (d *data) openStore() error {
	// Small blocks and files, so that a few hundred rows lie in many of them.
	block := pick(d.r, 64, 300, 4096)
	extra := fmt.Sprintf("target_file_size_base=%d;level0_file_num_compaction_trigger=%d",
		pick(d.r, 2000, 1<<26), pick(d.r, 2, 100))
	if oneIn(d.r, 3) { // a trap: RocksDB misses rows beyond a sought key's prefix unless told not to
		extra += ";prefix_extractor=rocksdb.FixedPrefix.2;memtable_prefix_bloom_size_ratio=0.1"
	}
	codec := pick(d.r, "", string(engine.NoCompression))
	bloom := pick(d.r, 0, 10.)
	if d.engine {
		o := &engine.Options{BlockCacheSize: 8 << 20}
		o.Compression, o.BlockSize, o.BloomBitsPerKey = engine.Compression(codec), block, bloom
		o.FamilyOptions.Extra = extra
		o.Extra = noFlushAtEnd
		db, err := engine.Open(d.dir, o)
		d.frozen = oneIn(d.r, 4)
		d.store = &engineStore{db, d.frozen}
		if err == nil {
			err = d.overBatch()
		}
		return err
	}
	s, err := openBridge(d.dir, cbridge.FamilyOptions{
		BlockSize: uint64(block), BloomBitsPerKey: bloom, Compression: -1,
	}, extra)
	if err == nil {
		s.eager = func() bool { return oneIn(d.r, 2) }
	}
	d.store = s
	return err
}

const noFlushAtEnd = "avoid_flush_during_shutdown=true"

func (d *data) end() error {
	err := d.store.close()
	os.RemoveAll(d.dir)
	return err
}

// change changes the database in a random way.
func (d *data) change() error {
	switch n := d.r.IntN(100); {
	case n < 70:
		for range 1 + d.r.IntN(8) {
			k, v := d.key(), d.values()
			d.keys = append(d.keys, k)
			d.truth[string(k)] = v
			trace("put %s, %d bytes", quote(k), len(v))
			if err := d.put(k, v); err != nil {
				return err
			}
		}
		return nil
	case n < 87:
		k := d.key()
		delete(d.truth, string(k))
		trace("delete %s", quote(k))
		return d.delete(k)
	case n < 91:
		return d.changeRange()
	case n < 94:
		trace("flush")
		return d.flush()
	case n < 95:
		trace("compact")
		return d.compact()
	default:
		return nil
	}
}

func (d *data) changeRange() error {
	start, end := d.key(), d.key()
	if bytes.Compare(start, end) > 0 {
		start, end = end, start
	}
	if oneIn(d.r, 2) { // a short one, so that rows are left
		end = append(bytes.Clone(start), byte(d.r.IntN(256)))
	}
	for k := range d.truth {
		if k >= string(start) && k < string(end) {
			delete(d.truth, k)
		}
	}
	trace("delete range %s %s", quote(start), quote(end))
	return d.deleteRange(start, end)
}

// key is a random key: often one that was there before, or close to one.
func (d *data) key() []byte {
	if len(d.keys) == 0 || oneIn(d.r, 2) {
		return randomKey(d.r)
	}
	k := bytes.Clone(d.keys[d.r.IntN(len(d.keys))])
	switch d.r.IntN(6) {
	case 0:
		return append(k, pick[byte](d.r, 0, 'm', 0xff))
	case 1:
		return k[:d.r.IntN(len(k)+1)]
	case 2:
		if len(k) > 0 {
			k[len(k)-1] += byte(d.r.IntN(3)) - 1
		}
	}
	return k
}

// randomKey has up to 40 bytes; runs of 0x00 and 0xff and shared beginnings are frequent.
func randomKey(r *rand.Rand) []byte {
	k := bytes.Repeat([]byte{pick[byte](r, 0, 'a', 'b', 0xff)}, pick(r, 0, 0, 1, 2, r.IntN(20)))
	for n := pick(r, 0, 1, 2, r.IntN(20)); n > 0; n-- {
		k = append(k, pick(r, 0, 'a', 'b', 0xff, byte(r.IntN(256))))
	}
	return k
}

// valueSizes gives a source of values: each database has its own mixture of lengths, some around
// those of the buffers that are filled.
func valueSizes(r *rand.Rand) func() []byte {
	kind := r.IntN(5)
	return func() []byte {
		n := r.IntN(20)
		switch {
		case oneIn(r, 8):
			n = 0
		case kind == 1:
			n = r.IntN(5 << 10)
		case kind == 2:
			n = pick(r, 1, 4, 16) << 10
			n -= r.IntN(80)
		case kind == 3 && oneIn(r, 20):
			n = 100<<10 + r.IntN(924<<10)
		case kind == 4 && oneIn(r, 3):
			n = pick(r, 33, 64, 96, 128)<<10 - r.IntN(80)
		}
		return randomBytes(r, n)
	}
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:i+8:cap(b)], r.Uint64())
	}
	return b
}

// options are random options, and the shape that they stand for.
func (d *data) options() (*engine.IterOptions, shape) {
	o := &engine.IterOptions{KeysOnly: oneIn(d.r, 5), NoFillCache: oneIn(d.r, 5), ReadAhead: pick(d.r, 0, 0, 5000)}
	if oneIn(d.r, 2) {
		o.Limit = pick(d.r, 1, 2, 3, 5, 10, 100)
	}
	if oneIn(d.r, 4) {
		o.ValuesUpTo = pick(d.r, 1, 10, 1000)
	}
	o.LowerBound, o.UpperBound = d.bounds()
	s := shape{lower: o.LowerBound, upper: o.UpperBound, keysOnly: o.KeysOnly, upTo: o.ValuesUpTo}
	if d.engine && oneIn(d.r, 3) {
		o.Prefix = d.key()
		if oneIn(d.r, 2) {
			o.Prefix = o.Prefix[:min(len(o.Prefix), 1+d.r.IntN(2))]
		}
		s.prefix = o.Prefix
	}
	d.filtered(o, &s)
	return o, s
}

// bounds are random: open, empty, ordinary or inverted.
func (d *data) bounds() (lower, upper []byte) {
	one := func() []byte {
		switch d.r.IntN(8) {
		case 0, 1, 2:
			return nil
		case 3:
			return pick(d.r, []byte{}, []byte{0xff}, bytes.Repeat([]byte{0xff}, 50))
		default:
			return d.key()
		}
	}
	lower, upper = one(), one()
	if oneIn(d.r, 3) {
		upper = nil
	}
	if lower != nil && upper != nil && bytes.Compare(lower, upper) > 0 && !oneIn(d.r, 5) {
		lower, upper = upper, lower
	}
	return lower, upper
}
