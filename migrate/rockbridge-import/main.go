// Command rockbridge-import makes a database of rockbridge from a store of Pebble, bbolt, Badger or LevelDB. Run
// `rockbridge-import --help` for its flags; docs/migrate.md says what becomes of what.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// The exit codes, as those of the command line rockbridge.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

const usage = `Usage: rockbridge-import --from pebble|bbolt|badger|leveldb [flags] SRC DST

Make the new database DST of the rows of the store SRC, which is opened for reading
only and must not be open for writing elsewhere. DST must not exist, or be an empty
folder. It appears when all rows are in it: an import that fails leaves nothing.

Exit codes: 0 success, 1 error, 2 a mistake in the command line.

Flags:
`

// choices are the flags.
type choices struct {
	from      string
	verify    bool
	buckets   string
	separator string
	keepTTL   bool
}

// usageError is a mistake in the command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

func main() {
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends a program that is slow to stop
	if isWorker() {
		go endWithStarter()
		os.Exit(workerEnded + run(ctx, os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(superviseRun(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and gives the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := command(ctx, args, stdout, stderr)
	var mistake *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "rockbridge-import: interrupted")
		return exitError
	}
	fmt.Fprintln(stderr, "rockbridge-import:", strings.TrimPrefix(err.Error(), "rockbridge: "))
	if errors.As(err, &mistake) {
		fmt.Fprintln(stderr, "Run 'rockbridge-import --help' for usage.")
		return exitUsage
	}
	return exitError
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, paths, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := checkDestination(paths[1]); err != nil {
		return err
	}
	src, err := c.open(paths[0])
	if err != nil {
		return err
	}
	j := &job{src: src, path: paths[0], dst: paths[1], verify: c.verify, stdout: stdout, stderr: stderr}
	return errors.Join(j.run(ctx), src.close())
}

// parse reads the command line, in which flags may stand before and behind the paths.
func parse(args []string, stdout io.Writer) (c choices, paths []string, err error) {
	f := flag.NewFlagSet("rockbridge-import", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&c.from, "from", "", "what SRC is: pebble, bbolt, badger or leveldb")
	f.BoolVar(&c.verify, "verify", false, "read both sides again and compare them, before DST appears")
	f.StringVar(&c.buckets, "buckets", "families", "what buckets of bbolt become: families, or prefix, of the keys")
	f.StringVar(&c.separator, "separator", "00", "what ends a bucket's name in a key with --buckets prefix, in hexadecimal")
	f.BoolVar(&c.keepTTL, "keep-ttl", false, "keep Badger's times of expiry: every value then begins with one (engine.WithTTL)")
	for {
		err := f.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, usage)
			f.SetOutput(stdout)
			f.PrintDefaults()
			return c, nil, err
		}
		if err != nil {
			return c, nil, usagef("%v", err)
		}
		if f.NArg() == 0 {
			break
		}
		paths, args = append(paths, f.Arg(0)), f.Args()[1:]
	}
	if len(paths) != 2 {
		return c, nil, usagef("SRC and DST are needed, %d paths were given", len(paths))
	}
	return c, paths, c.check()
}

// check refuses what makes no sense.
func (c *choices) check() error {
	switch c.from {
	case "":
		return usagef("--from is missing")
	case "pebble", "bbolt", "badger", "leveldb":
	default:
		return usagef("--from %s: pebble, bbolt, badger and leveldb are known", c.from)
	}
	if c.buckets != "families" && c.buckets != "prefix" {
		return usagef("--buckets %s: families and prefix are known", c.buckets)
	}
	if c.keepTTL && c.from != "badger" {
		return usagef("--keep-ttl is for Badger only")
	}
	return nil
}
