package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Before 8.3 RocksDB left out the rest of a level, without an error, where it came from one file of the level into
// another and could not read that.

var seamsSeed = flag.Uint64("seams.seed", 0, "the seed of the walks over small files; 0: a new one")

func seamOptions(extra string) *engine.Options {
	return &engine.Options{FamilyOptions: engine.FamilyOptions{
		Compression: engine.NoCompression, BlockSize: 1 << 10, MergeOperator: engine.Uint64Add, Extra: extra,
	}}
}

// seamed makes a database of five files side by side in one level, with 40 rows in 5 blocks each.
func seamed(t *testing.T) (dir string, files []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, seamOptions("disable_auto_compactions=true"))
	for k := range 5 {
		info := madeSST(t, &engine.SSTWriterOptions{FamilyOptions: seamOptions("disable_auto_compactions=true").FamilyOptions}, func(w *engine.SSTWriter) error {
			var errs error
			for i := range 40 {
				errs = errors.Join(errs, w.Put(fmt.Appendf(nil, "k%03d", k*40+i), make([]byte, 100)))
			}
			return errs
		})
		mustDo(t, db.Ingest(nil, []string{info.Path}, &engine.IngestOptions{Trusted: true}))
	}
	live, err := db.LiveFiles()
	mustDo(t, err)
	for _, f := range live {
		if f.Level == 0 {
			t.Fatalf("%s is in level 0", f.Name)
		}
		files = append(files, f.Name)
	}
	mustDo(t, db.Close())
	return dir, files
}

// everyScan reads all rows in each way that there is; a way without an error must give 200.
func everyScan(t *testing.T, name string, db *engine.DB, o engine.IterOptions) (failed int) {
	t.Helper()
	c := defaultOf(t, db)
	over := newIndexed(t, db)
	for _, buffer := range []int{0, 300} {
		o := *engine.Filling(&o, buffer)
		for way, scan := range map[string]func() (int, error){
			"forward":  func() (int, error) { rows, err := scanRows(c, false, &o); return len(rows), err },
			"backward": func() (int, error) { rows, err := scanRows(c, true, &o); return len(rows), err },
			"count":    func() (int, error) { n, _, _, err := engine.Count(nil, c, &o); return int(n), err },
			"over a batch": func() (n int, err error) {
				it, err := over.NewIter(&o)
				mustDo(t, err)
				for it.Next() {
					n++
				}
				return n, errors.Join(it.Error(), it.Close())
			},
			"bounded": func() (n int, err error) {
				for i := range 10 {
					o := o
					o.LowerBound, o.UpperBound = fmt.Appendf(nil, "k%03d", i*20), fmt.Appendf(nil, "k%03d", i*20+20)
					rows, failure := scanRows(c, i%2 == 0, &o)
					n, err = n+len(rows), errors.Join(err, failure)
				}
				return n, err
			},
			"turned": func() (n int, err error) {
				it, err := c.NewIter(&o)
				mustDo(t, err)
				for ok := it.SeekLT([]byte("k100")); ok; ok = it.Prev() {
					n++
				}
				for err = it.Error(); err == nil && it.Next(); {
					n++
				}
				return n - 100, errors.Join(err, it.Error(), it.Close())
			},
		} {
			switch n, err := scan(); {
			case err != nil:
				failed++
			case n != 200:
				t.Errorf("%s, %s: %d rows of 200, and no error", name, way, n)
			}
		}
	}
	mustDo(t, over.Close())
	return failed
}

func TestWhicheverBlockIsDamagedAScanTells(t *testing.T) {
	dir, files := seamed(t)
	for _, file := range files {
		path := filepath.Join(dir, file)
		whole, err := os.ReadFile(path)
		mustDo(t, err)
		for at := 500; at < 5000; at += 1000 {
			damaged := bytes.Clone(whole)
			damaged[at] ^= 1
			mustDo(t, os.WriteFile(path, damaged, 0o600))
			db := openDir(t, dir, seamOptions("disable_auto_compactions=true"))
			name := fmt.Sprintf("%s at %d", file, at)
			if failed := everyScan(t, name, db, engine.IterOptions{}); failed != 12 {
				t.Errorf("%s: only %d of 12 scans tell", name, failed)
			}
			mustDo(t, db.Close())
		}
		mustDo(t, os.WriteFile(path, whole, 0o600))
	}
	db := openDir(t, dir, seamOptions("disable_auto_compactions=true"))
	if failed := everyScan(t, "whole", db, engine.IterOptions{}); failed > 0 {
		t.Errorf("%d scans fail of what is whole", failed)
	}
	mustDo(t, db.Close())
}

