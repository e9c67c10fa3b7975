package ondisk

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

var seed = flag.Uint64("ondisk.seed", 0, "seed of the databases that are written; 0: a new one")

func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -run '^%s$' -ondisk.seed=%d", t.Name(), n)
	return rand.New(rand.NewPCG(n, 0))
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// live is what RocksDB and the reader here must agree on.
type live struct {
	family, name        string
	level               int
	size                int64
	smallest, largest   string
	entries, tombstones uint64
}

// fromRocksDB is the state of an open database as RocksDB tells of it.
func fromRocksDB(t *testing.T, db *engine.DB) (all []live) {
	t.Helper()
	files, err := db.LiveFiles()
	must(t, err)
	for _, f := range files {
		all = append(all, live{
			family: f.Family, name: f.Name, level: f.Level, size: f.Size, smallest: string(f.Smallest),
			largest: string(f.Largest), entries: f.Entries, tombstones: f.Deletions,
		})
	}
	return sorted(all)
}

func sorted(all []live) []live {
	slices.SortFunc(all, func(a, b live) int { return cmp.Compare(a.name, b.name) })
	return all
}

// fromDisk is the same state, read here.
func fromDisk(t *testing.T, dir string) (all []live, m *Manifest) {
	t.Helper()
	m, err := ReadManifest(dir)
	must(t, err)
	for _, family := range m.Families {
		for _, f := range family.Files {
			name := fmt.Sprintf("%06d.sst", f.Number)
			p, err := ReadProperties(filepath.Join(dir, name))
			must(t, err)
			if p.Family != family.Name || f.FirstSeq > f.LastSeq || f.LastSeq > m.Sequence {
				t.Errorf("%s of family %s: %+v, %+v; newest %d", name, family.Name, p, f, m.Sequence)
			}
			all = append(all, live{
				family: family.Name, name: name, level: f.Level, size: f.Size, smallest: string(f.Smallest),
				largest: string(f.Largest), entries: p.Entries, tombstones: p.Deletions,
			})
		}
	}
	return sorted(all), m
}

// work changes a database at random: rows, deletions, flushes, compactions, families.
func work(t *testing.T, db *engine.DB, r *rand.Rand, steps int) {
	t.Helper()
	for n := range steps {
		families := db.ColumnFamilies()
		c := families[r.IntN(len(families))]
		key := fmt.Appendf(nil, "%03d%s", r.IntN(500), strings.Repeat("\xff\x00", r.IntN(30)))
		switch r.IntN(40) {
		case 0, 1:
			must(t, c.Flush())
		case 2:
			must(t, c.Compact(t.Context(), nil, nil))
		case 3:
			must(t, db.Flush())
		case 4:
			_, err := db.CreateColumnFamily(fmt.Sprintf("family %d %d", n, db.LatestSequence()), &engine.FamilyOptions{Extra: "enable_blob_files=true;min_blob_size=500;disable_auto_compactions=true"})
			must(t, err)
		case 5:
			if len(families) > 3 && c.Name() != "default" {
				must(t, db.DropColumnFamily(c))
			}
		case 6:
			must(t, c.DeleteRange(key, append(key, 0xff), nil))
		case 7, 8, 9, 10:
			must(t, c.Delete(key, nil))
		default:
			must(t, c.Put(key, bytes.Repeat([]byte("v"), r.IntN(1000)), nil))
		}
	}
}

