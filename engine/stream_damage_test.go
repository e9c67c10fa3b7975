package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// smallBlocks is an export of a few hundred bytes with several blocks, and its rows.
func smallBlocks(t *testing.T) ([]byte, map[string]string) {
	t.Helper()
	db := openTemp(t, nil)
	rows := zeroRows(t, db, 6)
	file, _ := exported(t, db, nil, nil)
	return file, rows
}

// expectPrefix imports a damaged file and wants an error and exactly the rows up to where it says that it
// came.
func expectPrefix(t *testing.T, what string, to *engine.DB, file []byte, rows map[string]string) {
	t.Helper()
	at, err := to.Import(nil, bytes.NewReader(file), nil)
	expectError(t, what, err, engine.ErrCorruption)
	want := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(rows)) {
		if int64(len(want)) < at.Rows {
			want[k] = rows[k]
		}
	}
	expectRows(t, what, to, want)
	if len(want) > 0 && !endsWith(want, at.LastKey) || at.Offset > int64(len(file)) {
		t.Errorf("%s: %d rows up to %q, %d bytes of %d", what, at.Rows, at.LastKey, at.Offset, len(file))
	}
	if err := to.DeleteRange(nil, []byte("~"), nil); err != nil {
		t.Fatal(err)
	}
}

// endsWith tells whether key is the last one.
func endsWith(rows map[string]string, key []byte) bool {
	return slices.Max(slices.Collect(maps.Keys(rows))) == string(key)
}