func TestACacheOnlyScanOfManyFilesIsWholeOrBlocks(t *testing.T) {
	dir, _ := seamed(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		db := openDir(t, dir, seamOptions("disable_auto_compactions=true"))
		for range r.IntN(20) { // some blocks come into the cache
			_, err := db.Get(fmt.Appendf(nil, "k%03d", r.IntN(200)), nil)
			mustDo(t, err)
		}
		if everyScan(t, "some are cached", db, engine.IterOptions{CacheOnly: true}) == 0 {
			t.Error("no scan had to wait")
		}
		mustDo(t, db.Close())
	}
}

// Walks over several levels of small files, with range deletions over their ends, go as over a list.
func TestWalksOverManySmallFilesGoAsOverAList(t *testing.T) {
	r, _ := seededRand(t, "seams.seed", *seamsSeed)
	db := openTemp(t, seamOptions("level0_file_num_compaction_trigger=2;target_file_size_base=2000;max_compaction_bytes=8000;max_bytes_for_level_base=20000;max_bytes_for_level_multiplier=3"))
	rows := map[string]string{}
	key := func() string { return fmt.Sprintf("%04d", r.IntN(9000)) }
	for step := range 40 {
		for range 200 {
			switch k := key(); r.IntN(40) {
			case 0:
				end := fmt.Sprintf("%04d", r.IntN(9000))
				k, end = min(k, end), max(k, end)
				if end > k+"9" && r.IntN(20) > 0 {
					end = k + "9"
				}
				mustDo(t, db.DeleteRange([]byte(k), []byte(end), nil))
				for is := range rows {
					if is >= k && is < end {
						delete(rows, is)
					}
				}
			case 1, 2, 3, 4:
				mustDo(t, db.Delete([]byte(k), nil))
				delete(rows, k)
			default:
				v := fmt.Sprint(step, string(make([]byte, r.IntN(60))))
				mustDo(t, db.Put([]byte(k), []byte(v), nil))
				rows[k] = v
			}
		}
		mustDo(t, db.Flush())
		if step%9 == 8 {
			from, to := key(), key()
			mustDo(t, db.Compact(nil, []byte(min(from, to)), []byte(max(from, to))))
		}
		if step%5 == 4 {
			walkAsOverAList(t, db, rows, r)
		}
	}
	files, err := db.LiveFiles()
	mustDo(t, err)
	levels := map[int]int{}
	for _, f := range files {
		levels[f.Level]++
	}
	t.Logf("files by level: %v", levels)
	if len(files)-levels[0] < 10 {
		t.Errorf("too few files for a test of their ends: %v", levels)
	}
}

// walkAsOverAList moves iterators with and without bounds at random.
func walkAsOverAList(t *testing.T, db *engine.DB, rows map[string]string, r *rand.Rand) {
	t.Helper()
	all := make([]string, 0, len(rows))
	for k := range rows {
		all = append(all, k)
	}
	slices.Sort(all)
	for range 8 {
		o, list := engine.Filling(&engine.IterOptions{}, []int{0, 100, 3000}[r.IntN(3)]), all
		if r.IntN(2) == 0 {
			low, high := fmt.Sprintf("%04d", r.IntN(9000)), fmt.Sprintf("%04d", r.IntN(9000))
			low, high = min(low, high), max(low, high)
			o.LowerBound, o.UpperBound = []byte(low), []byte(high)
			from, _ := slices.BinarySearch(all, low)
			to, _ := slices.BinarySearch(all, high)
			list = all[from:to]
		}
		it, err := db.NewIter(o)
		mustDo(t, err)
		at := -1
		for range 400 {
			k := fmt.Sprintf("%04d", r.IntN(9000))
			i, found := slices.BinarySearch(list, k)
			move, ok := "", false
			switch n := r.IntN(40); {
			case n == 0:
				move, ok, at = "First", it.First(), 0
			case n == 1:
				move, ok, at = "Last", it.Last(), len(list)-1
			case n < 4 || at < 0 || at >= len(list):
				move, ok, at = "SeekGE "+k, it.SeekGE([]byte(k)), i
			case n < 6:
				move, ok, at = "SeekLT "+k, it.SeekLT([]byte(k)), i-1
			case n < 8:
				move, ok, at = "SeekLE "+k, it.SeekLE([]byte(k)), i-1
				if found {
					at = i
				}
			case n < 30:
				move, ok, at = "Next", it.Next(), at+1
			default:
				move, ok, at = "Prev", it.Prev(), at-1
			}
			there := at >= 0 && at < len(list)
			if ok != there || ok && (string(it.Key()) != list[at] || string(it.Value()) != rows[list[at]]) {
				t.Fatalf("%s: at %q (%v, %v), want row %d of %d", move, it.Key(), ok, it.Error(), at, len(list))
			}
		}
		mustDo(t, it.Close())
	}
}
