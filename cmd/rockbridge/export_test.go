package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// TestExportedRowsOfAnyBytesComeBack sends rows through a file and through pipes.
func TestExportedRowsOfAnyBytesComeBack(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	want := hexOf(randomRows(rand.New(rand.NewPCG(seed, 1)), 2000))
	dir := newDatabase(t, want, "--hex")
	file := filepath.Join(t.TempDir(), "rows.zst")
	if out := succeed(t, "export", dir, file); !strings.HasPrefix(out, fmt.Sprint(strings.Count(want, "\n"), " rows exported into ")) {
		t.Errorf("export says %q", out)
	}
	again := filepath.Join(t.TempDir(), "again")
	if out := succeed(t, "import", again, file, "--family", "f"); !strings.HasPrefix(out, fmt.Sprint(strings.Count(want, "\n"), " rows imported in ")) {
		t.Errorf("import says %q", out)
	}
	if got := succeed(t, "scan", again, "--family", "f", "--output", "hex"); got != want {
		t.Error("rows that went through a file differ")
	}
	piped := succeed(t, "export", dir, "-", "--level", "1")
	succeedWith(t, piped, "import", again, "-", "--sync")
	if got := succeed(t, "scan", again, "--output", "hex"); got != want {
		t.Error("rows that went through pipes differ")
	}
	succeed(t, "import", again, file) // a second time changes nothing
	if got := succeed(t, "scan", again, "--output", "hex"); got != want {
		t.Error("rows that were imported twice differ")
	}
}

func TestAnExportHasTheRowsOfItsRange(t *testing.T) {
	dir := newDatabase(t, "a\t1\nb\t2\nba\t3\nc\t4\n")
	for want, flags := range map[string][]string{
		"a\t1\nb\t2\nba\t3\nc\t4\n": nil,
		"b\t2\nba\t3\n":             {"--prefix", "b"},
		"b\t2\n":                    {"--from", "b", "--limit", "1"},
		"a\t1\n":                    {"--to", "b"},
		"":                          {"--from", "x"},
	} {
		to := filepath.Join(t.TempDir(), "to")
		succeedWith(t, succeed(t, append([]string{"export", dir, "-"}, flags...)...), "import", to, "-")
		if got := succeed(t, "scan", to); got != want {
			t.Errorf("%q: %q, want %q", flags, got, want)
		}
	}
}

// largeDatabase has rows of a megabyte in all for each of n, which do not compress.
func largeDatabase(t *testing.T, n int) (dir, rows string) {
	t.Helper()
	r, b := rand.NewChaCha8([32]byte{}), make([]byte, 512<<10)
	var text strings.Builder
	for i := range n {
		r.Read(b)
		fmt.Fprintf(&text, "%04x\t%x\n", i, b)
	}
	return newDatabase(t, text.String(), "--hex"), text.String()
}

func TestAPartialExportIsCompletedOnRequest(t *testing.T) {
	dir, _ := largeDatabase(t, 5)
	name := filepath.Join(t.TempDir(), "rows.zst")
	succeed(t, "export", dir, name)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fail(t, exitError, []string{"export", dir, name}, "exists", "--resume")
	for _, n := range []int{0, len(whole) / 2, len(whole) - 1, len(whole)} {
		if err := os.Truncate(name, int64(n)); err != nil {
			t.Fatal(err)
		}
		succeed(t, "export", dir, name, "--resume")
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, whole) {
			t.Fatalf("from %d bytes: %d bytes, %d without an interruption, or others: %v", n, len(got), len(whole), err)
		}
	}
	if err := os.Truncate(name, int64(len(whole)/2)); err != nil {
		t.Fatal(err)
	}
	succeed(t, "put", dir, "--hex", "ffff", "00")
	fail(t, exitError, []string{"export", dir, name, "--resume"}, "the state is another")
	succeed(t, "export", dir, name, "--resume", "--other-state")
	to := filepath.Join(t.TempDir(), "to")
	if out := succeed(t, "import", to, name); !strings.HasPrefix(out, "6 rows imported") {
		t.Errorf("import says %q", out)
	}
	text := writeFile(t, "notes.txt", "keep me\n")
	fail(t, exitError, []string{"export", dir, text, "--resume"}, "no whole frame of an export")
	if b, err := os.ReadFile(text); err != nil || string(b) != "keep me\n" {
		t.Errorf("%q: %v", b, err)
	}
}

