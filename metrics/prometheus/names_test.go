package prometheus

import (
	"strconv"
	"testing"
	"unicode/utf8"

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

// A name may look like what another one is shown as: two samples with the same labels would end the scrape.
func TestNoTwoNamesHaveOneLabel(t *testing.T) {
	names := []string{"", "a", `"`, "\xff", "\xff\xfe", "\\xff", "a\x00", "é", "\xc3", `\`, "\n"}
	for range 3 { // what the ones before are shown as, and that, and what a quotation of them would be
		for _, name := range names {
			names = append(names, label(name), strconv.Quote(name))
		}
	}
	of := map[string]string{}
	for _, name := range names {
		l := label(name)
		if other, taken := of[l]; taken && other != name || !utf8.ValidString(l) {
			t.Errorf("%q and %q are both shown as %q", name, other, l)
		}
		of[l] = name
	}
	db := openTemp(t)
	for _, name := range []string{"\xff", `"\xff"`} {
		if _, err := db.CreateColumnFamily(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	r := prom.NewPedanticRegistry()
	if err := r.Register(NewCollector("db", db)); err != nil {
		t.Fatal(err)
	}
	gather(t, r)
}
