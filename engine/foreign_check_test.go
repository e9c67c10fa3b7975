package engine_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// RocksDB's own programs look at the databases that random tests leave: what ldb scans amounts to the same as what we
// scan, ldb finds its files consistent, and sst_dump reads each of them whole.

// foreignReady reports whether ldb and sst_dump are there. A test that has more to show goes on without them, but not
// where everything must run.
func foreignReady(t *testing.T) bool {
	t.Helper()
	for _, name := range []string{"ldb", "sst_dump"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("ROCKBRIDGE_MUST_RUN") != "" {
				t.Fatalf("%s is not installed, and ROCKBRIDGE_MUST_RUN is set", name)
			}
			t.Logf("%s is not installed: the database is not looked at by RocksDB's own programs", name)
			return false
		}
	}
	return true
}

// foreignSums opens a closed database as it is and adds its families up. fold has merged values folded first: RocksDB's
// programs have none of our operators.
func foreignSums(dir string, fold bool) (sums map[string]engine.RangeChecksum, err error) {
	db, err := engine.Open(dir, &engine.Options{ErrorIfMissing: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	sums = map[string]engine.RangeChecksum{}
	for _, c := range db.ColumnFamilies() {
		if fold {
			// Twice: RocksDB moves files by itself meanwhile, and a compaction that began before passes by where they went.
			ctx := context.Background()
			if err := errors.Join(c.Flush(), c.Compact(ctx, nil, nil), c.Compact(ctx, nil, nil)); err != nil {
				return nil, err
			}
		}
		if sums[c.Name()], err = engine.Checksum(context.Background(), c, nil); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// foreignAgrees compares what RocksDB's programs see of a closed database with what we see of it.
func foreignAgrees(t *testing.T, dir string, fold bool) error {
	t.Helper()
	if !foreignReady(t) {
		return nil
	}
	sums, err := foreignSums(dir, fold)
	if err != nil {
		return err
	}
	return foreignSees(t, dir, sums)
}

// foreignSees compares what they see with sums.
func foreignSees(t *testing.T, dir string, sums map[string]engine.RangeChecksum) error {
	t.Helper()
	onDB := []string{"--db=" + dir, "--ignore_unknown_options"}
	out, err := tool(t, "ldb", append(onDB, "checkconsistency")...)
	if err != nil || strings.TrimSpace(out) != "OK" {
		return fmt.Errorf("ldb checkconsistency: %.300s: %w", out, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return err
	}
	if len(files) > 0 {
		// Without the flag it looks at no checksum, whatever the command says.
		out, err := tool(t, "sst_dump", "--file="+dir, "--command=verify", "--verify_checksum")
		if err != nil || strings.Count(out, "The file is ok") != len(files) || strings.Contains(out, "orrupt") {
			return fmt.Errorf("sst_dump verify of %d files: %w: %.1000s", len(files), err, out)
		}
	}
	for name, want := range sums {
		out, err := tool(t, "ldb", append(onDB, "--column_family="+name, "scan", "--hex")...)
		if err != nil || strings.Contains(out, "Failed: ") {
			return fmt.Errorf("ldb scan of %s: %.300s: %w", name, out, err)
		}
		got, err := foreignSum(out)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("family %s: ldb sees %+v, we see %+v", name, got, want)
		}
	}
	return nil
}

// foreignSum adds up the rows that ldb prints.
func foreignSum(out string) (sum engine.RangeChecksum, err error) {
	for line := range strings.Lines(out) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), " : ")
		key, bad := hex.DecodeString(strings.TrimPrefix(k, "0x"))
		value, worse := hex.DecodeString(strings.TrimPrefix(v, "0x"))
		if !ok || bad != nil || worse != nil {
			return sum, fmt.Errorf("ldb scan printed %.100q", line)
		}
		sum.Add(key, value)
	}
	return sum, nil
}

// Each kind of difference that the comparison looks for, done by hand.
func TestTheForeignReaderNoticesDamage(t *testing.T) {
	if !foreignReady(t) {
		t.Skip("without them there is nothing to show")
	}
	for name, harm := range map[string]struct {
		do   func(dir string, file string, sums map[string]engine.RangeChecksum) error
		says string
	}{
		"none": {func(string, string, map[string]engine.RangeChecksum) error { return nil }, ""},
		"another row": {func(_, _ string, sums map[string]engine.RangeChecksum) error {
			sum := sums["default"]
			sum.Add([]byte("z"), nil)
			sums["default"] = sum
			return nil
		}, "ldb sees"},
		"a missing file": {func(_, file string, _ map[string]engine.RangeChecksum) error { return os.Remove(file) }, "ldb checkconsistency"},
		"a changed bit": {func(_, file string, _ map[string]engine.RangeChecksum) error {
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			data[100] ^= 1
			return os.WriteFile(file, data, 0o600)
		}, "sst_dump verify"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "db")
			db := openDir(t, dir, nil)
			for i := range 1000 {
				if err := db.Put(fmt.Appendf(nil, "%04d", i), valueOf(i%50), nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(db.Flush(), db.Close()); err != nil {
				t.Fatal(err)
			}
			sums, err := foreignSums(dir, false)
			if err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			if err := harm.do(dir, files[0], sums); err != nil {
				t.Fatal(err)
			}
			err = foreignSees(t, dir, sums)
			if (err == nil) != (harm.says == "") || err != nil && !strings.Contains(err.Error(), harm.says) {
				t.Errorf("%v, want %q", err, harm.says)
			}
		})
	}
}
