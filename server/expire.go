package server

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// expiredKeys are keys that commands found to have expired, whose rows one goroutine deletes: no command waits for it, and those that find
// living keys have nothing to do with it.
type expiredKeys struct{ queue chan []byte }

// What waits at most, and what one batch deletes. A key that finds no room is found again, or dropped by a compaction.
const (
	maxExpired   = 4096
	expiredBatch = 128
)

// offer has the row of a key looked at again, and deleted. The key is copied.
func (e *expiredKeys) offer(full []byte) {
	if len(e.queue) == cap(e.queue) {
		return
	}
	select {
	case e.queue <- bytes.Clone(full):
	default:
	}
}

// take waits for keys, and gives what there is, each once; nil at the end.
func (e *expiredKeys) take(ctx context.Context) (keys [][]byte) {
	select {
	case <-ctx.Done():
		return nil
	case key := <-e.queue:
		keys = append(keys, key)
	}
	for len(keys) < expiredBatch {
		select {
		case key := <-e.queue:
			keys = append(keys, key)
			continue
		default:
		}
		break
	}
	slices.SortFunc(keys, bytes.Compare)
	return slices.CompactFunc(keys, bytes.Equal)
}

// deleteExpired deletes what was offered, until the server ends.
func (s *Server) deleteExpired() {
	for {
		keys := s.expired.take(s.life)
		if keys == nil {
			return
		}
		n, err := s.deleteIfExpired(keys)
		if err == nil {
			s.stats.deleted.Add(int64(n))
		}
	}
}

// deleteIfExpired holds the locks of keys while it looks at them again and deletes those that have expired: one that was set anew in between
// stays. It is not synced, as a row that comes back has expired still; and watchers are not told, as they look at the time themselves.
func (s *Server) deleteIfExpired(keys [][]byte) (deleted int, err error) {
	var h held
	for _, key := range keys {
		h.stripes = append(h.stripes, stripe(s.locks.hash(key)))
	}
	h.lock(&s.locks)
	defer h.unlock()
	rows, err := s.keys.MultiGet(keys, nil)
	if err != nil {
		return 0, err
	}
	now := time.Now().UnixMilli()
	var b engine.Batch
	for i, row := range rows {
		if row.Err != nil {
			continue
		}
		if v, ok := decodeValue(row.Data); ok && v.expiry <= now {
			if err := b.Delete(keys[i]); err != nil {
				return 0, err
			}
		}
	}
	if b.Count() == 0 {
		return 0, nil
	}
	return int(b.Count()), s.db.Write(&b, nil)
}