func TestWhatIsReadIsWhatRocksDBTells(t *testing.T) {
	r := seeded(t)
	dir := filepath.Join(t.TempDir(), "db")
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		db, err := engine.Open(dir, &engine.Options{
			Extra: []string{"", "max_manifest_file_size=1000"}[round%2],
			FamilyOptions: engine.FamilyOptions{
				// No compaction but those of work: another would change the files between the two readings.
				Extra: "enable_blob_files=true;min_blob_size=500;enable_blob_garbage_collection=true;blob_garbage_collection_age_cutoff=1.0;disable_auto_compactions=true",
			},
		})
		must(t, err)
		work(t, db, r, 120)
		must(t, db.Flush())
		got, m := fromDisk(t, dir)
		if want := fromRocksDB(t, db); !slices.Equal(got, want) {
			t.Fatalf("round %d: read %+v, RocksDB tells %+v", round, got, want)
		}
		var names []string
		for _, f := range db.ColumnFamilies() {
			names = append(names, f.Name())
		}
		var read []string
		for _, f := range m.Families {
			read = append(read, f.Name)
			family, err := db.ColumnFamily(f.Name)
			must(t, err)
			if n, err := family.Property("rocksdb.num-blob-files"); err != nil || n != fmt.Sprint(len(f.Blobs)) {
				t.Errorf("family %s has %s files of blobs, read %v, %v", f.Name, n, f.Blobs, err)
			}
			blobs, _ := filepath.Glob(filepath.Join(dir, "*.blob"))
			for n := range f.Blobs {
				if !slices.Contains(blobs, filepath.Join(dir, fmt.Sprintf("%06d.blob", n))) {
					t.Errorf("file of blobs %d is not there; there are %v", n, blobs)
				}
			}
		}
		if !slices.Equal(read, names) || m.Sequence > db.LatestSequence() {
			t.Errorf("families %v, want %v; sequence %d of %d", read, names, m.Sequence, db.LatestSequence())
		}
		must(t, db.Close())
	}
}

// readAll reads a log to its end, and what ended it.
func readAll(b []byte) (records [][]byte, err error) {
	l := NewRecords(bytes.NewReader(b))
	for {
		record, err := l.Next()
		if err != nil {
			return records, err
		}
		records = append(records, record)
	}
}

// newLog has RocksDB write a log of batches of the sizes.
func newLog(t *testing.T, sizes []int) []byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, nil)
	must(t, err)
	for i, n := range sizes {
		must(t, db.Put([]byte{byte(i)}, bytes.Repeat([]byte{byte(i)}, n), nil))
	}
	must(t, db.Close())
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	must(t, err)
	b, err := os.ReadFile(logs[0])
	must(t, err)
	return b
}

func TestRecordsOfALogAreThoseWritten(t *testing.T) {
	sizes := []int{0, 10, 32000, 60000, 0, 200000, 32768, 7, 32700, 1, 2, 3, 32740, 5}
	records, err := readAll(newLog(t, sizes))
	if err != io.EOF || len(records) != len(sizes) {
		t.Fatalf("%d records of %d, %v", len(records), len(sizes), err)
	}
	for i, record := range records {
		if !bytes.HasSuffix(record, bytes.Repeat([]byte{byte(i)}, sizes[i])) || len(record) < sizes[i]+12 {
			t.Errorf("record %d: %d bytes", i, len(record))
		}
	}
}

// TestADamagedLogIsNoticed cuts a log at every place, and changes a bit at many.
func TestADamagedLogIsNoticed(t *testing.T) {
	r := seeded(t)
	whole := newLog(t, []int{10, 100, 40000, 3, 70000, 0})
	_, err := readAll(whole)
	if err != io.EOF {
		t.Fatal(err)
	}
	ends := 0
	for n := 0; n < len(whole); n += 1 + n/300 {
		records, err := readAll(whole[:n])
		if err == io.EOF {
			ends++
		} else if err != io.ErrUnexpectedEOF && !errors.Is(err, ErrDamaged) || len(records) > 6 {
			t.Fatalf("cut to %d bytes: %d records, %v", n, len(records), err)
		}
	}
	if ends > 7 { // between the records only
		t.Errorf("%d cuts look like an end", ends)
	}
	for range 300 {
		b := bytes.Clone(whole)
		at := r.IntN(len(b))
		b[at] ^= 1 << r.IntN(8)
		if records, err := readAll(b); err == io.EOF && len(records) == 6 {
			t.Fatalf("a changed bit at %d of %d went unnoticed", at, len(b))
		}
	}
}

