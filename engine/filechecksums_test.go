package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var checksumsSeed = flag.Uint64("checksums.seed", 0, "seed of the test of files' checksums; 0: a new one")

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// withChecksums has two families, of which one has blobs.
func withChecksums() *engine.Options {
	return &engine.Options{
		FileChecksums: true,
		FamilyOptions: engine.FamilyOptions{BloomBitsPerKey: 10, Extra: byHandOnly},
		Families:      map[string]engine.FamilyOptions{"blobs": {Tuning: engine.Tuning{BlobsFrom: 100}, Extra: byHandOnly}},
	}
}

// expectChecksums compares what the manifest has of every file with the file's bytes.
func expectChecksums(t *testing.T, what string, db *engine.DB, unknown int) []engine.FileChecksum {
	t.Helper()
	files, err := db.FileChecksums(nil)
	mustDo(t, err)
	var onDisk, listed []string
	for _, ending := range []string{"*.sst", "*.blob"} {
		found, _ := filepath.Glob(filepath.Join(db.Path(), ending))
		for _, path := range found {
			onDisk = append(onDisk, filepath.Base(path))
		}
	}
	missing, size := 0, int64(0)
	for _, f := range files {
		listed = append(listed, f.Name)
		bytes, err := os.ReadFile(filepath.Join(db.Path(), f.Name))
		mustDo(t, err)
		if !f.Known {
			missing++
			continue
		}
		size += int64(len(bytes))
		if sum := crc32.Checksum(bytes, crcTable); sum != f.CRC32C || f.Kind == engine.BlobFile != strings.HasSuffix(f.Name, ".blob") {
			t.Errorf("%s: %+v, but the checksum is %08x", what, f, sum)
		}
	}
	slices.Sort(onDisk)
	if !slices.Equal(onDisk, listed) || missing != unknown {
		t.Errorf("%s: files %q, listed are %q, without a checksum %d, want %d", what, onDisk, listed, missing, unknown)
	}
	var told int64
	r, err := db.VerifyFileChecksums(nil, &engine.VerifyOptions{Progress: func(n int64) { told = n }})
	if err != nil || r.Files != len(files)-missing || len(r.Unknown) != missing || r.Bytes != size || told != size {
		t.Errorf("%s: verified %+v of %d files, told %d of %d bytes: %v", what, r, len(files), told, size, err)
	}
	return files
}

func putSome(t *testing.T, r *rand.Rand, db *engine.DB) {
	t.Helper()
	for _, cf := range db.ColumnFamilies() {
		var b engine.Batch
		for range 50 {
			value := make([]byte, r.IntN(300))
			for i := range value {
				value[i] = byte(r.Uint32())
			}
			mustDo(t, b.In(cf).Put(fmt.Appendf(nil, "%04d", r.IntN(1000)), value))
		}
		mustDo(t, db.Write(&b, nil), cf.Flush())
	}
}

// Every file of a database has the checksum of its bytes, however it was made, and keeps it.
func TestEveryFileHasTheChecksumOfItsBytes(t *testing.T) {
	r, _ := seededRand(t, "checksums.seed", *checksumsSeed)
	base := t.TempDir()
	dir, o := filepath.Join(base, "db"), withChecksums()
	db := openDir(t, dir, o)
	putSome(t, r, db)
	putSome(t, r, db)
	expectChecksums(t, "flushed", db, 0)
	for _, cf := range db.ColumnFamilies() {
		mustDo(t, cf.Compact(context.Background(), nil, nil))
	}
	putSome(t, r, db)
	expectChecksums(t, "compacted", db, 0)

	table := filepath.Join(base, "in.sst")
	w, err := engine.NewSSTWriter(table, nil)
	mustDo(t, err, w.Put([]byte("in"), []byte("v")))
	_, err = w.Finish()
	mustDo(t, err, db.ColumnFamilies()[0].Ingest(nil, []string{table}, nil))
	expectChecksums(t, "ingested", db, 0)

	// What is in the log is in a file after the next Open.
	mustDo(t, db.Put([]byte("log"), []byte("v"), nil), db.Close())
	db = openDir(t, dir, o)
	before := expectChecksums(t, "opened", db, 0)
	copied := filepath.Join(base, "copy")
	mustDo(t, db.Checkpoint(nil, copied), db.Close())

	o.FileChecksums = false
	db = openDir(t, copied, o)
	for _, f := range before {
		if now, err := db.FileChecksums(nil); err != nil || !slices.Contains(now, f) {
			t.Errorf("%+v is not in the copy: %+v, %v", f, now, err)
		}
	}
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil), db.Flush())
	expectChecksums(t, "without the option", db, 1)
	mustDo(t, db.Close())
	db = openDir(t, copied, withChecksums())
	defer db.Close()
	mustDo(t, db.Compact(context.Background(), nil, nil))
	expectChecksums(t, "compacted with it again", db, 0)
}

