package engine_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

var foreignSeed = flag.Uint64("foreign.seed", 0, "seed of the rows that ldb and sst_dump write and read; 0: a new one")

// tool runs one of RocksDB's own programs and gives what it printed on standard output.
func tool(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed; scripts/setup tools installs it", name)
	}
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(t.Context(), path, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w: %.500s", name, strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// ldb runs ldb on the database in dir. It may be an older version than the library.
func ldb(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := tool(t, "ldb", append([]string{"--db=" + dir, "--ignore_unknown_options"}, args...)...)
	if err != nil || strings.Contains(out, "Failed: ") {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// dbBench fills a new database. The seed makes its keys the same each time.
func dbBench(t *testing.T, args ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "db")
	_, err := tool(t, "db_bench", append([]string{"--db=" + dir, "--num=1500", "--value_size=60", "--seed=1", "--threads=1"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// ldbRows are the rows of a family as ldb sees them.
func ldbRows(t *testing.T, dir, family string) map[string]string {
	t.Helper()
	rows, last := map[string]string{}, ""
	for line := range strings.Lines(ldb(t, dir, "--column_family="+family, "scan", "--hex")) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), " : ")
		key := fromHex(t, k)
		if !ok || len(rows) > 0 && key <= last {
			t.Fatalf("ldb scan: %q after %q", line, last)
		}
		rows[key], last = fromHex(t, v), key
	}
	return rows
}

func fromHex(t *testing.T, s string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return string(b)
}

func toHex(s string) string { return "0x" + hex.EncodeToString([]byte(s)) }

// expectAsLDB compares every family of an open or closed database: ours first, since ldb takes its lock.
func expectAsLDB(t *testing.T, dir string, o *engine.Options) (families int) {
	t.Helper()
	db := openDir(t, dir, o)
	ours := map[string]map[string]string{}
	for _, c := range db.ColumnFamilies() {
		ours[c.Name()] = rowsOf(t, c)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, rows := range ours {
		if theirs := ldbRows(t, dir, name); !maps.Equal(rows, theirs) {
			t.Errorf("family %s: %d rows, ldb sees %d", name, len(rows), len(theirs))
		}
	}
	return len(ours)
}

func TestADatabaseMadeByLDBOpensAsItIs(t *testing.T) {
	r, _ := seededRand(t, "foreign.seed", *foreignSeed)
	dir := filepath.Join(t.TempDir(), "db")
	want := map[string]map[string]string{"default": {}, "other": {}}
	for i, args := range [][]string{{"--create_if_missing"}, {"--compression_type=lz4", "--bloom_bits=10"}, {"--column_family=other"}} {
		if i == 2 {
			if out, err := tool(t, "ldb", "--db="+dir, "create_column_family", "other"); err != nil {
				t.Fatalf("%s: %v", out, err)
			}
		}
		rows := want[map[bool]string{false: "default", true: "other"}[i == 2]]
		put := append([]string{"batchput", "--hex"}, args...)
		for range 100 {
			k, v := make([]byte, 1+r.IntN(9)), make([]byte, r.IntN(50))
			for j := range k {
				k[j] = byte(r.IntN(256))
			}
			for j := range v {
				v[j] = byte(r.IntN(256))
			}
			rows[string(k)] = string(v)
			put = append(put, toHex(string(k)), toHex(string(v)))
		}
		ldb(t, dir, put...)
	}
	first := slices.Sorted(maps.Keys(want["default"]))[0]
	ldb(t, dir, "delete", "--hex", toHex(first))
	delete(want["default"], first)
	ldb(t, dir, "compact")
	db := openDir(t, dir, nil)
	for name, rows := range want {
		c, err := db.ColumnFamily(name)
		if err != nil {
			t.Fatal(err)
		}
		expectRows(t, "written by ldb into "+name, c, rows)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	expectAsLDB(t, dir, nil)
}

// TestDatabasesMadeByDBBenchOpenAsTheyAre opens each with nil options, reads every row as ldb does,
// writes, and hands it back.
func TestDatabasesMadeByDBBenchOpenAsTheyAre(t *testing.T) {
	for name, args := range map[string]string{
		"sequential":             "--benchmarks=fillseq",
		"random, in the log":     "--benchmarks=fillrandom,overwrite",
		"no log":                 "--benchmarks=fillrandom,flush --disable_wal",
		"lz4, format 2":          "--benchmarks=fillrandom,compact --compression_type=lz4 --format_version=2",
		"zstd with a dictionary": "--benchmarks=fillrandom,compact --compression_type=zstd --compression_max_dict_bytes=4096",
		"partitioned filters":    "--benchmarks=fillrandom,compact --bloom_bits=10 --partition_index_and_filters",
		"ribbon filter":          "--benchmarks=fillrandom,compact --bloom_bits=10 --use_ribbon_filter --index_with_first_key",
		"prefixes":               "--benchmarks=fillrandom,compact --prefix_size=8 --bloom_bits=10",
		"hash index":             "--benchmarks=fillrandom,compact --prefix_size=8 --use_hash_search",
		"hash memtable":          "--benchmarks=fillrandom --prefix_size=8 --memtablerep=prefix_hash --allow_concurrent_memtable_write=false",
		"adds":                   "--benchmarks=mergerandom,compact,mergerandom --merge_operator=uint64add --value_size=8",
		"puts by merge":          "--benchmarks=mergerandom,compact,mergerandom --merge_operator=put",
		"maxima":                 "--benchmarks=mergerandom,compact,mergerandom --merge_operator=max",
		"appends":                "--benchmarks=mergerandom,compact,mergerandom --merge_operator=stringappend --num=300",
		"blob files":             "--benchmarks=fillrandom,compact,overwrite --enable_blob_files --min_blob_size=10",
		"families":               "--benchmarks=fillrandom,compact --num_column_families=3",
		"transactions":           "--benchmarks=fillrandom --transaction_db",
		"universal, deletes":     "--benchmarks=fillrandom,deleterandom,compact --compaction_style=1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := dbBench(t, strings.Fields(args)...)
			families := expectAsLDB(t, dir, nil)
			if (families == 3) != (name == "families") {
				t.Errorf("%d families", families)
			}
			db := openDir(t, dir, nil)
			for _, c := range db.ColumnFamilies() {
				if rows, _, _, err := engine.Count(t.Context(), c, nil); err != nil || rows == 0 {
					t.Errorf("%s: %d rows, %v", c.Name(), rows, err)
				}
				if err := c.Put([]byte("ours"), []byte(c.Name()), nil); err != nil {
					t.Error(err)
				}
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			if got := ldbRows(t, dir, "default")["ours"]; got != "default" {
				t.Errorf("ldb reads back %q", got)
			}
		})
	}
}

// TestForeignMergesGoOn merges where RocksDB's own operators have merged before, and ldb reads it.
func TestForeignMergesGoOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	ldb(t, dir, "--create_if_missing", "put", "k", "a")
	db := openDir(t, dir, nil)
	for _, v := range []string{"b", "c"} {
		if err := db.Merge([]byte("k"), []byte(v), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir, nil) // once more, with what the first Open wrote into the OPTIONS file
	if err := db.Merge([]byte("k"), []byte("d"), nil); err != nil {
		t.Fatal(err)
	}
	expectRows(t, "appended", db, map[string]string{"k": "a:b:c:d"})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if out := ldb(t, dir, "get", "k"); out != "a:b:c:d\n" {
		t.Errorf("ldb reads %q", out)
	}
	adds := &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add}}
	e := openFails(t, "another operator", dir, adds, engine.ErrInvalidArgument)
	if !strings.Contains(e.Error(), "StringAppendOperator") {
		t.Error(e)
	}
}

func TestWhatIsNotKnownHereIsRefusedByName(t *testing.T) {
	for says, args := range map[string]string{
		"merge operator MergeSortOperator":                           "--benchmarks=fillrandom --merge_operator=sortlist",
		"table factory PlainTable":                                   "--benchmarks=fillrandom,compact --use_plain_table --prefix_size=8 --mmap_read --memtablerep=prefix_hash --allow_concurrent_memtable_write=false",
		"compaction filter factory BlobIndexCompactionFilterFactory": "--benchmarks=fillrandom --use_blob_db --blob_db_min_blob_size=10",
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			e := openFails(t, says, dbBench(t, strings.Fields(args)...), nil, engine.ErrUnsupported)
			if !strings.Contains(e.Error(), says) || e.Family != "default" {
				t.Error(e)
			}
		})
	}
	dir := filepath.Join(t.TempDir(), "db")
	// It writes, and then complains that it cannot.
	if out, err := tool(t, "ldb", "--db="+dir, "--create_if_missing", "--ttl", "put", "k", "v"); strings.TrimSpace(out) != "OK" {
		t.Fatalf("%s: %v", out, err)
	}
	if e := openFails(t, "values with a time behind them", dir, nil, engine.ErrUnsupported); !strings.Contains(e.Error(), "Options.TimedRows") {
		t.Error(e)
	}
}

