package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"
)

func newTopCommand() *cobra.Command {
	var once bool
	var interval, timeout time.Duration
	cmd := &cobra.Command{
		Use:   "top URL",
		Short: "Watch the metrics of a running process",
		Long: `Watch the databases of a process that serves their metrics: package vars of
rockbridge publishes them, and Go's net/http serves them under /debug/vars, which
is the path if URL has none. Rates are from one reading to the next; "-" stands
where there is none, as after a restart of the process.

On a terminal the screen is renewed until it is interrupted; otherwise each reading
is printed below the one before. When the process goes away after the first
reading, top says so and waits for it to come back.`,
		Example: `  rockbridge top localhost:6060
  rockbridge top http://10.0.0.7:8080/debug/vars --interval 10s
  rockbridge top localhost:6060 --once`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if interval < 100*time.Millisecond {
				return usagef("--interval %v: at least 100ms", interval)
			}
			if timeout <= 0 {
				return usagef("--timeout %v: more than 0", timeout)
			}
			address, err := metricsURL(args[0])
			if err != nil {
				return err
			}
			w := &watch{source: newSource(address, timeout), interval: interval}
			if once {
				return w.once(cmd.Context(), cmd.OutOrStdout())
			}
			return w.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "take two readings, print one frame and end")
	cmd.Flags().DurationVar(&interval, "interval", 2*time.Second, "time between readings")
	cmd.Flags().DurationVar(&timeout, "timeout", 5*time.Second, "how long a reading may take")
	return cmd
}

// watch takes readings of a process again and again.
type watch struct {
	source   *metricsSource
	interval time.Duration
	before   *reading // the last two that succeeded
	now      *reading
	failure  error     // of the newest reading
	since    time.Time // of the failures
}

// read takes a reading and remembers how it went.
func (w *watch) read(ctx context.Context) error {
	r, err := w.source.read(ctx)
	if err != nil {
		if w.failure == nil {
			w.since = time.Now()
		}
		w.failure = err
		return err
	}
	w.failure = nil
	w.before, w.now = w.now, r
	return nil
}

// pause waits for the next reading; false if ctx ends before.
func (w *watch) pause(ctx context.Context) bool {
	timer := time.NewTimer(w.interval)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once prints one frame.
func (w *watch) once(ctx context.Context, out io.Writer) error {
	if err := w.read(ctx); err != nil {
		return err
	}
	if !w.pause(ctx) {
		return ctx.Err()
	}
	if err := w.read(ctx); err != nil {
		return err
	}
	_, err := io.WriteString(out, w.frame())
	return err
}

// run shows frames until ctx ends, which is the way to end it.
func (w *watch) run(ctx context.Context, out io.Writer) error {
	if err := w.read(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	s := newScreen(out)
	err := s.begin()
	for err == nil {
		if err = s.show(w.frame()); err != nil || !w.pause(ctx) {
			break
		}
		_ = w.read(ctx) // the frame tells of the failure
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(err, s.end())
}