// TestADamagedManifestIsNoticed does the same to a manifest, and wants no panic from any of it, nor from
// records that pass their checksums and are nonsense.
func TestADamagedManifestIsNoticed(t *testing.T) {
	r := seeded(t)
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, nil)
	must(t, err)
	work(t, db, r, 200)
	must(t, db.Close())
	m, err := ReadManifest(dir)
	must(t, err)
	path := filepath.Join(dir, m.Name)
	whole, err := os.ReadFile(path)
	must(t, err)
	for range 100 {
		b := bytes.Clone(whole)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		must(t, os.WriteFile(path, b, 0o600))
		m, err := ReadManifest(dir)
		if err != nil && !errors.Is(err, ErrDamaged) || err == nil && !m.Torn {
			t.Fatalf("%v, %+v", err, m)
		}
	}
	records, _ := readAll(whole)
	for range 3000 {
		record := append(bytes.Clone(records[r.IntN(len(records))]), 0) // RocksDB 9 writes empty ones too
		record[r.IntN(len(record))] = byte(r.Uint32())
		if e, err := parseEdit(record[:r.IntN(len(record)+1)]); err == nil {
			(&states{families: map[uint32]*Family{0: newFamily(0, "default")}}).apply(e)
		}
	}
	must(t, os.WriteFile(path, whole[:len(whole)-3], 0o600))
	if m, err := ReadManifest(dir); err != nil || !m.Torn {
		t.Errorf("without its last bytes: %v, %+v", err, m)
	}
	must(t, os.WriteFile(path, nil, 0o600))
	if _, err := ReadManifest(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("empty: %v", err)
	}
	must(t, os.Remove(path))
	if _, err := ReadManifest(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("gone: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "CURRENT"), []byte("../elsewhere\n"), 0o600))
	if _, err := ReadManifest(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("CURRENT names something else: %v", err)
	}
}

// logOf makes a log of records that each fit into one piece.
func logOf(records ...[]byte) []byte {
	var b []byte
	for _, record := range records {
		piece := append([]byte{kindFull}, record...)
		sum := crc32.Checksum(piece, castagnoli)
		b = binary.LittleEndian.AppendUint32(b, (sum>>15|sum<<17)+0xa282ead8)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(record)))
		b = append(b, piece...)
	}
	return b
}

// TestAGroupOfRecordsCountsWholeOrNotAtAll has a writer die in the middle of one.
func TestAGroupOfRecordsCountsWholeOrNotAtAll(t *testing.T) {
	number := func(tag, n byte, following ...byte) []byte { return append([]byte{tag, n}, following...) }
	group := func(left byte) []byte { return []byte{0xac, 0x02, left} } // the tag is 300
	first, last := number(tagNextFile, 7, group(1)...), number(tagSequence, 9, group(0)...)
	alone := number(tagNextFile, 5)
	m, err := parseManifest(bytes.NewReader(logOf(alone, first)))
	must(t, err)
	if m.NextFile != 5 || m.Torn {
		t.Errorf("half a group: %+v", m)
	}
	m, err = parseManifest(bytes.NewReader(logOf(alone, first, last)))
	must(t, err)
	if m.NextFile != 7 || m.Sequence != 9 {
		t.Errorf("a whole group: %+v", m)
	}
	if _, err := parseManifest(bytes.NewReader(logOf(number(tagFamily, 3, tagNextFile, 1)))); !errors.Is(err, ErrDamaged) {
		t.Errorf("a family that there is not: %v", err)
	}
	if _, err := parseManifest(bytes.NewReader(logOf(number(99, 3)))); !errors.Is(err, ErrDamaged) {
		t.Errorf("an unknown tag: %v", err)
	}
	skippable := binary.AppendUvarint(nil, tagSkippable+999)
	if m, err := parseManifest(bytes.NewReader(logOf(append(append(skippable, 2, 'x', 'y'), alone...)))); err != nil || m.NextFile != 5 {
		t.Errorf("an unknown tag that may be skipped: %v, %+v", err, m)
	}
}

