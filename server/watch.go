package server

import (
	"sync"
	"sync/atomic"
)

// watches are the keys that clients watch. Who writes a key marks the clients while it holds the key's lock.
type watches struct {
	count atomic.Int64
	mu    sync.Mutex
	keys  map[string]map[*client]struct{}
}

// watched is a key that a client watches.
type watched struct {
	key    string // with its database
	expiry int64  // of what it held; 0: it was not there
}

func (w *watches) none() bool { return w.count.Load() == 0 }

func (w *watches) add(c *client, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keys == nil {
		w.keys = map[string]map[*client]struct{}{}
	}
	if w.keys[key] == nil {
		w.keys[key] = map[*client]struct{}{}
	}
	if _, there := w.keys[key][c]; !there {
		w.keys[key][c] = struct{}{}
		w.count.Add(1)
	}
}

// drop ends all that a client watches.
func (w *watches) drop(c *client) {
	if len(c.watching) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range c.watching {
		if _, there := w.keys[k.key][c]; !there {
			continue
		}
		delete(w.keys[k.key], c)
		w.count.Add(-1)
		if len(w.keys[k.key]) == 0 {
			delete(w.keys, k.key)
		}
	}
	c.watching = nil
}

func (w *watches) touched(key []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.keys[string(key)] {
		c.spoiled.Store(true)
	}
}

// of are the watched keys of a database, or of all if it is below 0.
func (w *watches) of(db int) (keys []string) {
	if w.none() {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range w.keys {
		if db < 0 || int(key[0]) == db {
			keys = append(keys, key)
		}
	}
	return keys
}