func TestLDBAndSSTDumpSeeOurRows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{Families: crossFamilies()})
	seed := *foreignSeed
	if seed == 0 {
		_, seed = seededRand(t, "foreign.seed", 0)
	}
	s := &crossState{db: db, rows: crossRows(seed, 0)}
	s.write(seed, 0)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, rows := range s.rows {
		if theirs := ldbRows(t, dir, name); !maps.Equal(rows, theirs) {
			t.Errorf("family %s: we wrote %d rows, ldb sees %d others", name, len(rows), len(theirs))
		}
	}
	if out := ldb(t, dir, "checkconsistency"); strings.TrimSpace(out) != "OK" {
		t.Error(out)
	}
	for _, name := range []string{"default", "zstd"} {
		ldbIdumpAgrees(t, dir, name, len(s.rows[name]))
	}
	sstDumpAgrees(t)
}

// ldbIdumpAgrees looks at the entries themselves: as many as rows once all is compacted.
func ldbIdumpAgrees(t *testing.T, dir, family string, rows int) {
	t.Helper()
	db := openDir(t, dir, nil)
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	out := ldb(t, dir, "--column_family="+family, "idump", "--hex", "--count_only")
	if want := fmt.Sprintf("Internal keys in range: %d\n", rows); !strings.Contains(out, want) {
		t.Errorf("family %s: %s, want %s", family, out, want)
	}
}

