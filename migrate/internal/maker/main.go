//go:build pebblegozstd

// Program maker makes the stores that tests import, each by its own library: maker KIND PATH SEED ROWS. With a fifth
// argument it keeps the store open until its standard input ends. maker read KIND PATH prints the rows of a store, as its library
// shows them to anybody.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/dgraph-io/badger/v4"
	"github.com/syndtr/goleveldb/leveldb"
	"go.etcd.io/bbolt"

	"github.com/rockbridge-db/rockbridge/migrate/internal/rows"
)

func main() {
	if os.Args[1] == "read" {
		readers[os.Args[2]](os.Args[3])
		return
	}
	kind, path := os.Args[1], os.Args[2]
	seed, err := strconv.ParseUint(os.Args[3], 10, 64)
	check(err)
	n, err := strconv.Atoi(os.Args[4])
	check(err)
	all := rows.Make(seed, n)
	var end func() error
	switch kind {
	case "pebble":
		end = makePebble(path, all, false)
	case "pebble-ranges":
		end = makePebble(path, all, true)
	case "bbolt":
		end = makeBolt(path, all, "one", "two/inner", "empty", "two/inner/most")
	case "bbolt-clash":
		end = makeBolt(path, all, "a/b", "a|b")
	case "badger":
		end = makeBadger(path, all)
	case "leveldb":
		end = makeLevelDB(path, all)
	}
	if len(os.Args) > 5 {
		fmt.Println("open")
		_, err := io.Copy(io.Discard, os.Stdin)
		check(err)
	}
	check(end())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Each store first has other values for its rows, and rows that it deletes, and some of all that is left in its log.
func makePebble(path string, all []rows.Row, ranges bool) func() error {
	o := &pebble.Options{FormatMajorVersion: pebble.FormatNewest}
	for i := range o.Levels {
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.ZstdCompression }
	}
	db, err := pebble.Open(path, o)
	check(err)
	for i, key := range rows.Lost(100) {
		check(db.Set(key, []byte("x"), pebble.NoSync))
		if i == 50 {
			check(db.Flush())
		}
		check(db.Delete(key, pebble.NoSync))
	}
	for i, r := range all {
		check(db.Set(r.Key, []byte("old"), pebble.NoSync))
		if i == len(all)/2 {
			check(db.Flush())
		}
		half := len(r.Value) / 2
		check(db.Set(r.Key, r.Value[:half], pebble.NoSync))
		check(db.Merge(r.Key, r.Value[half:], pebble.NoSync))
	}
	if ranges {
		check(db.RangeKeySet([]byte("a"), []byte("b"), nil, []byte("v"), pebble.Sync))
	}
	return db.Close
}

func makeBolt(path string, all []rows.Row, buckets ...string) func() error {
	db, err := bbolt.Open(path, 0o600, nil)
	check(err)
	check(db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			b := boltBucket(tx, name)
			if name == "empty" {
				continue
			}
			_, err := b.NextSequence()
			check(err)
			for _, key := range rows.Lost(100) {
				check(b.Put(key, []byte("x")))
				check(b.Delete(key))
			}
			for _, r := range all {
				check(b.Put(r.Key, r.Value))
			}
		}
		return nil
	}))
	return db.Close
}

// boltBucket makes the buckets of a path; | parts names that have a slash.
func boltBucket(tx *bbolt.Tx, path string) *bbolt.Bucket {
	names := strings.Split(path, "/")
	switch path {
	case "a/b":
		names = []string{"a/b"}
	case "a|b":
		names = []string{"a", "b"}
	}
	b, err := tx.CreateBucketIfNotExists([]byte(names[0]))
	check(err)
	for _, name := range names[1:] {
		b, err = b.CreateBucketIfNotExists([]byte(name))
		check(err)
	}
	return b
}

// Every fifth row has a TTL of a day, every seventh has user metadata; rows that have expired come on top.
func makeBadger(path string, all []rows.Row) func() error {
	db, err := badger.Open(badger.DefaultOptions(path).WithLogger(nil).WithValueThreshold(1 << 10).WithMemTableSize(8 << 20))
	check(err)
	set := func(entries ...*badger.Entry) {
		check(db.Update(func(txn *badger.Txn) error {
			for _, e := range entries {
				check(txn.SetEntry(e))
			}
			return nil
		}))
	}
	for i, key := range rows.Lost(100) {
		e := badger.NewEntry(key, []byte("x"))
		if i%2 == 0 {
			e.ExpiresAt = uint64(time.Now().Unix() - 10)
		}
		set(e)
		if i%2 == 1 {
			check(db.Update(func(txn *badger.Txn) error { return txn.Delete(key) }))
		}
	}
	for i, r := range all {
		set(badger.NewEntry(r.Key, []byte("old")))
		e := badger.NewEntry(r.Key, r.Value)
		if i%5 == 0 {
			e = e.WithTTL(24 * time.Hour)
		}
		if i%7 == 0 {
			e = e.WithMeta(1)
		}
		set(e)
	}
	return db.Close
}

func makeLevelDB(path string, all []rows.Row) func() error {
	db, err := leveldb.OpenFile(path, nil)
	check(err)
	for _, key := range rows.Lost(100) {
		check(db.Put(key, []byte("x"), nil))
		check(db.Delete(key, nil))
	}
	for i, r := range all {
		check(db.Put(r.Key, []byte("old"), nil))
		check(db.Put(r.Key, r.Value, nil))
		if i == len(all)/2 {
			tx, err := db.OpenTransaction() // which begins with a flush
			check(err)
			check(tx.Commit())
		}
	}
	return db.Close
}
