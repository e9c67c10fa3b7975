package prometheus

import (
	"testing"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/rockbridge-db/rockbridge/engine"
)

// A family's name is any bytes, and so may be a database's: labels are UTF-8, and what is not ended the scrape.
func TestNamesOfAnyBytesBecomeLabels(t *testing.T) {
	db := openTemp(t)
	want := map[string]bool{"default": false, "f": false, "a\nb\"c\\": false, `"\xff\xfe"`: false}
	for _, name := range []string{"\xff\xfe", "a\nb\"c\\"} {
		if _, err := db.CreateColumnFamily(name, &engine.FamilyOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	r := prom.NewPedanticRegistry()
	if err := r.Register(NewCollector("\xfe", db)); err != nil {
		t.Fatal(err)
	}
	for _, m := range gather(t, r)["rockbridge_memtable_bytes"].GetMetric() {
		for _, l := range m.GetLabel() {
			switch l.GetName() {
			case "family":
				want[l.GetValue()] = true
			case "db":
				if l.GetValue() != `"\xfe"` {
					t.Errorf("the database is %q", l.GetValue())
				}
			}
		}
	}
	for name, seen := range want {
		if !seen {
			t.Errorf("no metric of family %q", name)
		}
	}
	if len(want) != 4 {
		t.Errorf("families: %v", want)
	}
}
