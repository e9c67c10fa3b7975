// Command index shows a secondary index: a second column family that one batch
// keeps in step with the records, and lookups through a prefix of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	dir, err := os.MkdirTemp("", "index-")
	if err == nil {
		err = errors.Join(show(context.Background(), os.Stdout, dir), os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "index:", err)
		os.Exit(1)
	}
}

// show adds, moves and removes people and looks them up by city.
func show(ctx context.Context, out io.Writer, dir string) (err error) {
	people, err := Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, people.Close()) }()
	for _, person := range []Person{
		{"p1", "Ada", "London"},
		{"p2", "Blaise", "Paris"},
		{"p3", "Charles", "London"},
		{"p4", "Dorothy", "Londonderry"},
	} {
		if err := people.Put(person); err != nil {
			return err
		}
	}
	if err := list(ctx, out, people, "four people"); err != nil {
		return err
	}
	if err := people.Put(Person{"p3", "Charles", "Paris"}); err != nil {
		return err
	}
	if err := list(ctx, out, people, "Charles has moved"); err != nil {
		return err
	}
	if err := people.Delete("p2"); err != nil {
		return err
	}
	return list(ctx, out, people, "Blaise has left")
}

func list(ctx context.Context, out io.Writer, people *People, when string) error {
	fmt.Fprintf(out, "%s:\n", when)
	for _, city := range []string{"London", "Paris"} {
		found, err := people.InCity(ctx, city)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-7s", city)
		for _, person := range found {
			fmt.Fprintf(out, " %s (%s)", person.Name, person.ID)
		}
		fmt.Fprintln(out)
	}
	return nil
}
