package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A writer sets all keys of all families to one number by one batch, over and over, and flushes
// between. Each MultiGet must see one number.
func TestMultiGetSeesOneState(t *testing.T) {
	db := openTemp(t, &engine.Options{
		FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10},
		Families:      map[string]engine.FamilyOptions{"f": {}, "g": {WriteBufferSize: 64 << 10}},
	})
	const keys = 100
	var mixed []engine.FamilyKey
	var names [][]byte
	for i := range keys {
		for _, c := range db.ColumnFamilies() {
			mixed = append(mixed, engine.FamilyKey{Family: c, Key: fmt.Appendf(nil, "%d", i)})
		}
		names = append(names, fmt.Appendf(nil, "%d", i))
	}
	write := func(n uint64) error {
		b := db.NewBatch()
		value := binary.LittleEndian.AppendUint64(make([]byte, 0, 100), n)
		for _, k := range mixed {
			b.In(k.Family).Put(k.Key, value)
		}
		return db.Write(b, nil)
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for n := uint64(w); !stop.Load(); n += 2 {
				if err := write(n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	calls, states := 0, map[string]bool{}
	for end := time.Now().Add(400 * time.Millisecond); time.Now().Before(end); calls++ {
		for name, read := range map[string]func() ([]engine.Value, error){
			"several families": func() ([]engine.Value, error) { return db.MultiGetFamilies(mixed, nil) },
			"one family":       func() ([]engine.Value, error) { return db.MultiGet(names, nil) },
			"cache only": func() ([]engine.Value, error) {
				return db.MultiGet(names, &engine.ReadOptions{CacheOnly: true})
			},
		} {
			values, err := read()
			if err != nil {
				t.Fatal(err)
			}
			one := ""
			for _, v := range values {
				if errors.Is(v.Err, engine.ErrWouldBlock) && name == "cache only" {
					continue
				}
				if one == "" {
					one = string(v.Data)
				}
				if v.Err != nil || string(v.Data) != one {
					t.Fatalf("%s: %x beside %x, %v", name, v.Data, one, v.Err)
				}
			}
			states[one] = true
		}
	}
	stop.Store(true)
	wg.Wait()
	if len(states) < 3 {
		t.Errorf("%d states in %d calls: nothing was written meanwhile", len(states), calls)
	}
}

// damagedBlocks is a database with one file of small blocks, in one of which a value is damaged.
func damagedBlocks(t *testing.T, at int) (db *engine.DB, keys, values [][]byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(at)))
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression, BlockSize: 1000}}
	db = openDir(t, dir, o)
	for i := range 500 {
		value := make([]byte, 100)
		for j := range value {
			value[j] = byte(r.Uint32())
		}
		keys, values = append(keys, fmt.Appendf(nil, "%04d", i)), append(values, value)
		if err := db.Put(keys[i], value, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Compact(context.Background(), nil, nil), db.Close()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	file, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(file, values[at])
	if i < 0 {
		t.Fatal("the value is not in the file")
	}
	file[i+50] ^= 4
	if err := os.WriteFile(files[0], file, 0o600); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir, o)
	t.Cleanup(func() { db.Close() })
	return db, keys, values
}

func TestMultiGetFailsExactlyTheKeysOfADamagedBlock(t *testing.T) {
	for _, at := range []int{0, 100, 251, 499} {
		db, keys, values := damagedBlocks(t, at)
		order := rand.New(rand.NewPCG(2, uint64(at))).Perm(len(keys))
		shuffled := make([][]byte, len(keys))
		for i, n := range order {
			shuffled[i] = keys[n]
		}
		for range 2 { // from the file, then from the cache
			got, err := db.MultiGet(shuffled, nil)
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			for i, v := range got {
				value, err := db.Get(shuffled[i], nil) // the oracle
				if (err == nil) != (v.Err == nil) || !bytes.Equal(v.Data, value) {
					t.Errorf("%s: %v, Get gives %v", shuffled[i], v.Err, err)
				}
				if v.Err == nil {
					if !bytes.Equal(v.Data, values[order[i]]) {
						t.Errorf("%s has the value of another key", shuffled[i])
					}
					continue
				}
				bad++
				var e *engine.Error
				if !errors.Is(v.Err, engine.ErrCorruption) || !errors.As(v.Err, &e) || e.Op != "multi get" ||
					!bytes.Equal(e.Key, shuffled[i]) || e.Path == "" || e.Msg == "" {
					t.Errorf("%s: %#v", shuffled[i], v.Err)
				}
			}
			if bad == 0 || bad > 12 {
				t.Errorf("%d keys are damaged, a block holds about 8", bad)
			}
		}
	}
}

func TestMultiGetTimesOutKeyByKey(t *testing.T) {
	db, keys, _ := damagedBlocks(t, 3)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(20*time.Microsecond))
	defer cancel()
	values, err := db.MultiGet(keys, &engine.ReadOptions{Context: ctx})
	if err != nil {
		expectError(t, "the call", err, engine.ErrTimedOut, context.DeadlineExceeded)
		return // it passed before the call began
	}
	last := values[len(values)-1].Err
	expectError(t, "the last key", last, engine.ErrTimedOut, context.DeadlineExceeded, os.ErrDeadlineExceeded)
}

// As TestCacheOnlyInventsNoRows, for many keys: a file that is not open, or no block cache.
func TestMultiGetOfTheCacheOnlyInventsNoRows(t *testing.T) {
	const files, rows = 30, 10
	for name, o := range map[string]*engine.Options{
		"few open files": {Extra: "max_open_files=20;table_cache_numshardbits=0"},
		"no block cache": {BlockCacheSize: -1},
		"all open":       {},
	} {
		dir := filepath.Join(t.TempDir(), "db")
		o.FamilyOptions.Extra = "disable_auto_compactions=true"
		db := openDir(t, dir, o)
		var keys [][]byte
		for file := range 2 * files { // every second key is absent
			for row := range rows {
				keys = append(keys, fmt.Appendf(nil, "%d/%d", row, file))
				if file < files {
					if err := db.Put(keys[len(keys)-1], []byte("value"), nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db = openDir(t, dir, o)
		only := &engine.ReadOptions{CacheOnly: true}
		blocked := func() (n int) {
			values, err := db.MultiGet(keys, only)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				if errors.Is(v.Err, engine.ErrWouldBlock) {
					n++
				}
				if err := judgeValue(v, "value", i < files*rows, only); err != nil {
					t.Errorf("%s: %s: %v", name, keys[i], err)
				}
			}
			return n
		}
		first := blocked()
		if first == 0 {
			t.Errorf("%s: no read would have blocked: the test shows nothing", name)
		}
		if again := blocked(); again != first {
			t.Errorf("%s: %d keys would block, then %d: files were read", name, first, again)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
