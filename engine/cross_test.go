package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/runner"
)

var (
	crossWith = flag.String("cross.with", "", "test programs of this package that are linked with other versions of RocksDB, "+
		"as in NAME=PATH,NAME=PATH; empty: this one alone")
	crossSeed = flag.Uint64("cross.seed", 0, "seed of the databases that versions hand to each other; 0: a new one")
)

// crossProgram is a test program and the RocksDB that it is linked with.
type crossProgram struct{ name, path, version string }

func crossPrograms(t *testing.T) []crossProgram {
	t.Helper()
	list := *crossWith
	if list == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		list = "itself=" + self
	}
	var all []crossProgram
	for entry := range strings.SplitSeq(list, ",") {
		name, path, _ := strings.Cut(entry, "=")
		p := crossProgram{name: name, path: path}
		out, err := p.run(t, "version")
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		p.version = out
		all = append(all, p)
	}
	return all
}

// run starts the program in its role and gives what it printed.
func (p crossProgram) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := runner.Command(ctx, p.path, args...)
	c.Env = append(os.Environ(), childRole+"=cross", "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=20")
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// crossChild is what one version does to a database. Its arguments are what to do, the directory, a
// seed, and how many stages others have written.
func crossChild(args []string) {
	switch args[0] {
	case "version":
		fmt.Print(engine.Version())
	case "stage":
		seed, err := strconv.ParseUint(args[2], 10, 64)
		must(err)
		stage, err := strconv.Atoi(args[3])
		must(err)
		crossStage(args[1], seed, stage)
	case "newer format":
		table := engine.FamilyOptions{Extra: "block_based_table_factory={format_version=6}"}
		o := &engine.Options{Families: map[string]engine.FamilyOptions{args[2]: table}}
		if args[2] == "default" {
			o = &engine.Options{FamilyOptions: table}
		}
		db, err := engine.Open(args[1], o)
		if err == nil {
			cf, err := db.ColumnFamily(args[2])
			must(err)
			must(cf.Put([]byte("k"), []byte("v"), nil))
			must(cf.Flush())
			must(db.Close())
		}
		fmt.Print(crossVerdict(err))
	case "open":
		db, err := engine.Open(args[1], nil)
		if err == nil {
			must(db.Close())
		}
		fmt.Print(crossVerdict(err))
	}
}

// crossVerdict puts an error's kind before its text.
func crossVerdict(err error) string {
	var e *engine.Error
	if err == nil {
		return "ok"
	}
	if !errors.As(err, &e) {
		return fmt.Sprintf("%T: %v", err, err)
	}
	return fmt.Sprintf("code %v: %v", e.Code, err)
}

// crossStage checks what the stages before left, writes the next, and goes with part of it in the log
// alone; every second stage without closing.
func crossStage(dir string, seed uint64, stage int) {
	o := &engine.Options{ErrorIfMissing: true} // and the families' options from the OPTIONS file
	if stage == 0 {
		o = &engine.Options{Families: crossFamilies()}
	}
	db, err := engine.Open(dir, o)
	must(err)
	before := crossRows(seed, stage)
	live := func(c *engine.ColumnFamily) engine.Reader { return c }
	must(crossCompare(db, live, before))
	snap, err := db.NewSnapshot()
	must(err)
	s := &crossState{db: db, rows: crossRows(seed, stage)}
	s.write(seed, stage)
	must(crossCompare(db, live, s.rows))
	must(crossCompare(db, func(c *engine.ColumnFamily) engine.Reader { return snap.In(c) }, before))
	must(snap.Close())
	if stage%2 == 1 {
		must(db.Close())
	}
}

func TestVersionsReadWhatEachOtherWrote(t *testing.T) {
	_, seed := seededRand(t, "cross.seed", *crossSeed)
	programs := crossPrograms(t)
	for _, a := range programs {
		for _, b := range programs {
			if a == b && len(programs) > 1 {
				continue
			}
			dir := filepath.Join(t.TempDir(), "db")
			answer := "ok"
			for stage, p := range []crossProgram{a, b, a, b} {
				if out, err := p.run(t, "stage", dir, strconv.FormatUint(seed, 10), strconv.Itoa(stage)); err != nil {
					answer = fmt.Sprintf("stage %d by %s: %v\n%s", stage, p.version, err, out)
					t.Errorf("%s to %s: %s", a.version, b.version, answer)
					break
				}
			}
			t.Logf("cross: written by %s, read and written by %s, and back: %.40s", a.version, b.version, answer)
		}
	}
}

func TestANewerTableFormatIsRefusedByName(t *testing.T) {
	const since = "8.6"
	programs := crossPrograms(t)
	for _, a := range programs {
		for _, family := range []string{"default", "other"} {
			dir := filepath.Join(t.TempDir(), "db")
			out, err := a.run(t, "newer format", dir, family)
			if err != nil || atLeast(t, a.version, since) != (out == "ok") {
				t.Errorf("%s writes table format 6: %v: %s", a.version, err, out)
				continue
			}
			if !atLeast(t, a.version, since) {
				t.Logf("cross: %s does not write table format 6: %s", a.version, strings.ReplaceAll(out, dir, "DIR"))
				continue
			}
			for _, b := range programs {
				out, err := b.run(t, "open", dir)
				out = strings.ReplaceAll(out, dir, "DIR")
				t.Logf("cross: table format 6 of %s, family %s, opened by %s: %s", a.version, family, b.version, out)
				if atLeast(t, b.version, since) {
					if err != nil || out != "ok" {
						t.Errorf("%s to %s: %v: %s", a.version, b.version, err, out)
					}
				} else if err != nil || !strings.HasPrefix(out, "code ") || !strings.Contains(out, "format_version") {
					t.Errorf("%s to %s: %v: %s", a.version, b.version, err, out)
				}
			}
		}
	}
}
