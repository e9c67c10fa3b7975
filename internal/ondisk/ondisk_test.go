package ondisk_test

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
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
	ondisk.Must(t, err)
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
func fromDisk(t *testing.T, dir string) (all []live, m *ondisk.Manifest) {
	t.Helper()
	m, err := ondisk.ReadManifest(dir)
	ondisk.Must(t, err)
	for _, family := range m.Families {
		for _, f := range family.Files {
			name := fmt.Sprintf("%06d.sst", f.Number)
			p, err := ondisk.ReadProperties(filepath.Join(dir, name))
			ondisk.Must(t, err)
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
			ondisk.Must(t, c.Flush())
		case 2:
			ondisk.Must(t, c.Compact(t.Context(), nil, nil))
		case 3:
			ondisk.Must(t, db.Flush())
		case 4:
			_, err := db.CreateColumnFamily(fmt.Sprintf("family %d %d", n, db.LatestSequence()), &engine.FamilyOptions{Extra: "enable_blob_files=true;min_blob_size=500;disable_auto_compactions=true"})
			ondisk.Must(t, err)
		case 5:
			if len(families) > 3 && c.Name() != "default" {
				ondisk.Must(t, db.DropColumnFamily(c))
			}
		case 6:
			ondisk.Must(t, c.DeleteRange(key, append(key, 0xff), nil))
		case 7, 8, 9, 10:
			ondisk.Must(t, c.Delete(key, nil))
		default:
			ondisk.Must(t, c.Put(key, bytes.Repeat([]byte("v"), r.IntN(1000)), nil))
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
		ondisk.Must(t, err)
		work(t, db, r, 120)
		ondisk.Must(t, db.Flush())
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
			ondisk.Must(t, err)
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
		ondisk.Must(t, db.Close())
	}
}

// newLog has RocksDB write a log of batches of the sizes.
func newLog(t *testing.T, sizes []int) []byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, nil)
	ondisk.Must(t, err)
	for i, n := range sizes {
		ondisk.Must(t, db.Put([]byte{byte(i)}, bytes.Repeat([]byte{byte(i)}, n), nil))
	}
	ondisk.Must(t, db.Close())
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	ondisk.Must(t, err)
	b, err := os.ReadFile(logs[0])
	ondisk.Must(t, err)
	return b
}

func TestRecordsOfALogAreThoseWritten(t *testing.T) {
	sizes := []int{0, 10, 32000, 60000, 0, 200000, 32768, 7, 32700, 1, 2, 3, 32740, 5}
	records, err := ondisk.ReadAll(newLog(t, sizes))
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
	_, err := ondisk.ReadAll(whole)
	if err != io.EOF {
		t.Fatal(err)
	}
	ends := 0
	for n := 0; n < len(whole); n += 1 + n/300 {
		records, err := ondisk.ReadAll(whole[:n])
		if err == io.EOF {
			ends++
		} else if err != io.ErrUnexpectedEOF && !errors.Is(err, ondisk.ErrDamaged) || len(records) > 6 {
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
		if records, err := ondisk.ReadAll(b); err == io.EOF && len(records) == 6 {
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
	ondisk.Must(t, err)
	work(t, db, r, 200)
	ondisk.Must(t, db.Close())
	m, err := ondisk.ReadManifest(dir)
	ondisk.Must(t, err)
	path := filepath.Join(dir, m.Name)
	whole, err := os.ReadFile(path)
	ondisk.Must(t, err)
	for range 100 {
		b := bytes.Clone(whole)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		ondisk.Must(t, os.WriteFile(path, b, 0o600))
		m, err := ondisk.ReadManifest(dir)
		if err != nil && !errors.Is(err, ondisk.ErrDamaged) || err == nil && !m.Torn {
			t.Fatalf("%v, %+v", err, m)
		}
	}
	records, _ := ondisk.ReadAll(whole)
	for range 3000 {
		record := append(bytes.Clone(records[r.IntN(len(records))]), 0) // RocksDB 9 writes empty ones too
		record[r.IntN(len(record))] = byte(r.Uint32())
		ondisk.TakeAlone(record[:r.IntN(len(record)+1)])
	}
	ondisk.Must(t, os.WriteFile(path, whole[:len(whole)-3], 0o600))
	if m, err := ondisk.ReadManifest(dir); err != nil || !m.Torn {
		t.Errorf("without its last bytes: %v, %+v", err, m)
	}
	ondisk.Must(t, os.WriteFile(path, nil, 0o600))
	if _, err := ondisk.ReadManifest(dir); !errors.Is(err, ondisk.ErrDamaged) {
		t.Errorf("empty: %v", err)
	}
	ondisk.Must(t, os.Remove(path))
	if _, err := ondisk.ReadManifest(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("gone: %v", err)
	}
	ondisk.Must(t, os.WriteFile(filepath.Join(dir, "CURRENT"), []byte("../elsewhere\n"), 0o600))
	if _, err := ondisk.ReadManifest(dir); !errors.Is(err, ondisk.ErrDamaged) {
		t.Errorf("CURRENT names something else: %v", err)
	}
}

func TestADamagedTableIsNoticed(t *testing.T) {
	r := seeded(t)
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, &engine.Options{FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression}})
	ondisk.Must(t, err)
	ondisk.Must(t, db.Put([]byte("key"), []byte("value"), nil), db.Put([]byte("key2"), nil, nil), db.Flush(), db.Close())
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	ondisk.Must(t, err)
	whole, err := os.ReadFile(tables[0])
	ondisk.Must(t, err)
	if p, err := ondisk.ReadProperties(tables[0]); err != nil || p.Entries != 2 || p.RawBytes != 7+2*8+5 || p.RawKeyBytes != 7+2*8 || p.Compression != "NoCompression" {
		t.Errorf("%+v, %v", p, err)
	}
	read := func(b []byte) error {
		_, err := ondisk.ReadPropertiesFrom(bytes.NewReader(b), int64(len(b)))
		return err
	}
	index, err := ondisk.IndexAt(bytes.NewReader(whole), int64(len(whole)))
	ondisk.Must(t, err, read(whole))
	packed := bytes.Clone(whole)
	packed[index] = 1 // says that it is compressed
	if err := read(packed); !errors.Is(err, ondisk.ErrDamaged) {
		t.Errorf("a compressed index: %v", err)
	}
	for n := range whole {
		if err := read(whole[:n]); !errors.Is(err, ondisk.ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	for range 3000 { // what is read has no checksum here: but nothing may go wrong
		b := bytes.Clone(whole)
		for range 1 + r.IntN(4) {
			b[len(b)-1-r.IntN(min(len(b), 900))] = byte(r.Uint32())
		}
		if err := read(b); err != nil && !errors.Is(err, ondisk.ErrDamaged) {
			t.Fatal(err)
		}
	}
}
