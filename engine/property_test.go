package engine_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// propertyDB has two families with a table file each, and some rows in memory.
func propertyDB(t *testing.T) (*engine.DB, []*engine.ColumnFamily) {
	t.Helper()
	db := openTemp(t, &engine.Options{
		Families:   map[string]engine.FamilyOptions{"other": {}},
		Statistics: engine.UsualStatistics,
		Extra:      "disable_auto_compactions=true",
	})
	families := db.ColumnFamilies()
	for n, c := range families {
		for i := range 10 * (n + 1) {
			if err := c.Put(fmt.Appendf(nil, "%02d", i), valueOf(10), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	for n, c := range families {
		for i := range n + 3 {
			if err := c.Delete(fmt.Appendf(nil, "%02d", i), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	return db, families
}

func TestEveryPropertyIsReadAsItsKind(t *testing.T) {
	_, families := propertyDB(t)
	for _, p := range engine.Properties() {
		name := p.Name
		if p.Numbered {
			name += "0"
		}
		for _, c := range families {
			text, err := c.Property(name)
			switch {
			case errors.Is(err, engine.ErrUnsupported):
				if p.Since == "" || !strings.Contains(err.Error(), p.Since) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			case p.Name == engine.PropEstimateOldestKeyTime || strings.Contains(p.Name, "blob-cache"):
				expectError(t, name, err, engine.ErrInvalidArgument) // FIFO compaction only; there is no such cache
				continue
			case err != nil || text == "" && p.Kind != engine.PropertyText:
				t.Errorf("%s: %q, %v", name, text, err)
				continue
			}
			n, numberErr := c.PropertyInt(name)
			f, fractionErr := c.PropertyFloat(name)
			m, mapErr := c.PropertyMap(name)
			is := map[engine.PropertyKind]bool{
				engine.PropertyNumber: numberErr == nil, engine.PropertyFraction: fractionErr == nil && numberErr != nil, engine.PropertyMap: mapErr == nil,
				engine.PropertyText: true,
			}
			delete(is, engine.PropertyText)
			for kind, ok := range is {
				if ok != (kind == p.Kind) {
					t.Errorf("%s is a %s, but is read as a %s: %v (%d, %g, %v)", name, p.Kind, kind, ok, n, f, m)
				}
			}
			for _, err := range []error{numberErr, fractionErr, mapErr} {
				if err != nil && !errors.Is(err, engine.ErrInvalidArgument) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestPropertiesTellWhatIsThere(t *testing.T) {
	db, families := propertyDB(t)
	for n, c := range families {
		rows := uint64(10 * (n + 1))
		for name, want := range map[string]uint64{
			engine.PropNumEntriesActiveMemtable: uint64(n + 3), engine.PropNumDeletesActiveMemtable: uint64(n + 3),
			engine.PropNumFilesAtLevel + "0": 1, engine.PropNumFilesAtLevel + "1": 0, engine.PropNumSnapshots: 0,
		} {
			if got, err := c.PropertyInt(name); err != nil || got != want {
				t.Errorf("%s: %s is %d, %v", c.Name(), name, got, err)
			}
		}
		for _, name := range []string{engine.PropAggregatedTableProperties, engine.PropAggregatedTablePropertiesAtLevel + "0"} {
			m, err := c.PropertyMap(name)
			if err != nil || m["# entries"] != strconv.FormatUint(rows, 10) || m["raw value size"] != strconv.FormatUint(10*rows, 10) {
				t.Errorf("%s: %s is %v, %v", c.Name(), name, m, err)
			}
		}
		if r, err := c.PropertyFloat(engine.PropCompressionRatioAtLevel + "1"); err != nil || r != -1 {
			t.Errorf("no files: %g, %v", r, err)
		}
		m, err := c.PropertyMap(engine.PropCFWriteStallStats)
		if err == nil && (m["total-delays"] != "0" || m["total-stops"] != "0") || err != nil && !errors.Is(err, engine.ErrUnsupported) {
			t.Errorf("stalls: %v, %v", m, err)
		}
	}
	if n, err := db.PropertyInt(engine.PropNumEntriesActiveMemtable); n != 3 || err != nil {
		t.Errorf("of the default family: %d, %v", n, err)
	}
}

func TestTheSumOfAPropertyIsThatOfItsFamilies(t *testing.T) {
	db, families := propertyDB(t)
	for _, p := range engine.Properties() {
		name := p.Name
		if p.Numbered {
			name += "0"
		}
		sum, err := db.PropertySum(name)
		if p.OfCache() {
			expectError(t, name, err, engine.ErrInvalidArgument)
			continue
		}
		var want uint64
		var first error
		for _, c := range families {
			n, err := c.PropertyInt(name)
			if first == nil {
				first = err
			}
			if want += n; p.OfDatabase() {
				break
			}
		}
		if (err == nil) != (first == nil) || err == nil && sum != want {
			t.Errorf("%s: %d, %v; want %d, %v", name, sum, err, want, first)
		}
	}
	if err := db.DropColumnFamily(families[1]); err != nil {
		t.Fatal(err)
	}
	if n, err := db.PropertySum(engine.PropNumEntriesActiveMemtable); n != 3 || err != nil {
		t.Errorf("without the dropped family: %d, %v", n, err)
	}
}

func TestPropertiesThatAreNoneAreRefused(t *testing.T) {
	db, _ := propertyDB(t)
	for _, name := range []string{
		"", "x", "rocksdb.", "rocksdb.no-such", "rocksdb.stats\x00", engine.PropNumFilesAtLevel, engine.PropNumFilesAtLevel + "-1",
		engine.PropNumFilesAtLevel + "7", engine.PropNumFilesAtLevel + "99999999999999999999", engine.PropNumFilesAtLevel + "0x",
		engine.PropCompressionRatioAtLevel + "99999999999999999999", engine.PropAggregatedTablePropertiesAtLevel + "4294967296",
		engine.PropNumFilesAtLevel + "4294967295", engine.PropNumFilesAtLevel + "2147483648", engine.PropNumFilesAtLevel + "256",
		strings.Repeat("rocksdb.", 1<<16),
	} {
		_, textErr := db.Property(name)
		_, numberErr := db.PropertyInt(name)
		_, fractionErr := db.PropertyFloat(name)
		_, mapErr := db.PropertyMap(name)
		_, sumErr := db.PropertySum(name)
		for _, err := range []error{textErr, numberErr, fractionErr, mapErr, sumErr} {
			expectError(t, fmt.Sprintf("%.60q", name), err, engine.ErrInvalidArgument)
		}
	}
}

func TestTheListOfPropertiesIsTheCallersOwn(t *testing.T) {
	names := map[string]bool{}
	for _, p := range engine.Properties() {
		if names[p.Name] || !strings.HasPrefix(p.Name, "rocksdb.") {
			t.Errorf("%s", p.Name)
		}
		names[p.Name] = true
	}
	engine.Properties()[0].Name = "x"
	if engine.Properties()[0].Name == "x" {
		t.Error("the list was changed")
	}
	if len(names) < 60 {
		t.Errorf("only %d", len(names))
	}
}
