package monitor_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
	"github.com/rockbridge-db/rockbridge/server/monitor"
)

// A server tells whether it is ready from before its database is open.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pages, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	clients, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}

	m := monitor.New(monitor.Options{Name: "orders"})
	defer m.Shutdown(context.Background())
	go m.Serve(pages)
	probe := func() {
		answer, err := http.Get("http://" + pages.Addr().String() + "/readyz")
		if err != nil {
			log.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		fmt.Print(answer.StatusCode, " ", string(text))
	}
	probe()

	db, err := engine.Open(filepath.Join(dir, "orders"), server.Options(engine.Options{}))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	s, err := server.New(db, server.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	if err := m.Watch(s, db); err != nil {
		log.Fatal(err)
	}
	go s.Serve(clients)
	for m.Ready() != nil { // until the other goroutine listens
		time.Sleep(10 * time.Millisecond)
	}
	probe()
	// Output:
	// 503 no: starting: the database is being opened
	// 200 ok
}