// sstDumpAgrees compares the files of a database of one family with our scan.
func sstDumpAgrees(t *testing.T) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "one")
	db := openDir(t, dir, &engine.Options{FamilyOptions: engine.FamilyOptions{BloomBitsPerKey: 10, Compression: engine.ZSTDCompression}})
	for i := range 2000 {
		if err := db.Put(fmt.Appendf(nil, "key %05d", i*7919%2000), fmt.Appendf(nil, "value \x00\xff %d", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	ours := rowsOf(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	theirs := map[string]string{}
	out, err := tool(t, "sst_dump", "--file="+dir, "--command=scan", "--output_hex")
	for line := range strings.Lines(out) {
		if head, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " => "); ok {
			theirs[fromHex(t, strings.Split(head, "'")[1])] = fromHex(t, v)
		}
	}
	if err != nil || !maps.Equal(ours, theirs) {
		t.Errorf("%d rows, sst_dump sees %d: %v", len(ours), len(theirs), err)
	}
	for _, command := range []string{"check --verify_checksum", "verify --verify_checksum"} {
		args := append([]string{"--file=" + dir}, strings.Fields("--command="+command)...)
		out, err := tool(t, "sst_dump", args...)
		if err != nil || strings.Contains(out, "orrupt") || strings.HasPrefix(command, "verify") && !strings.Contains(out, "The file is ok") {
			t.Errorf("sst_dump %s: %v\n%s", command, err, out)
		}
	}
}