// One byte that is another, wherever it is in a file, is noticed and the file is named; so is one that is gone.
func TestAChangedByteOfAnyFileIsFound(t *testing.T) {
	r, seed := seededRand(t, "checksums.seed", *checksumsSeed)
	o := withChecksums()
	if !alignedIsWrong(t) {
		o.FamilyOptions.Extra += ";" + aligns
		o.FamilyOptions.Compression = engine.NoCompression
	}
	db := openDir(t, filepath.Join(t.TempDir(), "db"), o)
	defer db.Close()
	putSome(t, r, db)
	for _, f := range expectChecksums(t, "flushed", db, 0) {
		path := filepath.Join(db.Path(), f.Name)
		whole, err := os.ReadFile(path)
		mustDo(t, err)
		for _, at := range []int{0, r.IntN(len(whole)), r.IntN(len(whole)), r.IntN(len(whole)), len(whole) - 1} {
			damaged := slices.Clone(whole)
			damaged[at] ^= byte(1 + r.IntN(255))
			mustDo(t, os.WriteFile(path, damaged, 0o600))
			_, err := db.VerifyFileChecksums(nil, nil)
			var e *engine.Error
			if !errors.Is(err, engine.ErrCorruption) || !errors.As(err, &e) || e.Path != path || e.Family != f.Family {
				t.Errorf("seed %d: %s, byte %d of %d: %v", seed, f.Name, at, len(whole), err)
			}
		}
		mustDo(t, os.WriteFile(path, whole, 0o600), os.Rename(path, path+".away"))
		_, err = db.VerifyFileChecksums(nil, nil)
		expectError(t, f.Name+" is gone", err, engine.ErrIO)
		mustDo(t, os.Rename(path+".away", path))
	}
	expectChecksums(t, "mended", db, 0)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := db.VerifyFileChecksums(ctx, nil)
	expectError(t, "ended", err, context.Canceled)
}

// Compactions may take files away from a verification.
func TestAVerificationPassesOverFilesThatAreCompactedAway(t *testing.T) {
	r, _ := seededRand(t, "checksums.seed", *checksumsSeed)
	db := openDir(t, filepath.Join(t.TempDir(), "db"), withChecksums())
	defer db.Close()
	for range 3 {
		putSome(t, r, db)
	}
	_, err := db.VerifyFileChecksums(nil, &engine.VerifyOptions{Progress: func(int64) {
		for _, cf := range db.ColumnFamilies() {
			mustDo(t, cf.Compact(context.Background(), nil, nil))
		}
	}})
	mustDo(t, err)
}

func TestFilesInMemoryHaveNoChecksumsToVerify(t *testing.T) {
	m, err := engine.NewMemoryFiles()
	mustDo(t, err)
	defer m.Close()
	db := openDir(t, "db", &engine.Options{InMemory: m, FileChecksums: true})
	defer db.Close()
	mustDo(t, db.Put([]byte("k"), []byte("v"), nil), db.Flush())
	_, err = db.FileChecksums(nil)
	expectError(t, "a list", err, engine.ErrUnsupported)
	_, err = db.VerifyFileChecksums(nil, nil)
	expectError(t, "a verification", err, engine.ErrUnsupported)
}

