// Command cache shows a cache on disk: values with a time to live, within a
// size, in order of expiry through a second column family.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	dir, err := os.MkdirTemp("", "cache-")
	if err == nil {
		err = errors.Join(show(os.Stdout, dir), os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cache:", err)
		os.Exit(1)
	}
}

// show fills a cache in dir and prints what becomes of the entries.
func show(out io.Writer, dir string) (err error) {
	clock := time.Now() // moved by hand: the demonstration does not wait
	c, err := Open(dir, 64, func() time.Time { return clock })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for _, e := range []struct {
		key, value string
		ttl        time.Duration
	}{
		{"session/anna", "logged in", time.Minute},
		{"session/ben", "logged in", time.Hour},
		{"page/home", "<h1>Home</h1>", 24 * time.Hour},
	} {
		if err := c.Set([]byte(e.key), []byte(e.value), e.ttl); err != nil {
			return err
		}
	}
	look := func(when string) error {
		fmt.Fprintf(out, "%s:\n", when)
		for _, key := range []string{"session/anna", "session/ben", "page/home", "page/about"} {
			value, found, err := c.Get([]byte(key))
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "  %-13s %-5t %s\n", key, found, value)
		}
		return nil
	}
	if err := look("a cache of 64 bytes, of which three entries take all but one"); err != nil {
		return err
	}
	clock = clock.Add(2 * time.Minute)
	if err := look("two minutes later"); err != nil {
		return err
	}
	swept, err := c.Sweep()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "swept: %d\n", swept)
	if err := c.Set([]byte("page/about"), []byte("<h1>About us</h1>"), time.Hour); err != nil {
		return err
	}
	if err := look("after another page, for which the entry that expires first had to go"); err != nil {
		return err
	}
	s := c.Stats()
	fmt.Fprintf(out, "%d hits, %d misses, %d bytes stored\n", s.Hits, s.Misses, s.Bytes)
	return nil
}
