package prometheus_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/metrics/prometheus"
)

// One collector for each database, by name, and one for the process.
func ExampleNewCollector() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(filepath.Join(dir, "db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	registry := prom.NewRegistry()
	registry.MustRegister(prometheus.NewCollector("users", db), prometheus.NewProcessCollector())

	if _, err := db.MultiGet([][]byte{[]byte("ann"), []byte("bob")}, nil); err != nil {
		log.Fatal(err)
	}
	err = testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP rockbridge_multi_get_keys_total Keys that were looked up many in a call.
# TYPE rockbridge_multi_get_keys_total counter
rockbridge_multi_get_keys_total{db="users"} 2
`), "rockbridge_multi_get_keys_total")
	fmt.Println(err)
	// Output: <nil>
}
