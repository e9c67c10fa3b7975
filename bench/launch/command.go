package launch

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

// Command is the main function of a driver: parse reads its flags, run does the work until ctx, which an interrupt
// ends. Wrong flags end the program with 2, everything else that fails with 1.
func Command[S any](name string, parse func(args []string) (S, error), run func(ctx context.Context, s S) error) {
	s, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err = run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}
