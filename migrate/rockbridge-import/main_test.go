package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/enginetest"
	"github.com/rockbridge-db/rockbridge/internal/runner"
	"github.com/rockbridge-db/rockbridge/migrate/internal/rows"
)

// The built binaries. Stores are made and read in processes of their own, so that the test's has no library but ours.
var program, maker string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rockbridge-import-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program, maker = filepath.Join(dir, "rockbridge-import"), filepath.Join(dir, "maker")
	build := exec.Command("go", "build", "-tags", "pebblegozstd", "-o", dir+"/", ".", "../internal/maker")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		return 1
	}
	return m.Run()
}

const manyRows = 1500

func start(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return runner.Command(ctx, name, args...)
}

// run1 runs the program and gives its exit code and all that it printed.
func run1(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := start(t, program, args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errOut.String()
}

func succeed(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := run1(t, args...)
	if code != exitOK {
		t.Fatalf("%q: exit code %d: %s%s", args, code, stdout, stderr)
	}
	return stdout, stderr
}

// fail wants the exit code, each text in stderr, and nothing where the database would be.
func fail(t *testing.T, code int, args []string, texts ...string) {
	t.Helper()
	got, stdout, stderr := run1(t, args...)
	if got != code || stdout != "" {
		t.Errorf("%q: exit code %d, want %d: %s%s", args, got, code, stdout, stderr)
	}
	for _, text := range texts {
		if !strings.Contains(stderr, text) {
			t.Errorf("%q: %q is not said: %s", args, text, stderr)
		}
	}
	if n := len(args); n > 0 && filepath.Base(args[n-1]) == "new" {
		nothing(t, args[n-1])
	}
}

func nothing(t *testing.T, dst string) {
	t.Helper()
	for _, path := range []string{dst, dst + ".importing"} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want nothing there", filepath.Base(path), err)
		}
	}
}

// newStore makes a store of a kind, and gives its path, its rows, and a destination.
func newStore(t *testing.T, kind string, n int) (src string, all []rows.Row, dst string) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("rows of seed %d", seed)
	dir := t.TempDir()
	src, dst = filepath.Join(dir, "store"), filepath.Join(dir, "new")
	if out, err := start(t, maker, kind, src, strconv.FormatUint(seed, 10), strconv.Itoa(n)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return src, rows.Make(seed, n), dst
}

