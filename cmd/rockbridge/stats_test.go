package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestStatsTellsOfEachFamily(t *testing.T) {
	dir := newDatabase(t, "a\t1\nb\t2\nc\t3\n")
	succeedWith(t, "x\t1\n", "load", dir, "--format", "tsv", "--family", "other")
	out := succeed(t, "stats", dir)
	for _, pattern := range []string{
		`(?m)^database +` + regexp.QuoteMeta(dir) + `$`,
		`(?m)^RocksDB +\d+\.\d+\.\d+$`,
		`(?m)^sequence +4$`,
		`(?m)^default +3 `,
		`(?m)^other +1 `,
	} {
		if !regexp.MustCompile(pattern).MatchString(out) {
			t.Errorf("no %s in:\n%s", pattern, out)
		}
	}
	if out := succeed(t, "stats", dir, "--family", "other"); strings.Contains(out, "default") {
		t.Errorf("--family other shows another:\n%s", out)
	}
}

func TestStatsAsJSON(t *testing.T) {
	dir := newDatabase(t, "a\t1\nb\t2\n")
	succeed(t, "compact", dir)
	var stats databaseStats
	if err := json.Unmarshal([]byte(succeed(t, "stats", dir, "--json")), &stats); err != nil {
		t.Fatal(err)
	}
	if stats.Dir != dir || stats.Sequence != 2 || len(stats.Families) != 1 {
		t.Fatalf("%+v", stats)
	}
	f := stats.Families[0]
	if f.Name != "default" || f.Rows != "2" || f.FileBytes == "0" {
		t.Errorf("%+v", f)
	}
}

func TestStatsPrintsAProperty(t *testing.T) {
	dir := newDatabase(t, "a\t1\n")
	if out := succeed(t, "stats", dir, "--property", "rocksdb.levelstats"); !strings.Contains(out, "Level") {
		t.Errorf("levelstats: %q", out)
	}
	fail(t, exitError, []string{"stats", dir, "--property", "rocksdb.nonsense"}, "rocksdb.nonsense")
}
