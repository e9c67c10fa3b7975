package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// crashDir, if set, makes the test binary a producer that is killed.
const crashDir = "QUEUE_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, produce(dir)) // only an error ends it
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// produce pushes pairs of numbers for ever and prints how many it has pushed.
func produce(dir string) error {
	q, err := Open(dir)
	if err != nil {
		return err
	}
	for i := q.Len(); ; i += 2 {
		if err := q.Push([]byte(strconv.Itoa(i)), []byte(strconv.Itoa(i+1))); err != nil {
			return err
		}
		if _, err := fmt.Println(i + 2); err != nil {
			return err
		}
	}
}

// TestAKilledProducerLosesNothing kills the producer at some moment, many
// times: every item it had told of is there, pairs are whole, and none is twice.
func TestAKilledProducerLosesNothing(t *testing.T) {
	dir := t.TempDir()
	acknowledged := 0
	for round := range 5 {
		cmd := runner.Command(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 10 + 7*round {
			if !lines.Scan() {
				t.Fatal("the producer ended by itself")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		last := lines.Text()
		for lines.Scan() {
			last = lines.Text()
		}
		cmd.Wait() // it was killed: the error says so
		if acknowledged, err = strconv.Atoi(last); err != nil {
			t.Fatal(err)
		}
		checkNumbers(t, dir, acknowledged)
	}
}

// checkNumbers wants the numbers from 0 on, at least so many, in pairs.
func checkNumbers(t *testing.T, dir string, acknowledged int) {
	t.Helper()
	q, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	items, err := q.first(q.Len() + 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != q.Len() || len(items) < acknowledged || len(items)%2 != 0 {
		t.Fatalf("%d items read, %d counted, %d acknowledged", len(items), q.Len(), acknowledged)
	}
	for i, item := range items {
		if string(item) != strconv.Itoa(i) {
			t.Fatalf("item %d is %q", i, item)
		}
	}
}
