package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Cache keeps values on disk for a limited time and within a limited size. It
// is safe for use by several goroutines; one process at a time can open it.
//
// A stored value begins with its expiry. A second family orders the entries by
// expiry, and each change writes both families in one batch, so that they agree
// after any crash.
type Cache struct {
	db       *engine.DB
	byExpiry *engine.ColumnFamily
	maxBytes int64
	now      func() time.Time

	mu    sync.Mutex // held by changes; Get does without
	bytes int64      // of keys and values that are stored

	hits, misses atomic.Int64
}

// Stats says how a cache has done since it was opened, and how full it is.
type Stats struct {
	Hits, Misses, Bytes int64
}

// ErrTooLarge is the error of an entry that is larger than the whole cache.
var ErrTooLarge = errors.New("cache: entry larger than the cache")

// Open opens the cache in dir, which is made if it does not exist. It holds at
// most maxBytes of keys and values. now is the clock, time.Now but in tests.
func Open(dir string, maxBytes int64, now func() time.Time) (*Cache, error) {
	db, err := engine.Open(dir, &engine.Options{Families: map[string]engine.FamilyOptions{"expiry": {}}})
	if err != nil {
		return nil, err
	}
	c := &Cache{db: db, maxBytes: maxBytes, now: now}
	if err := c.begin(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return c, nil
}

// begin finds the second family and adds up what is stored.
func (c *Cache) begin() error {
	var err error
	c.byExpiry, err = c.db.ColumnFamily("expiry")
	if err != nil {
		return err
	}
	rows, done := engine.Scan(c.db, nil)
	for key, stored := range rows {
		c.bytes += sizeOf(key, stored)
	}
	return done()
}

// Close closes the cache; what it holds stays on disk.
func (c *Cache) Close() error { return c.db.Close() }

// Get gives a value that is stored and has not expired; found says whether
// there is one.
func (c *Cache) Get(key []byte) (value []byte, found bool, err error) {
	stored, err := c.db.Get(key, nil)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return nil, false, err
	}
	if err != nil || !expiryOf(stored).After(c.now()) {
		c.misses.Add(1)
		return nil, false, nil
	}
	c.hits.Add(1)
	return stored[stampLen:], true, nil
}

// Set stores a value for ttl, in place of an older one, and drops what would
// have expired first until all fits.
func (c *Cache) Set(key, value []byte, ttl time.Duration) error {
	stored := appendStamp(nil, c.now().Add(ttl))
	stored = append(stored, value...)
	size := sizeOf(key, stored)
	if size > c.maxBytes {
		return fmt.Errorf("%w: %d bytes of %d", ErrTooLarge, size, c.maxBytes)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.db.NewBatch()
	freed, err := c.replace(b, key)
	if err != nil {
		return err
	}
	_, dropped, err := c.dropFirst(b, nil, key, c.bytes-freed+size-c.maxBytes)
	if err != nil {
		return err
	}
	// A Put that is refused makes Write fail: it need not be looked at here.
	b.Put(key, stored)
	b.In(c.byExpiry).Put(expiryKey(stored, key), binary.BigEndian.AppendUint64(nil, uint64(size)))
	if err := c.db.Write(b, nil); err != nil {
		return err
	}
	c.bytes += size - freed - dropped
	return nil
}

// replace takes the old entry of key, if there is one, out of the order.
func (c *Cache) replace(b *engine.Batch, key []byte) (freed int64, err error) {
	old, err := c.db.Get(key, nil)
	if errors.Is(err, engine.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return sizeOf(key, old), b.In(c.byExpiry).Delete(expiryKey(old, key))
}

// Stats says how the cache has done.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{Hits: c.hits.Load(), Misses: c.misses.Load(), Bytes: c.bytes}
}
