package engine

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/trace"
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// Calls into C that are watched one by one: as regions of an execution trace, and with their perf
// context if they are slow.

// observeAs prepares what o asks for, before the database is opened.
func (d *DB) observeAs(o *Options) {
	d.children.open = newCount()
	d.log, d.slow = o.Logger, o.SlowThreshold
}

// unobserve ends it all, once the database is closed.
func (d *DB) unobserve() {
	d.watched.cleanup.Stop()
	d.watched.buried()
	d.follow.stop()
	d.events.end()
}

// observed tells whether calls are to be watched: observe then stands round each.
func (d *DB) observed() bool { return d.slow != 0 || trace.IsEnabled() }

// observe begins to watch one call into C; what it returns ends that, in the same goroutine. cf is nil
// for a call that names no family. Nothing but the call itself may stand in between: the goroutine
// keeps its thread.
func (d *DB) observe(ctx context.Context, op opKind, cf *ColumnFamily, keyLen int) (end func()) {
	var region *trace.Region
	if trace.IsEnabled() {
		if ctx == nil {
			ctx = context.Background()
		}
		region = trace.StartRegion(ctx, regionNames[op])
	}
	if d.slow == 0 {
		return region.End
	}
	runtime.LockOSThread()
	counts := cbridge.PerfBegin(true) // not within WithPerf, whose figures these calls are part of
	began := time.Now()
	return func() {
		took := time.Since(began)
		slow := took >= d.slow
		perf := ""
		if counts {
			perf = cbridge.PerfEnd(slow)
		}
		runtime.UnlockOSThread()
		if region != nil {
			region.End()
		}
		if slow {
			d.logSlow(op, cf, keyLen, took, perf)
		}
	}
}

// regionNames are the names of trace regions.
var regionNames = func() (names [opKinds]string) {
	for i, name := range opNames {
		names[i] = "rockbridge " + name
	}
	return names
}()

func (d *DB) logSlow(op opKind, cf *ColumnFamily, keyLen int, took time.Duration, perf string) {
	d.counters.slow.Add(1)
	attrs := []slog.Attr{slog.String("op", opNames[op]), slog.String("db", d.path), slog.Duration("took", took)}
	if cf != nil {
		attrs = append(attrs, slog.String("family", cf.name))
	}
	if keyLen >= 0 {
		attrs = append(attrs, slog.Int("key_bytes", keyLen))
	}
	attrs = append(attrs, slog.Attr{Key: "perf", Value: slog.GroupValue(perfAttrs(perf)...)})
	say(d.log, slog.LevelWarn, "rockbridge: slow call", attrs...)
}

// noKey is the key's length of a call without one.
const noKey = -1

// perfAttrs gives what a call did to the log.
func perfAttrs(text string) (attrs []slog.Attr) {
	for name, n := range perfFigures(text) {
		attrs = append(attrs, slog.Uint64(name, n))
	}
	return attrs
}
