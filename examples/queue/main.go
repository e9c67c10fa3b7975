// Command queue shows a durable first-in-first-out queue: big-endian numbers as
// keys, and batches that add or remove several items at once.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	dir, err := os.MkdirTemp("", "queue-")
	if err == nil {
		err = errors.Join(show(os.Stdout, dir), os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "queue:", err)
		os.Exit(1)
	}
}

// show pushes, closes, opens again and pops.
func show(out io.Writer, dir string) error {
	if err := fill(out, dir); err != nil {
		return err
	}
	return drain(out, dir)
}

func fill(out io.Writer, dir string) (err error) {
	q, err := Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	if err := q.Push([]byte("wake"), []byte("wash"), []byte("eat")); err != nil {
		return err
	}
	if err := q.Push([]byte("work")); err != nil {
		return err
	}
	fmt.Fprintf(out, "pushed, then closed: %d items\n", q.Len())
	return nil
}

func drain(out io.Writer, dir string) (err error) {
	q, err := Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	fmt.Fprintf(out, "opened again: %d items\n", q.Len())
	items, err := q.Pop(2)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "popped %q\n", items)
	broken := errors.New("no breakfast in the house")
	err = q.Process(1, func(items [][]byte) error {
		fmt.Fprintf(out, "processing %q fails: %v\n", items, broken)
		return broken
	})
	if !errors.Is(err, broken) {
		return err
	}
	fmt.Fprintf(out, "still there: %d items\n", q.Len())
	for {
		items, err := q.Pop(1)
		if err != nil || len(items) == 0 {
			return err
		}
		fmt.Fprintf(out, "popped %q\n", items)
	}
}
