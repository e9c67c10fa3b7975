package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/runner"
)

func TestVersionIsThatOfTheLinkedLibrary(t *testing.T) {
	v := engine.Version()
	if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(v) {
		t.Fatalf("%q", v)
	}
	dir := created(t, nil)
	files, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(text), "rocksdb_version="+v+"\n") {
		t.Errorf("the OPTIONS file does not say %s: %v", v, err)
	}
}

// versionChild asks the child of TestVersionTidiesUp for the version.
const versionChild = "ROCKBRIDGE_TEST_VERSION"

func TestVersionTidiesUp(t *testing.T) {
	if os.Getenv(versionChild) != "" {
		fmt.Printf("version=%s\n", engine.Version())
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	for dir, want := range map[string]string{tmp: engine.Version(), filepath.Join(tmp, "missing"): "unknown"} {
		child := runner.Command(t.Context(), self, "-test.run=^TestVersionTidiesUp$", "-test.count=1")
		child.Env = append(os.Environ(), versionChild+"=1", "TMPDIR="+dir)
		if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "version="+want+"\n") {
			t.Errorf("want %s: %v\n%s", want, err, out)
		}
	}
	if entries, err := os.ReadDir(tmp); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// atLeast tells whether version v is since or later.
func atLeast(t *testing.T, v, since string) bool {
	t.Helper()
	var a, b [2]int
	if _, err := fmt.Sscanf(v, "%d.%d", &a[0], &a[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(since, "%d.%d", &b[0], &b[1]); err != nil {
		t.Fatal(err)
	}
	return a[0] > b[0] || a[0] == b[0] && a[1] >= b[1]
}

func TestFeaturesAreThereFromTheirVersionOn(t *testing.T) {
	names := map[string]bool{}
	for _, f := range engine.Features() {
		if names[f.String()] || f.String() == "" || f.Since() == "" && f.Tag() == "" {
			t.Errorf("feature %d: %q since %q", f, f, f.Since())
		}
		names[f.String()] = true
		want := f.Tag() != "" && engine.CXX() == nil || f.Since() != "" && atLeast(t, engine.Version(), f.Since())
		if got := engine.Supports(f); got != want {
			t.Errorf("%s: Supports says %v; it came with %s, linked is %s", f, got, f.Since(), engine.Version())
		}
	}
	if len(names) != len(engine.Features()) || len(names) < 6 {
		t.Errorf("%v", names)
	}
	if unknown := engine.Feature(99); engine.Supports(unknown) || unknown.String() != "" || unknown.Since() != "" {
		t.Errorf("an unknown feature: %v, %q, %q", engine.Supports(unknown), unknown, unknown.Since())
	}
}

func TestSequenceIsThatOfTheNewestWriteShown(t *testing.T) {
	db := openTemp(t, nil)
	for range 5 {
		if err := db.Put([]byte("k"), nil, nil); err != nil {
			t.Fatal(err)
		}
		s := newSnapshot(t, db)
		n, err := s.Sequence()
		if engine.Supports(engine.SnapshotSequence) {
			if err != nil || n != db.LatestSequence() {
				t.Errorf("%d, %v; the latest is %d", n, err, db.LatestSequence())
			}
		} else {
			expectError(t, "Sequence", err, engine.ErrUnsupported, errors.ErrUnsupported)
			if !strings.Contains(fmt.Sprint(err), "9.0") || !strings.Contains(fmt.Sprint(err), engine.Version()) || n != 0 {
				t.Errorf("%d, %v", n, err)
			}
		}
		s.Close()
		if _, err := s.Sequence(); err != engine.ErrClosed {
			t.Errorf("closed: %v", err)
		}
	}
}