// TestBlobsThatNothingRefersToAreForgotten: RocksDB deletes their files without a record of it.
func TestBlobsThatNothingRefersToAreForgotten(t *testing.T) {
	s := &states{families: map[uint32]*Family{0: newFamily(0, "default")}}
	must(t, s.apply(&edit{
		files: []File{{Number: 20, oldestBlob: 6}, {Number: 21, oldestBlob: 5}, {Number: 22}},
		blobs: []Blob{{3, 2, 10}, {5, 2, 10}, {6, 2, 10}, {7, 2, 10}, {8, 2, 10}},
	}))
	must(t, s.apply(&edit{garbage: []Blob{{7, 1, 5}, {8, 2, 10}}})) // 7 has a value left, 8 has none
	m := s.manifest(false)
	if got := slices.Sorted(maps.Keys(m.Families[0].Blobs)); !slices.Equal(got, []uint64{5, 6, 7}) {
		t.Errorf("%v are left", got)
	}
	must(t, s.apply(&edit{deleted: []uint64{20, 21}}))
	if m := s.manifest(false); len(m.Families[0].Blobs) != 0 {
		t.Errorf("%v are left without a table that refers to them", m.Families[0].Blobs)
	}
}

func TestPiecesOutOfOrderAreDamage(t *testing.T) {
	for _, kinds := range [][]byte{{kindMiddle}, {kindLast}, {kindFirst, kindFull}, {kindFirst, kindFirst}, {kindFull, kindLast}} {
		b := logOf(make([][]byte, len(kinds))...)
		for i, kind := range kinds {
			piece := b[pieceHead*i:]
			piece[6] = kind
			sum := crc32.Checksum(piece[6:7], castagnoli)
			binary.LittleEndian.PutUint32(piece, (sum>>15|sum<<17)+0xa282ead8)
		}
		if _, err := readAll(b); !errors.Is(err, ErrDamaged) {
			t.Errorf("kinds %v: %v", kinds, err)
		}
	}
}

// TestARecycledLogEndsWhereTheOldOneShows: what a log that is written over an old one has behind its end is
// no damage.
func TestARecycledLogEndsWhereTheOldOneShows(t *testing.T) {
	recycled := func(record string) []byte {
		piece := append([]byte{kindRecyclable, 1, 2, 3, 4}, record...)
		sum := crc32.Checksum(piece, castagnoli)
		b := binary.LittleEndian.AppendUint32(nil, (sum>>15|sum<<17)+0xa282ead8)
		return append(binary.LittleEndian.AppendUint16(b, uint16(len(record))), piece...)
	}
	b := append(recycled("one"), recycled("two")...)
	old := bytes.Repeat([]byte("what the file held before"), 3000)
	records, err := readAll(append(b, old...))
	if err != io.EOF || len(records) != 2 || string(records[0]) != "one" || string(records[1]) != "two" {
		t.Errorf("%q, %v", records, err)
	}
	if _, err := readAll(append(logOf([]byte("one")), old...)); !errors.Is(err, ErrDamaged) {
		t.Errorf("behind a log of its own: %v", err)
	}
}

func TestADamagedTableIsNoticed(t *testing.T) {
	r := seeded(t)
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, &engine.Options{FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression}})
	must(t, err)
	must(t, db.Put([]byte("key"), []byte("value"), nil), db.Put([]byte("key2"), nil, nil), db.Flush(), db.Close())
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	must(t, err)
	whole, err := os.ReadFile(tables[0])
	must(t, err)
	if p, err := ReadProperties(tables[0]); err != nil || p.Entries != 2 || p.RawBytes != 7+2*8+5 || p.Compression != "NoCompression" {
		t.Errorf("%+v, %v", p, err)
	}
	read := func(b []byte) error {
		_, err := readProperties(bytes.NewReader(b), int64(len(b)))
		return err
	}
	index, err := indexOfBlocks(bytes.NewReader(whole), int64(len(whole)))
	must(t, err, read(whole))
	packed := bytes.Clone(whole)
	packed[index.at+index.size] = 1 // says that it is compressed
	if err := read(packed); !errors.Is(err, ErrDamaged) {
		t.Errorf("a compressed index: %v", err)
	}
	for n := range whole {
		if err := read(whole[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	for range 3000 { // what is read has no checksum here: but nothing may go wrong
		b := bytes.Clone(whole)
		for range 1 + r.IntN(4) {
			b[len(b)-1-r.IntN(min(len(b), 900))] = byte(r.Uint32())
		}
		if err := read(b); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	}
}