func TestEveryTruncationIsNoticed(t *testing.T) {
	file, rows := smallBlocks(t)
	to := openTemp(t, nil)
	expectPrefix(t, "all but one byte", to, file[:len(file)-1], rows)
	step := 1
	if testing.Short() {
		step = 11
	}
	for n := 0; n < len(file); n += step {
		at, err := engine.CheckExport(nil, bytes.NewReader(file[:n]), nil)
		var e *engine.Error
		if !errors.As(err, &e) || e.Code != engine.CodeCorruption || at.Whole || at.Offset > int64(n) {
			t.Fatalf("%d bytes of %d: %v, %+v", n, len(file), err, at)
		}
		if n%(17*step) == 0 {
			expectPrefix(t, fmt.Sprint(n, " bytes"), to, file[:n], rows)
		}
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	r, _ := seededRand(t, "export.seed", *exportSeed)
	blocks, rows := smallBlocks(t)
	flipBits(t, r, blocks, rows, 499)
	db := openTemp(t, nil)
	rows = map[string]string{}
	for i := range 60 {
		rows[fmt.Sprint("key ", i)] = string(valueOf(i))
	}
	putAll(t, db.ColumnFamilies()[0], rows)
	file, _ := exported(t, db, nil, nil)
	flipBits(t, r, file, rows, 7)
}

// flipBits flips one bit of every step, or fewer in short runs.
func flipBits(t *testing.T, r *rand.Rand, file []byte, rows map[string]string, step int) {
	t.Helper()
	to := openTemp(t, nil)
	if testing.Short() {
		step *= 10
	}
	for bit := r.IntN(step); bit < 8*len(file); bit += step {
		bad := bytes.Clone(file)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := engine.CheckExport(nil, bytes.NewReader(bad), nil); !errors.Is(err, engine.ErrCorruption) {
			// A bit of a frame's header that zstd does not look at changes nothing of what it holds.
			if err == nil && sameContent(t, bad, file) {
				continue
			}
			t.Fatalf("bit %d of byte %d: %v", bit%8, bit/8, err)
		}
		if bit/step%23 == 0 {
			expectPrefix(t, fmt.Sprint("bit ", bit), to, bad, rows)
		}
	}
}

// sameContent tells whether two exports bring the same rows.
func sameContent(t *testing.T, a, b []byte) bool {
	t.Helper()
	x, errA := engine.CheckExport(nil, bytes.NewReader(a), nil)
	y, errB := engine.CheckExport(nil, bytes.NewReader(b), nil)
	return errA == nil && errB == nil && x.Checksum == y.Checksum && x.Rows == y.Rows
}

// hostile are files that nothing of ours writes, the words of the error that they must give, and how many
// rows come before it.
func hostile(t *testing.T) map[string]struct {
	file []byte
	says string
	rows int
} {
	row := blockBytes("k", "v")
	number := func(v uint64) []byte { return binary.AppendUvarint(nil, v) }
	big := func(klen, vlen uint64) []byte { return append(append([]byte{'B'}, number(klen+1)...), number(vlen)...) }
	whole := func() *forge { return forged().section(row).section(trailerBytes(1, 2, "k", "k")) }
	broken := forged()
	broken.sum ^= 1
	longBlock := []byte{'B'}
	for i := range 12 {
		longBlock = append(longBlock, rowBytes(fmt.Sprintf("%02d", i), strings.Repeat("v", 100<<10))...)
	}
	type one = struct {
		file []byte
		says string
		rows int
	}
	head := "RBEXPORT\x01"
	return map[string]one{
		"empty":                     {nil, "not whole", 0},
		"no zstd":                   {[]byte("key\tvalue\n"), "not compressed by zstd", 0},
		"zstd of something else":    {storedFrame([]byte("key\tvalue\n"), 0x58, 0), "does not begin with RBEXPORT", 0},
		"much of something else":    {storedFrame([]byte("key\tvalue\n"), 0x58, 99), "does not begin with RBEXPORT", 0},
		"empty frame":               {storedFrame(nil, 0x58, 0), "does not begin with RBEXPORT", 0},
		"another version":           {(&forge{}).section([]byte("RBEXPORT\x02\x00\x00")).out, "another version than 1", 0},
		"magic alone":               {(&forge{}).section([]byte("RBEXPORT")).out, "does not begin with", 0},
		"no head":                   {(&forge{}).section(row).out, "does not begin with", 0},
		"head without its fields":   {(&forge{}).section([]byte(head)).out, "head, at byte 0, is malformed", 0},
		"head that promises":        {(&forge{}).section([]byte(head + "\xff\xff\xff\xff\xff\xff\xff\xff\x7f")).section(row).out, "malformed", 0},
		"head with more":            {(&forge{}).section([]byte(head + "\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00more")).out, "malformed", 0},
		"two heads":                 {forged().section([]byte(head)).out, "second head", 0},
		"huge head":                 {storedFrame([]byte(head), 0x58, 200), "longer than what it holds", 0},
		"window of 4 MiB":           {storedFrame([]byte(head), 0x60, 0), "requires too much memory", 0},
		"window of 2 GiB":           {storedFrame([]byte(head), 0xa8, 0), "requires too much memory", 0},
		"skippable frame":           {append(forged().out, 0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x'), "without a checksum", 0},
		"empty frame in the middle": {forged().frame(nil).out, "without a checksum", 0},
		"wrong checksum":            {broken.section(row).out, "checksum does not match", 0},
		"unknown section":           {forged().section([]byte("Xabc")).out, "no known kind", 0},
		"long unknown section":      {forged().section([]byte("X" + strings.Repeat("x", 30))).out, "no known kind", 0},
		"endless unknown section":   {append(forged().out, storedFrame([]byte("X"), 0x58, 20)...), "longer than what it holds", 0},
		"short other state":         {forged().section([]byte("Sabc")).out, "short section", 0},
		"no trailer":                {forged().section(row).out, "not whole", 1},
		"trailer and half a frame":  {append(whole().out, 0x28), "bytes follow the end", 1},
		"text behind the end":       {append(whole().out, "tail"...), "bytes follow the end", 1},
		"two files":                 {append(whole().out, whole().out...), "bytes follow the end", 1},
		"text behind a block":       {append(forged().section(row).out, "tail"...), "no frame of zstd begins here", 1},
		"trailer's rows":            {forged().section(row).section(trailerBytes(2, 2, "k", "k")).out, "trailer tells", 1},
		"trailer's bytes":           {forged().section(row).section(trailerBytes(1, 3, "k", "k")).out, "trailer tells", 1},
		"trailer's first key":       {forged().section(row).section(trailerBytes(1, 2, "j", "k")).out, "trailer tells", 1},
		"trailer's last key":        {forged().section(row).section(trailerBytes(1, 2, "k", "kk")).out, "trailer tells", 1},
		"trailer with more":         {forged().section(row).section(append(trailerBytes(1, 2, "k", "k"), 0)).out, "trailer tells", 1},
		"short trailer":             {forged().section(row).section([]byte("E\x01")).out, "trailer tells", 1},
		"trailer of an absent key":  {forged().section(row).section([]byte("E\x01\x02\xff\xff\xff\xff\x0fk")).out, "trailer tells", 1},
		"descending keys":           {forged().section(blockBytes("b", "", "a", "")).out, "do not ascend", 0},
		"a key twice":               {forged().section(blockBytes("b", "", "b", "")).out, "do not ascend", 0},
		"a block twice":             {forged().section(row).section(row).out, "do not ascend", 1},
		"empty block":               {forged().section(blockBytes()).out, "another number of rows", 0},
		"wrong number of rows":      {forged().section(append(row[:len(row)-1:len(row)-1], 2)).out, "another number of rows", 0},
		"no number of rows":         {forged().section(row[:len(row)-1]).out, "does not end with its number", 0},
		"rows behind the end":       {forged().section(append(row, row[1:]...)).out, "does not end with its number", 0},
		"block without an end":      {forged().section(row[:len(row)-2]).out, "does not end with its number", 0},
		"half a row":                {forged().section(append(big(1, 100), "kv"...)).out, "does not end with its number", 0},
		"half a length":             {forged().section([]byte("B\xff\xff")).out, "does not end with its number", 0},
		"long key":                  {forged().section(big(8<<20+1, 0)).out, "longer than any can be", 0},
		"endless key":               {forged().section(big(1<<63, 1<<63)).out, "longer than any can be", 0},
		"long value":                {forged().section(big(1, 3<<30+1)).out, "longer than any can be", 0},
		"no length":                 {forged().section([]byte("B\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")).out, "no number", 0},
		"padded length":             {forged().section([]byte("B\x82\x00\x00")).out, "no number", 0},
		"no value length":           {forged().section([]byte("B\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")).out, "no number", 0},
		"block past its size":       {forged().section(longBlock).out, "past its size", 0},
		"bomb of zeros":             {append(forged().out, storedFrame([]byte("B"), 0x58, 5000)...), "longer than what it holds", 0},
		"bomb in the trailer":       {append(forged().out, storedFrame([]byte("E"), 0x58, 5000)...), "longer than what it holds", 0},
		"bomb behind the rows":      {append(forged().out, storedFrame(row, 0x58, 5000)...), "longer than what it holds", 0},
		"bomb as a value": {
			append(forged().out, storedFrame(big(1, 100<<20), 0x58, 1000)...), "longer than what it holds", 0,
		},
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	to := openTemp(t, nil)
	for name, h := range hostile(t) {
		at, err := engine.CheckExport(nil, bytes.NewReader(h.file), nil)
		expectError(t, name, err, engine.ErrCorruption)
		if err != nil && !strings.Contains(err.Error(), h.says) || at.Rows != int64(h.rows) {
			t.Errorf("%s: %d rows, %v; want %d, %q", name, at.Rows, err, h.rows, h.says)
		}
		if got := fmt.Sprint("byte ", at.Offset); err != nil && !strings.Contains(err.Error(), got) && !strings.Contains(h.says, "malformed") {
			t.Errorf("%s: %v does not name %s", name, err, got)
		}
		rows := map[string]string{}
		if h.rows > 0 {
			rows["k"] = "v"
		}
		expectPrefix(t, name, to, h.file, rows)
	}
}

func TestARowAboveTheLimitIsErrTooLarge(t *testing.T) {
	to := openTemp(t, nil)
	value := strings.Repeat("v", 100)
	file := forged().section(blockBytes("a", "1")).section(blockBytes("b", value)).section(trailerBytes(2, 103, "a", "b")).out
	at, err := to.Import(nil, bytes.NewReader(file), &engine.ImportOptions{MaxRow: 100})
	expectError(t, "101 bytes", err, engine.ErrTooLarge)
	if at.Rows != 1 || err != nil && !strings.Contains(err.Error(), fmt.Sprint("byte ", at.Offset)) {
		t.Errorf("%+v, %v", at, err)
	}
	expectRows(t, "before it", to, map[string]string{"a": "1"})
	if _, err = to.Import(nil, bytes.NewReader(file), &engine.ImportOptions{MaxRow: 101}); err != nil {
		t.Errorf("with room: %v", err)
	}
	expectRows(t, "with room", to, map[string]string{"a": "1", "b": value})
}
