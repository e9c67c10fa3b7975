package server_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// The client that most Go programs use works unchanged, in both protocols.
func TestGoRedisWorksUnchanged(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		s := start(t, server.Config{RequirePass: "secret", SaveDir: t.TempDir()})
		c := redis.NewClient(&redis.Options{Addr: s.addr, Password: "secret", Protocol: protocol, DB: 2, ClientName: "tester"})
		defer c.Close()
		ctx := t.Context()
		check := func(what string, got any, err error, want any) {
			t.Helper()
			if err != nil || got != want {
				t.Errorf("protocol %d: %s: %v, %v, want %v", protocol, what, got, err, want)
			}
		}
		pong, err := c.Ping(ctx).Result()
		check("Ping", pong, err, "PONG")
		set, err := c.Set(ctx, "k", "v", time.Hour).Result()
		check("Set", set, err, "OK")
		left, err := c.TTL(ctx, "k").Result()
		check("TTL", left, err, time.Hour)
		got, err := c.Get(ctx, "k").Result()
		check("Get", got, err, "v")
		if _, err := c.Get(ctx, "none").Result(); err != redis.Nil {
			t.Errorf("a miss: %v", err)
		}
		n, err := c.IncrBy(ctx, "n", 41).Result()
		check("IncrBy", n, err, int64(41))
		f, err := c.IncrByFloat(ctx, "f", 1.5).Result()
		check("IncrByFloat", f, err, 1.5)
		commands, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Incr(ctx, "n")
			p.MSet(ctx, "a", "1", "b", "2")
			p.MGet(ctx, "a", "b", "c")
			return nil
		})
		check("TxPipelined", len(commands), err, 3)
		values, err := commands[2].(*redis.SliceCmd).Result()
		if err != nil || len(values) != 3 || values[0] != "1" || values[2] != nil {
			t.Errorf("MGet: %v, %v", values, err)
		}
		err = c.Watch(ctx, func(tx *redis.Tx) error {
			c.Set(ctx, "n", "0", 0)
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Incr(ctx, "n"); return nil })
			return err
		}, "n")
		if !errors.Is(err, redis.TxFailedErr) {
			t.Errorf("a watched key that changed: %v", err)
		}
		found := 0
		for it := c.Scan(ctx, 0, "*", 2).Iterator(); it.Next(ctx); {
			found++
		}
		size, err := c.DBSize(ctx).Result()
		check("DBSize", size, err, int64(found))
		limit, err := c.ConfigGet(ctx, "maxclients").Result()
		check("ConfigGet", limit["maxclients"], err, "10000")
		name, err := c.ClientGetName(ctx).Result()
		check("ClientGetName", name, err, "tester")
		infos, err := c.Command(ctx).Result()
		check("Command", infos["mset"].StepCount, err, int8(2))
		text, err := c.Info(ctx).Result()
		check("Info", len(text) > 500, err, true)
		if _, err := c.LPush(ctx, "list", "x").Result(); err == nil {
			t.Error("a command that is not there")
		}
		saved(t, c)
	}
}

// saved has BGSAVE make a copy, which opens and holds the rows.
func saved(t *testing.T, c *redis.Client) {
	t.Helper()
	ctx := t.Context()
	dir := c.ConfigGet(ctx, "dir").Val()["dir"]
	if _, err := c.BgSave(ctx).Result(); err != nil {
		t.Fatal(err)
	}
	var entries []os.DirEntry
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		info := c.InfoMap(ctx, "persistence").Val()["Persistence"]
		if entries, _ = os.ReadDir(dir); info["rdb_bgsave_in_progress"] == "0" && info["rdb_last_bgsave_status"] == "ok" && len(entries) > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no save: %v", info)
		}
	}
	db, err := engine.Open(filepath.Join(dir, entries[0].Name()), server.Options(engine.Options{ReadOnly: true}))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if v, err := db.Get([]byte("\x02k"), nil); err != nil || string(v[len(v)-1:]) != "v" {
		t.Errorf("in the copy: %q, %v", v, err)
	}
}
