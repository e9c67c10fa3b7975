package server_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
)

// running is a server in this process, over a database in a folder of the test's.
type running struct {
	*server.Server
	db   *engine.DB
	addr string
}

// start serves until the test ends.
func start(t testing.TB, c server.Config) *running {
	t.Helper()
	return startIn(t, filepath.Join(t.TempDir(), "db"), c)
}

func startIn(t testing.TB, dir string, c server.Config) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, l, dir, c)
}

func startOn(t testing.TB, l net.Listener, dir string, c server.Config) *running {
	t.Helper()
	db, err := engine.Open(dir, server.Options(engine.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(db, c)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != server.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &running{s, db, l.Addr().String()}
}