func TestAStoppedImportGoesOnWhereItWas(t *testing.T) {
	dir, rows := largeDatabase(t, 5)
	whole := succeed(t, "export", dir, "-")
	position := filepath.Join(t.TempDir(), "position")
	to := filepath.Join(t.TempDir(), "to")
	failWith(t, whole[:len(whole)/2], exitError, []string{"import", to, "-", "--resume", position}, "corruption", "not whole", "rows written before")
	before := succeed(t, "count", to)
	failWith(t, whole[:len(whole)-1], exitError, []string{"import", to, "-", "--resume", position}, "not whole")
	if b, err := os.ReadFile(position); err != nil || before == "0\n" || before == "5\n" {
		t.Errorf("%s rows, position %.100s: %v", before, b, err)
	}
	if out := succeedWith(t, whole, "import", to, "-", "--resume", position); !strings.HasPrefix(out, "5 rows imported") {
		t.Errorf("import says %q", out)
	}
	if _, err := os.Stat(position); err == nil {
		t.Error("the position was kept")
	}
	if succeed(t, "scan", to, "--output", "hex") != rows {
		t.Error("other rows")
	}
	file := writeFile(t, "rows.zst", whole)
	failWith(t, "", exitError, []string{"import", to, file, "--resume", writeFile(t, "bad", "x")}, "no position of an import")
	fail(t, exitError, []string{"import", to, filepath.Join(dir, "absent")}, "no such file")
	fail(t, exitError, []string{"import", to, writeFile(t, "x.tsv", "a\tb\n")}, "not compressed by zstd")
}

func TestAnInterruptedImportReportsWhatItWrote(t *testing.T) {
	dir, _ := largeDatabase(t, 4)
	whole := succeed(t, "export", dir, "-")
	to := filepath.Join(t.TempDir(), "to")
	cmd := command(t, "import", to, "-")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if _, err := stdin.Write([]byte(whole)[:len(whole)-1]); err != nil {
		t.Fatal(err)
	}
	waitForRows(t, to)
	time.Sleep(50 * time.Millisecond)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // its error is the exit code below
	got := strings.TrimSpace(succeed(t, "count", to))
	if code := cmd.ProcessState.ExitCode(); code != exitError || stderr.String() != "rockbridge: interrupted: "+got+" rows written\n" {
		t.Errorf("exit code %d, stderr %q, %s rows", code, stderr.String(), got)
	}
}

// TestZstdDecompressesAnExport has two other programs do so.
func TestZstdDecompressesAnExport(t *testing.T) {
	dir := newDatabase(t, "key\tvalue\n")
	file := succeed(t, "export", dir, "-")
	d, err := zstd.NewReader(nil, zstd.WithDecoderMaxWindow(2<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plain, err := d.DecodeAll([]byte(file), nil)
	if err != nil || !bytes.HasPrefix(plain, []byte("RBEXPORT")) || !bytes.Contains(plain, []byte("B\x04\x05keyvalue\x00\x01")) {
		t.Errorf("%q: %v", plain, err)
	}
	path, err := exec.LookPath("zstd")
	if err != nil {
		if os.Getenv("ROCKBRIDGE_MUST_RUN") != "" {
			t.Fatal(err)
		}
		t.Skip("zstd is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, "-dc")
	cmd.Stdin = strings.NewReader(file)
	if out, err := cmd.Output(); err != nil || !bytes.Equal(out, plain) {
		t.Errorf("zstd -d: %q, %v", out, err)
	}
}
