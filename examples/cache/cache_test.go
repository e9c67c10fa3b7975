package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// clock is a time that a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func open(t *testing.T, dir string, maxBytes int64, at *clock) *Cache {
	t.Helper()
	c, err := Open(dir, maxBytes, at.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func set(t *testing.T, c *Cache, key, value string, ttl time.Duration) {
	t.Helper()
	if err := c.Set([]byte(key), []byte(value), ttl); err != nil {
		t.Fatal(err)
	}
}

// wantEntry compares what Get gives; want "" means a miss.
func wantEntry(t *testing.T, c *Cache, key, want string) {
	t.Helper()
	value, found, err := c.Get([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if found != (want != "") || string(value) != want {
		t.Errorf("%s: %q, %t; want %q", key, value, found, want)
	}
}

func TestAnEntryExpires(t *testing.T) {
	at := &clock{time.Unix(1000, 0)}
	c := open(t, t.TempDir(), 100, at)
	set(t, c, "k", "v", time.Second)
	at.t = at.t.Add(time.Second - 1)
	wantEntry(t, c, "k", "v")
	at.t = at.t.Add(1)
	wantEntry(t, c, "k", "")
	if s := c.Stats(); s != (Stats{Hits: 1, Misses: 1, Bytes: 2}) {
		t.Errorf("%+v", s)
	}
	if n, err := c.Sweep(); n != 1 || err != nil {
		t.Errorf("Sweep: %d, %v", n, err)
	}
	if s := c.Stats(); s.Bytes != 0 {
		t.Errorf("after the sweep: %+v", s)
	}
}

func TestTheFirstToExpireMakesRoom(t *testing.T) {
	at := &clock{time.Unix(1000, 0)}
	c := open(t, t.TempDir(), 10, at)
	set(t, c, "late", "1", time.Hour)   // 5 bytes
	set(t, c, "soon", "1", time.Minute) // 5 bytes: full
	set(t, c, "mid", "1", 30*time.Minute)
	wantEntry(t, c, "soon", "")
	wantEntry(t, c, "late", "1")
	wantEntry(t, c, "mid", "1")
	set(t, c, "mid", "1234567", time.Hour) // the whole cache
	wantEntry(t, c, "late", "")
	wantEntry(t, c, "mid", "1234567")
	if err := c.Set([]byte("mid"), []byte("12345678"), 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("an entry larger than the cache: %v", err)
	}
	wantEntry(t, c, "mid", "1234567")
}

func TestACacheSurvivesBeingClosed(t *testing.T) {
	at := &clock{time.Unix(1000, 0)}
	dir := t.TempDir()
	c := open(t, dir, 100, at)
	set(t, c, "k", "v", time.Hour)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = open(t, dir, 100, at)
	wantEntry(t, c, "k", "v")
	if s := c.Stats(); s.Bytes != 2 {
		t.Errorf("%+v", s)
	}
}

// TestBothFamiliesAgree changes a small cache at random and then compares the
// entries with their order and their size.
func TestBothFamiliesAgree(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	at := &clock{time.Unix(1000, 0)}
	c := open(t, t.TempDir(), 60, at)
	for range 1000 {
		key := []byte{"abcdefgh"[r.IntN(8)]}
		if err := c.Set(key, bytes.Repeat(key, r.IntN(20)), time.Duration(1+r.IntN(50))); err != nil {
			t.Fatal(err)
		}
		at.t = at.t.Add(time.Duration(r.IntN(5)))
		if r.IntN(20) == 0 {
			if _, err := c.Sweep(); err != nil {
				t.Fatal(err)
			}
		}
		if s := c.Stats(); s.Bytes > 60 {
			t.Fatalf("%d bytes stored of 60", s.Bytes)
		}
	}
	want := map[string]bool{}
	var size int64
	rows, done := engine.Scan(c.db, nil)
	for key, stored := range rows {
		want[string(expiryKey(stored, key))] = true
		size += sizeOf(key, stored)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	rows, done = engine.Scan(c.byExpiry, nil)
	for key := range rows {
		if !want[string(key)] {
			t.Errorf("%q is in the order and not in the cache", key)
		}
		delete(want, string(key))
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	if len(want) != 0 || size != c.Stats().Bytes {
		t.Errorf("not in the order: %v; %d bytes, counted %d", want, size, c.Stats().Bytes)
	}
}

func TestTheDemonstrationPrints(t *testing.T) {
	var out strings.Builder
	if err := show(&out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"swept: 1\n", "page/about    true  <h1>About us</h1>\n", "session/ben   false \n", "hits"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("no %q in:\n%s", text, out.String())
		}
	}
}