func modelOf(t *testing.T, all []rows.Row, change func(i int, r rows.Row) rows.Row) *enginetest.Model {
	t.Helper()
	m := enginetest.NewModel(nil)
	for i, r := range all {
		if change != nil {
			r = change(i, r)
		}
		if err := m.Put(r.Key, r.Value); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// state hashes the files of a store.
func state(t *testing.T, path string) map[string][sha256.Size]byte {
	t.Helper()
	sums := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		sums[name] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func TestRowsOfEveryStoreArrive(t *testing.T) {
	for _, kind := range []string{"pebble", "badger", "leveldb"} {
		t.Run(kind, func(t *testing.T) {
			src, all, dst := newStore(t, kind, manyRows)
			before := state(t, src)
			out, notes := succeed(t, "--from", kind, "--verify", src, dst)
			if !strings.HasPrefix(out, fmt.Sprintf("%d rows in 1 families imported and verified in ", manyRows)) {
				t.Errorf("printed %q", out)
			}
			if kind != "badger" && notes != "" {
				t.Errorf("notes: %s", notes)
			}
			modelOf(t, all, nil).Check(t, enginetest.OpenDir(t, dst, nil))
			if !maps.Equal(before, state(t, src)) {
				t.Error("the source has changed")
			}
			code, _, stderr := run1(t, "--from", kind, src, dst)
			if code != exitError || !strings.Contains(stderr, "is not empty") {
				t.Errorf("a second import: exit code %d: %s", code, stderr)
			}
		})
	}
}

func TestBadgersTTLIsLeftOutOrKept(t *testing.T) {
	src, all, dst := newStore(t, "badger", manyRows)
	_, notes := succeed(t, "--from", "badger", src, dst)
	for _, text := range []string{fmt.Sprintf("%d rows had a TTL", manyRows/5), fmt.Sprintf("%d rows had user metadata", (manyRows+6)/7)} {
		if !strings.Contains(notes, text) {
			t.Errorf("%q is not said: %s", text, notes)
		}
	}
	kept := dst + "-ttl"
	if _, notes := succeed(t, "--from", "badger", src, "--keep-ttl", kept, "--verify"); strings.Contains(notes, "TTL") {
		t.Errorf("notes: %s", notes)
	}
	db := enginetest.OpenDir(t, kept, nil)
	for i, r := range all {
		stored, err := db.Get(r.Key, nil)
		if err != nil {
			t.Fatal(err)
		}
		value, at, err := engine.SplitTTL(stored)
		if err != nil || !bytes.Equal(value, r.Value) || at.IsZero() != (i%5 != 0) {
			t.Fatalf("row %d: %x expires %v, %v", i, value, at, err)
		}
		if left := time.Until(at); i%5 == 0 && (left < 23*time.Hour || left > 25*time.Hour) {
			t.Fatalf("row %d expires in %v", i, left)
		}
	}
	options, err := db.ColumnFamilies()[0].Options()
	if err != nil || !strings.Contains(fmt.Sprint(options), engine.TTLFilter) {
		t.Errorf("no filter: %v", err)
	}
}

func TestBucketsBecomeFamiliesOrPrefixes(t *testing.T) {
	src, all, dst := newStore(t, "bbolt", manyRows)
	before := state(t, src)
	_, notes := succeed(t, "--from", "bbolt", src, dst, "--verify")
	if !strings.Contains(notes, "3 buckets had a sequence") {
		t.Errorf("notes: %s", notes)
	}
	db := enginetest.OpenDir(t, dst, nil)
	var names []string
	for _, c := range db.ColumnFamilies() {
		names = append(names, c.Name())
		m := enginetest.NewModel(nil)
		if slices.Contains([]string{"one", "two/inner", "two/inner/most"}, c.Name()) {
			m = modelOf(t, all, nil)
		}
		m.Check(t, c)
	}
	slices.Sort(names)
	if want := []string{"default", "empty", "one", "two", "two/inner", "two/inner/most"}; !slices.Equal(names, want) {
		t.Errorf("families %q, want %q", names, want)
	}
	prefixed := dst + "-prefix"
	succeed(t, "--from", "bbolt", "--buckets", "prefix", "--separator", "ff00ff", "--verify", src, prefixed)
	m := enginetest.NewModel(nil)
	for _, bucket := range []string{"one", "two\xff\x00\xffinner", "two\xff\x00\xffinner\xff\x00\xffmost"} {
		for _, r := range all {
			if err := m.Put(append([]byte(bucket+"\xff\x00\xff"), r.Key...), r.Value); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.Check(t, enginetest.OpenDir(t, prefixed, nil))
	if !maps.Equal(before, state(t, src)) {
		t.Error("the source has changed")
	}
}

func TestWhatHasNoTwinIsRefused(t *testing.T) {
	src, _, dst := newStore(t, "pebble-ranges", 10)
	fail(t, exitError, []string{"--from", "pebble", src, dst}, "range keys")
	src, _, dst = newStore(t, "bbolt-clash", 10)
	fail(t, exitError, []string{"--from", "bbolt", src, dst}, "two buckets", `"a/b"`)
	fail(t, exitError, []string{"--from", "bbolt", "--buckets", "prefix", "--separator", "2f", src, dst}, "separator")
	succeed(t, "--from", "bbolt", "--buckets", "prefix", src, dst)
}

func TestBadInputIsRefused(t *testing.T) {
	stores := map[string]string{}
	for _, kind := range []string{"pebble", "badger", "leveldb", "bbolt"} {
		stores[kind], _, _ = newStore(t, kind, 10)
	}
	dst := filepath.Join(t.TempDir(), "new")
	for is, src := range stores {
		for said := range stores {
			if is != said {
				fail(t, exitError, []string{"--from", said, src, dst}, "no store of "+said, "but of "+is)
			}
		}
	}
	ours := enginetest.Open(t, nil)
	fail(t, exitError, []string{"--from", "leveldb", ours.Path(), dst}, "RocksDB")
	fail(t, exitError, []string{"--from", "badger", t.TempDir(), dst}, "no store of badger")
	fail(t, exitError, []string{"--from", "pebble", dst + "-absent", dst}, "no such file")
	fail(t, exitError, []string{"--from", "leveldb", stores["leveldb"], ours.Path()}, "is not empty")
	for _, args := range [][]string{
		{},
		{"--from", "bbolt", dst},
		{stores["bbolt"], dst},
		{"--from", "lmdb", stores["bbolt"], dst},
		{"--from", "bbolt", "--buckets", "none", stores["bbolt"], dst},
		{"--from", "bbolt", "--separator", "xy", stores["bbolt"], dst},
		{"--from", "bbolt", "--keep-ttl", stores["bbolt"], dst},
		{"--to", "bbolt", stores["bbolt"], dst},
	} {
		fail(t, exitUsage, args, "rockbridge-import: ")
	}
	if out, _ := succeed(t, "--help"); !strings.Contains(out, "-keep-ttl") {
		t.Errorf("help: %s", out)
	}
}

func TestASourceThatIsOpenElsewhereIsRefused(t *testing.T) {
	for _, kind := range []string{"pebble", "badger", "leveldb", "bbolt"} {
		dir := t.TempDir()
		src, dst := filepath.Join(dir, "store"), filepath.Join(dir, "new")
		cmd := start(t, maker, kind, src, "1", "10", "hold")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		fail(t, exitError, []string{"--from", kind, src, dst}, src)
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Fatal(err)
		}
		succeed(t, "--from", kind, src, dst)
	}
}

// A damaged store is an error and leaves nothing; what bbolt does not see, it cannot tell: it has no checksums.
func TestADamagedSourceLeavesNothing(t *testing.T) {
	for kind, pattern := range map[string]string{"pebble": "*.sst", "badger": "*.sst", "leveldb": "*.ldb"} {
		src, _, dst := newStore(t, kind, manyRows)
		files, err := filepath.Glob(filepath.Join(src, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no table: %v", kind, err)
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/3] ^= 1
		if err := os.WriteFile(files[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
		fail(t, exitError, []string{"--from", kind, src, dst}, src)
	}
	src, _, dst := newStore(t, "bbolt", manyRows)
	b, err := os.ReadFile(src)
	if err != nil {
		t.Fatal(err)
	}
	for page := 4; page < len(b)/4096; page++ { // not the two first, of which one is enough
		copy(b[page*4096:], bytes.Repeat([]byte{0xee}, 16))
	}
	if err := os.WriteFile(src, b, 0o600); err != nil {
		t.Fatal(err)
	}
	fail(t, exitError, []string{"--from", "bbolt", src, dst}, "damaged")
}

func TestAnImportThatIsKilledLeavesNoDatabase(t *testing.T) {
	src, all, dst := newStore(t, "leveldb", 20_000)
	whole := 0
	for delay := time.Millisecond; whole == 0; delay = delay*3/2 + 5*time.Millisecond {
		cmd := start(t, program, "--from", "leveldb", "--verify", src, dst)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(delay)
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if _, err := os.Stat(dst); err == nil {
			whole++
		}
	}
	modelOf(t, all, nil).Check(t, enginetest.OpenDir(t, dst, nil))
	again := dst + "-2"
	cmd := start(t, program, "--from", "leveldb", src, again)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(again + ".importing/db"); err == nil {
			break
		}
	}
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err == nil {
		t.Log("the import was quicker than the interrupt")
		return
	}
	nothing(t, again)
	succeed(t, "--from", "leveldb", src, again)
	if _, err := os.Stat(again + ".importing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}

func TestAFolderThatIsInTheWayIsLeftAlone(t *testing.T) {
	src, _, dst := newStore(t, "leveldb", 10)
	if err := os.MkdirAll(dst+".importing/db", 0o700); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := run1(t, "--from", "leveldb", src, dst)
	if code != exitError || !strings.Contains(stderr, "is in the way") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(dst + ".importing/db"); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(dst + ".importing"); err != nil {
		t.Fatal(err)
	}
	p, err := claim(dst)
	if err != nil {
		t.Fatal(err)
	}
	code, _, stderr = run1(t, "--from", "leveldb", src, dst)
	if code != exitError || !strings.Contains(stderr, "another import") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if err := p.release(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dst, 0o700); err != nil { // empty: it is replaced
		t.Fatal(err)
	}
	succeed(t, "--from", "leveldb", src, dst)
}