const aligns = "block_based_table_factory={block_align=true}"

// alignedIsWrong tells whether RocksDB leaves the space between aligned blocks out of checksums.
func alignedIsWrong(t *testing.T) bool { return !atLeast(t, engine.Version(), "9.2") }

// Wrong checksums are not made.
func TestAlignedTablesGetNoWrongChecksums(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{Families: map[string]engine.FamilyOptions{"aligned": {Extra: aligns, Compression: engine.NoCompression}}}
	mustDo(t, openDir(t, dir, o).Close())
	try := func(what string, o *engine.Options) {
		t.Helper()
		db, err := engine.Open(dir, o)
		if err == nil {
			mustDo(t, db.Close())
		}
		if alignedIsWrong(t) {
			expectError(t, what, err, engine.ErrInvalidArgument)
		} else if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	try("options on disk", &engine.Options{FileChecksums: true})
	o.FileChecksums = true
	try("options", o)
	o.Families = map[string]engine.FamilyOptions{"aligned": {}}
	db := openDir(t, dir, o)
	defer db.Close()
	_, err := db.CreateColumnFamily("more", &engine.FamilyOptions{Extra: aligns, Compression: engine.NoCompression})
	if alignedIsWrong(t) {
		expectError(t, "a new family", err, engine.ErrInvalidArgument)
	} else {
		mustDo(t, err)
	}
}

// RocksDB hands no checksums on with the files of a family: one that is imported has none before it is written anew, and
// is told as such.
func TestFamilyFilesHaveNoChecksumsUntilACompaction(t *testing.T) {
	if !engine.Supports(engine.FamilyFiles) {
		t.Skip("it needs RocksDB 10.7, or the tag rb_cxx")
	}
	r, _ := seededRand(t, "checksums.seed", *checksumsSeed)
	base, o := t.TempDir(), withChecksums()
	o.Families = nil
	db := openDir(t, filepath.Join(base, "db"), o)
	defer db.Close()
	putSome(t, r, db)
	mustDo(t, db.ColumnFamilies()[0].ExportFiles(nil, filepath.Join(base, "files")))
	c, err := db.ImportFiles(nil, "imported", filepath.Join(base, "files"), nil)
	mustDo(t, err)
	expectChecksums(t, "imported", db, 1)
	mustDo(t, c.CompactWith(nil, nil, nil, &engine.CompactOptions{Bottommost: engine.BottommostForce}))
	expectChecksums(t, "compacted", db, 0)
}

// A backup keeps the checksums: a database that is restored from it knows those of all its files, and they are right.
func TestARestoredDatabaseKnowsItsFilesChecksums(t *testing.T) {
	db := openTemp(t, withChecksums())
	b := openBackups(t, filepath.Join(t.TempDir(), "backups"), nil)
	c, err := db.ColumnFamily("blobs")
	mustDo(t, err)
	for i := range 3 {
		mustDo(t, db.Put(fmt.Appendf(nil, "%d", i), []byte("v"), nil), c.Put(fmt.Appendf(nil, "%d", i), make([]byte, 1000), nil), db.Flush())
		_, err := b.Create(t.Context(), db, nil)
		mustDo(t, err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	mustDo(t, b.Restore(t.Context(), 0, dir, nil))
	restored := openDir(t, dir, withChecksums())
	defer restored.Close()
	files := expectChecksums(t, "restored", restored, 0)
	if v, err := restored.VerifyFileChecksums(t.Context(), nil); err != nil || v.Files != len(files) || len(files) != 9 {
		t.Errorf("%+v of %d files, %v", v, len(files), err)
	}
}
