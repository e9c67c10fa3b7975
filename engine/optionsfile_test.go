package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func parseOptions(text string) *optionsFile {
	o := newOptionsFile()
	var section map[string]string
	for line := range strings.SplitSeq(text, "\n") {
		section = o.line(strings.TrimSpace(line), section)
	}
	return o
}

func TestOptionsFileTellsVersionAndOperators(t *testing.T) {
	o := parseOptions(`
# a comment = with an equals sign
[Version]
  rocksdb_version=9.11.2
  options_file_version=1.1

[DBOptions]
  comparator=not of a family

[CFOptions "default"]
  comparator=leveldb.BytewiseComparator
  merge_operator=nullptr
  compaction_filter=nullptr

[TableOptions/BlockBasedTable "default"]
  merge_operator=not of the family

[CFOptions "old"]
  comparator=leveldb.BytewiseComparator
  merge_operator=UInt64AddOperator
[CFOptions "new"]
  comparator={id=leveldb.BytewiseComparator;}
  merge_operator={id=UInt64AddOperator;setting=1;}
[CFOptions "a\:b\#c\\d\ne\rf"]
  merge_operator=UInt64AddOperator
`)
	if o.version != "9.11.2" {
		t.Errorf("version %q", o.version)
	}
	for _, c := range []struct{ family, option, want string }{
		{"default", "comparator", "leveldb.BytewiseComparator"},
		{"default", "merge_operator", ""},
		{"old", "merge_operator", "UInt64AddOperator"},
		{"new", "comparator", "leveldb.BytewiseComparator"},
		{"new", "merge_operator", "UInt64AddOperator"},
		{"new", "compaction_filter", ""},
		{"a:b#c\\d\ne\rf", "merge_operator", "UInt64AddOperator"},
		{"absent", "merge_operator", ""},
	} {
		if got := o.operator(c.family, c.option); got != c.want {
			t.Errorf("%s of %q: %q, want %q", c.option, c.family, got, c.want)
		}
	}
	for _, family := range []string{"default", "old", "new", "absent"} {
		if what := o.unknownOperator(family, FamilyOptions{}); what != "" {
			t.Errorf("%s: %s", family, what)
		}
	}
}

func TestOptionsFileNamesWhatCannotBeMade(t *testing.T) {
	for setting, want := range map[string]string{
		"comparator=rocksdb.ReverseBytewiseComparator": "",
		"comparator={id=my.Order;x=1}":                 "comparator my.Order",
		"merge_operator=my.Merge":                      "merge operator my.Merge",
		"merge_operator={id=my.Merge;x=1}":             "merge operator my.Merge",
		"merge_operator={id=StringAppendOperator;}":    "",
		"table_factory=PlainTable":                     "table factory PlainTable",
		"table_factory=BlockBasedTable":                "",
		"compaction_filter=RemoveEmptyValue":           "compaction filter RemoveEmptyValue",
		"compaction_filter_factory=my.Factory":         "compaction filter factory my.Factory",
		"merge_operator=uint64add":                     "",
	} {
		o := parseOptions("[CFOptions \"f\"]\n  " + setting)
		if got := o.unknownOperator("f", FamilyOptions{}); got != want {
			t.Errorf("%s: %q, want %q", setting, got, want)
		}
	}
}

func TestTheNewestOptionsFileIsRead(t *testing.T) {
	dir := t.TempDir()
	if o, err := readOptionsFile(dir); o != nil || err != nil {
		t.Errorf("none: %v, %v", o, err)
	}
	if o, err := readOptionsFile(filepath.Join(dir, "absent")); o != nil || err != nil {
		t.Errorf("no directory: %v, %v", o, err)
	}
	for name, version := range map[string]string{
		"OPTIONS-000009": "9", "OPTIONS-000010": "10", "OPTIONS-000011.dbtmp": "11", "OPTIONS-": "12", "OPTIONS": "13", "LOG": "14",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("[Version]\nrocksdb_version="+version+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if o, err := readOptionsFile(dir); err != nil || o.version != "10" {
		t.Errorf("%+v, %v", o, err)
	}
	// A value longer than a line usually is.
	long := "[CFOptions \"f\"]\n  x=" + strings.Repeat("v", 1<<20) + "\n  merge_operator=UInt64AddOperator\n"
	if err := os.WriteFile(filepath.Join(dir, "OPTIONS-000100"), []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	if o, err := readOptionsFile(dir); err != nil || o.operator("f", "merge_operator") != "UInt64AddOperator" {
		t.Errorf("after a long line: %v", err)
	}
}

func TestExtraNumbersAreReadAsRocksDBReadsThem(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "-3": -3, "64": 64, "2k": 2 << 10, "2K": 2 << 10, "64M": 64 << 20, "1g": 1 << 30, "3T": 3 << 40,
	} {
		if n, ok := extraNumber(s); !ok || n != want {
			t.Errorf("%q: %d, %v", s, n, ok)
		}
	}
	for _, s := range []string{"", "M", "x", "1 2", "0x10", "9223372036854775808", "9000000000G", "1.5M"} {
		if n, ok := extraNumber(s); ok {
			t.Errorf("%q: %d", s, n)
		}
	}
}
