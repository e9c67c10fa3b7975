package server_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// rows counts what the engine holds of Redis's keys, living or not.
func (s *running) rows(t *testing.T, prefix string) int64 {
	t.Helper()
	keys, err := s.db.ColumnFamily("default")
	if err != nil {
		t.Fatal(err)
	}
	n, _, _, err := engine.Count(context.Background(), keys, &engine.IterOptions{Prefix: append([]byte{0}, prefix...)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// until waits for what comes by itself.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// An expired key that a command comes upon is deleted, whatever the command; others are left to compactions.
func TestExpiredKeysThatAreReadAreDeleted(t *testing.T) {
	s := start(t, server.Config{})
	w := dial(t, s.addr)
	const each = 300 // more than a batch
	looks := map[string]func(key string) []string{
		"get":     func(key string) []string { return []string{"GET", key} },
		"exists":  func(key string) []string { return []string{"EXISTS", key} },
		"ttl":     func(key string) []string { return []string{"TTL", key} },
		"mget":    func(key string) []string { return []string{"MGET", key, key, "stays"} },
		"getdel":  func(key string) []string { return []string{"GETDEL", key} },
		"expire":  func(key string) []string { return []string{"EXPIRE", key, "100"} },
		"nothing": nil,
	}
	w.ask("SET", "stays", "1", "EX", "1000")
	w.ask("SET", "stays for ever", "1")
	var packet []byte
	for name := range looks {
		for i := range each {
			packet = append(packet, encode("SET", fmt.Sprint(name, ":", i), "1", "PX", "1")...)
		}
	}
	w.send(packet)
	for range each * len(looks) {
		w.answer()
	}
	time.Sleep(2 * time.Millisecond)
	if n := s.rows(t, ""); n != int64(each*len(looks)+2) {
		t.Fatalf("%d rows before they were read", n)
	}
	deleted := 0
	for name, look := range looks {
		if look == nil {
			continue
		}
		packet = nil
		for i := range each {
			packet = append(packet, encode(look(fmt.Sprint(name, ":", i))...)...)
		}
		w.send(packet)
		for range each {
			w.answer()
		}
		until(t, name+": rows are left", func() bool { return s.rows(t, name+":") == 0 })
		deleted += each
		told := fmt.Sprintf("\r\nexpired_keys:%d\r\n", deleted)
		until(t, "INFO does not count them", func() bool { return strings.Contains(w.ask("INFO", "stats"), told) })
	}
	if n := s.rows(t, "nothing:"); n != each {
		t.Errorf("%d rows of those that nobody read", n)
	}
	w.ask("SCAN", "0", "COUNT", "10000", "MATCH", "stays*")
	until(t, "a scan leaves rows", func() bool { return s.rows(t, "") == 2 })
	if got := w.ask("EXISTS", "stays", "stays for ever"); got != ":2\r\n" {
		t.Errorf("living keys: %q", got)
	}
	w.ask("CONFIG", "RESETSTAT")
	if got := w.ask("INFO", "stats"); !strings.Contains(got, "\r\nexpired_keys:0\r\n") {
		t.Errorf("after CONFIG RESETSTAT: %q", got)
	}
}

// A key that is set anew right after it was found to have expired, by its client in the same pipeline and by others, stays.
func TestAKeySetAnewIsNeverDeletedAsExpired(t *testing.T) {
	s := start(t, server.Config{AppendFsync: "no"})
	const writers, keys, rounds = 4, 16, 50
	stop := make(chan struct{})
	var readers, all sync.WaitGroup
	for range 2 {
		w := dial(t, s.addr)
		readers.Go(func() {
			var packet []byte
			for i := range writers * keys {
				packet = append(packet, encode("GET", fmt.Sprintf("%d:%d", i/keys, i%keys))...)
			}
			for {
				select {
				case <-stop:
					return
				default:
				}
				w.send(packet)
				for range writers * keys {
					w.answer()
				}
			}
		})
	}
	for id := range writers {
		w := dial(t, s.addr)
		all.Go(func() {
			for round := range rounds {
				value := fmt.Sprint("value", round)
				var short, anew, get []byte
				for k := range keys {
					key := fmt.Sprintf("%d:%d", id, k)
					short = append(short, encode("SET", key, "old", "PX", "1")...)
					anew = append(anew, encode("GET", key)...)
					anew = append(anew, encode([][]string{{"SET", key, value}, {"MSET", key, value}, {"SETNX", key, value}, {"SET", key, value, "EX", "1000"}}[k%4]...)...)
					get = append(get, encode("GET", key)...)
				}
				w.send(short)
				for range keys {
					w.answer()
				}
				time.Sleep(2 * time.Millisecond)
				w.send(anew)
				for range 2 * keys {
					w.answer()
				}
				for range 3 {
					w.send(get)
					want := fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
					for k := range keys {
						if got := w.answer(); got != want {
							t.Errorf("round %d, key %d:%d: %q, want %q", round, id, k, got, want)
						}
					}
				}
			}
		})
	}
	all.Wait()
	close(stop)
	readers.Wait()
	if n := s.Stats().ExpiredDeleted; n == 0 {
		t.Error("no expired key was deleted meanwhile")
	}
	if n := s.rows(t, ""); n != writers*keys {
		t.Errorf("%d rows", n)
	}
}

// RocksDB compacts what nobody writes near once in 30 days, as the family has a filter.
func TestColdDataIsCompactedEachMonth(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	startIn(t, dir, server.Config{})
	paths, _ := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
	if len(paths) == 0 {
		t.Fatal("no file of options")
	}
	b, err := os.ReadFile(paths[len(paths)-1])
	if err != nil || !bytes.Contains(b, []byte("periodic_compaction_seconds=2592000\n")) {
		t.Errorf("%v: another period than the documents say", err)
	}
}
