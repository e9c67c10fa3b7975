package engine_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// program gives the path of a program of the machine that the test needs.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("ROCKBRIDGE_MUST_RUN") != "":
		t.Fatalf("%s is not installed, and ROCKBRIDGE_MUST_RUN is set", name)
	default:
		t.Skipf("%s is not installed", name)
	}
	return path
}

// pipe runs a program with in as its standard input and gives its standard output.
func pipe(t *testing.T, in []byte, path string, args ...string) ([]byte, error) {
	t.Helper()
	var out, said bytes.Buffer
	c := exec.CommandContext(t.Context(), path, args...)
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &said
	err := c.Run()
	if err != nil {
		err = fmt.Errorf("%w: %.300s", err, said.String())
	}
	return out.Bytes(), err
}

// documentedReader is the Python program in the documentation, as a file.
func documentedReader(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/export.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```python\n")
	code, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("docs/export.md has no program")
	}
	name := filepath.Join(t.TempDir(), "reader.py")
	if err := os.WriteFile(name, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestOtherProgramsReadAnExport(t *testing.T) {
	zstd, python := program(t, "zstd"), program(t, "python3")
	reader := documentedReader(t)
	r, _ := seededRand(t, "export.seed", *exportSeed)
	db := openTemp(t, nil)
	rows := map[string]string{"": "", "\x00": "\xff\n\t"}
	for range 3000 {
		rows[string(binary.LittleEndian.AppendUint32(nil, r.Uint32())[:r.IntN(5)])] = string(valueOf(r.IntN(600)))
	}
	rows["large"] = strings.Repeat("long ", 300_000)
	putAll(t, db.ColumnFamilies()[0], rows)
	file, _ := exported(t, db, nil, nil)
	if _, err := pipe(t, file, zstd, "-t", "--memory=2MB"); err != nil {
		t.Errorf("zstd -t: %v", err)
	}
	plain, err := pipe(t, file, zstd, "-dc")
	if err != nil {
		t.Fatalf("zstd -d: %v", err)
	}
	var want strings.Builder
	for _, k := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&want, "%s\t%s\n", hex.EncodeToString([]byte(k)), hex.EncodeToString([]byte(rows[k])))
	}
	got, err := pipe(t, plain, python, reader)
	if err != nil || string(got) != want.String() {
		t.Errorf("the documented reader gives %d bytes of %d, or others: %v", len(got), want.Len(), err)
	}
	if _, err := pipe(t, plain[:len(plain)-1], python, reader); err == nil {
		t.Error("the documented reader takes a file that is cut off")
	}
	plain[len(plain)/2] ^= 1
	if _, err := pipe(t, plain, python, reader); err == nil {
		t.Error("the documented reader takes a damaged file")
	}
}
