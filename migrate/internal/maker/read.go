//go:build pebblegozstd

package main

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/dgraph-io/badger/v4"
	"github.com/syndtr/goleveldb/leveldb"
	"go.etcd.io/bbolt"
)

// readers print the rows of a store, each with the family that it belongs to.
var readers = map[string]func(path string){"pebble": readPebble, "bbolt": readBolt, "badger": readBadger, "leveldb": readLevelDB}

func printRow(family string, key, value []byte) { fmt.Printf("%x %x %x\n", family, key, value) }

func readPebble(path string) {
	db, err := pebble.Open(path, &pebble.Options{})
	check(err)
	it, err := db.NewIter(nil)
	check(err)
	for it.First(); it.Valid(); it.Next() {
		printRow("default", it.Key(), it.Value())
	}
	check(it.Close())
	check(db.Close())
}

func readBolt(path string) {
	db, err := bbolt.Open(path, 0o600, nil)
	check(err)
	check(db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error { return readBucket(string(name), b) })
	}))
	check(db.Close())
}

func readBucket(path string, b *bbolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			return readBucket(path+"/"+string(k), b.Bucket(k))
		}
		printRow(path, k, v)
		return nil
	})
}

func readBadger(path string) {
	db, err := badger.Open(badger.DefaultOptions(path).WithLogger(nil))
	check(err)
	check(db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			value, err := it.Item().ValueCopy(nil)
			check(err)
			printRow("default", it.Item().Key(), value)
		}
		return nil
	}))
	check(db.Close())
}

func readLevelDB(path string) {
	db, err := leveldb.OpenFile(path, nil)
	check(err)
	it := db.NewIterator(nil, nil)
	for it.Next() {
		printRow("default", it.Key(), it.Value())
	}
	check(it.Error())
	it.Release()
	check(db.Close())
}
