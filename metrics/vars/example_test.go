package vars_test

import (
	"encoding/json"
	"expvar"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/metrics/vars"
)

// The metrics of a database become a variable of package expvar, served under /debug/vars.
func ExamplePublish() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := vars.Publish("rockbridge", db); err != nil {
		log.Fatal(err)
	}
	if err := db.Put([]byte("key"), []byte("value"), nil); err != nil {
		log.Fatal(err)
	}
	var m engine.Metrics
	if err := json.Unmarshal([]byte(expvar.Get("rockbridge").String()), &m); err != nil {
		log.Fatal(err)
	}
	fmt.Println("writes:", m.Calls["write"].Calls)
	if err := db.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("closed:", expvar.Get("rockbridge"))
	// Output:
	// writes: 1
	// closed: null
}
