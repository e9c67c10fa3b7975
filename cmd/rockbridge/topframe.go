package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/rockbridge-db/rockbridge/engine"
)

// frame is what the newest reading shows, with rates since the one before.
func (w *watch) frame() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s", w.source.url, w.now.at.Format(time.TimeOnly))
	r := rates{}
	if w.before != nil {
		r.seconds = w.now.at.Sub(w.before.at).Seconds()
		fmt.Fprintf(&b, ", rates over %.1f s", r.seconds)
	}
	b.WriteByte('\n')
	if w.failure != nil {
		fmt.Fprintf(&b, "no reading since %s: %s\n", w.since.Format(time.TimeOnly), visible(w.failure.Error()))
	}
	names := slices.Sorted(maps.Keys(w.now.databases))
	first := w.now.databases[names[0]]
	calls := "-"
	if w.before != nil {
		if old, ok := w.before.databases[names[0]]; ok {
			calls = r.of(first.Process.CgoCalls, old.Process.CgoCalls)
		}
	}
	fmt.Fprintf(&b, "process: %s holds %s, %s in use; Go heap %s; %s calls into C a second; %d databases lost\n",
		visible(first.Process.Allocator), byteText(int64(first.Process.AllocatorHeld)), byteText(int64(first.Process.AllocatorInUse)),
		byteText(int64(w.now.heap)), calls, first.Process.LostDatabases)
	for _, name := range names {
		f := databaseFrame{rates: r, m: w.now.databases[name]}
		if w.before != nil {
			f.old, f.known = w.before.databases[name], hasKey(w.before.databases, name)
		}
		fmt.Fprintf(&b, "\n%s\n", visible(name))
		f.print(&b)
	}
	return b.String()
}

func hasKey[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// visible keeps a text of the server from steering the terminal.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// rates divides what grew by the time between two readings; 0: there is one only.
type rates struct{ seconds float64 }

func (r rates) of(now, before uint64) string {
	if r.seconds <= 0 || now < before {
		return "-" // it began anew
	}
	return number(float64(now-before) / r.seconds)
}

// number is short: at most three digits behind the point for small ones, and none for large ones.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// databaseFrame is the part of a frame that is about one database.
type databaseFrame struct {
	rates
	m, old engine.Metrics
	known  bool // there is an old reading
}

func (f *databaseFrame) rate(now, before uint64) string {
	if !f.known {
		return "-"
	}
	return f.of(now, before)
}

func (f *databaseFrame) print(out io.Writer) {
	m, old := &f.m, &f.old
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "  %-8s  %s\n", name, fmt.Sprintf(format, args...))
	}
	line("memory", "block cache %s of %s, %s pinned; memtables %s, %s pinned; table readers %s",
		byteText(int64(m.Memory.BlockCache)), byteText(int64(m.Memory.BlockCacheCapacity)), byteText(int64(m.Memory.BlockCachePinned)),
		byteText(int64(m.Memory.Memtables)), byteText(int64(m.Memory.MemtablesPinned)), byteText(int64(m.Memory.TableReaders)))
	line("handles", "%s", f.handles())
	line("reads", "%s rows a second by %s fills; %s keys a second by multi get; %s slow calls a second",
		f.rate(m.Reads.Rows, old.Reads.Rows), f.rate(m.Reads.Fills, old.Reads.Fills),
		f.rate(m.Reads.MultiGetKeys, old.Reads.MultiGetKeys), f.rate(m.Reads.Slow, old.Reads.Slow))
	line("commits", "%s a second in %s groups; %s syncs a second for %s commits",
		f.rate(m.Commits.Commits, old.Commits.Commits), f.rate(m.Commits.Groups, old.Commits.Groups),
		f.rate(m.Commits.Syncs, old.Commits.Syncs), f.rate(m.Commits.SyncedCommits, old.Commits.SyncedCommits))
	line("stalls", "%s", f.stalls())
	line("work", "%d flushes and %d compactions run; %d background errors; %d snapshots, the oldest of %s",
		m.Work.RunningFlushes, m.Work.RunningCompactions, m.Work.BackgroundErrors, m.Work.Snapshots, seconds(m.Work.OldestSnapshotSeconds))
	f.tables(out)
}

func (f *databaseFrame) handles() string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(f.m.Handles)) {
		h := f.m.Handles[kind]
		part := fmt.Sprintf("%s %d", visible(kind), h.Open)
		if h.Open > 0 {
			part += ", the oldest of " + seconds(h.OldestSeconds)
		}
		if h.Lost > 0 {
			part += fmt.Sprintf(", %d lost", h.Lost)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}

func (f *databaseFrame) stalls() string {
	s, old := &f.m.Stalls, &f.old.Stalls
	text := "none now"
	switch {
	case s.Stopped:
		text = "WRITES ARE STOPPED"
	case s.DelayedRate > 0:
		text = "writes are slowed down to " + byteText(int64(s.DelayedRate)) + " a second"
	}
	if f.known && f.seconds > 0 && s.StalledSeconds >= old.StalledSeconds {
		text += fmt.Sprintf("; writes waited %s in the last %.1f s", seconds(s.StalledSeconds-old.StalledSeconds), f.seconds)
	}
	return text + fmt.Sprintf("; %d slowdowns and %d stops so far", s.Delays, s.Stops)
}

func (f *databaseFrame) tables(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\n  call\tcalls/s\ttotal\tin flight\t")
	for _, name := range f.busiest() {
		c := f.m.Calls[name]
		fmt.Fprintf(w, "  %s\t%s\t%d\t%d\t\n", visible(name), f.rate(c.Calls, f.old.Calls[name].Calls), c.Calls, c.InFlight)
	}
	if len(f.m.Lanes) > 0 {
		fmt.Fprintln(w, "\n  lane\twidth\tin use\twaiting\twaits/s\tms waited/s\t")
	}
	for _, name := range slices.Sorted(maps.Keys(f.m.Lanes)) {
		l, old := f.m.Lanes[name], f.old.Lanes[name]
		fmt.Fprintf(w, "  %s\t%d\t%d\t%d\t%s\t%s\t\n", visible(name), l.Width, l.InUse, l.Waiting, f.rate(l.Waits, old.Waits),
			f.rate(uint64(l.WaitedSeconds*1000), uint64(old.WaitedSeconds*1000)))
	}
	fmt.Fprintln(w, "\n  family\tkeys\tlive data\tfiles\tlevel 0\tto compact\tmemtables\tto flush\tversions\tslowdowns/s\t")
	for _, name := range slices.Sorted(maps.Keys(f.m.Families)) {
		c := f.m.Families[name]
		fmt.Fprintf(w, "  %s\t%d\t%s\t%s\t%d\t%s\t%s\t%d\t%d\t%s\t\n", visible(name), c.Keys, byteText(int64(c.LiveData)), byteText(int64(c.FilesLive)),
			c.Level0Files, byteText(int64(c.CompactionDebt)), byteText(int64(c.Memtables)), c.MemtablesWaiting, c.Versions,
			f.rate(c.StallDelays, f.old.Families[name].StallDelays))
	}
	w.Flush() // into a string: it cannot fail
}

// busiest are the calls that there were, those first that are made most now.
func (f *databaseFrame) busiest() []string {
	names := slices.Collect(maps.Keys(f.m.Calls))
	names = slices.DeleteFunc(names, func(n string) bool { return f.m.Calls[n].Calls == 0 && f.m.Calls[n].InFlight == 0 })
	recent := func(n string) uint64 {
		now, old := f.m.Calls[n].Calls, f.old.Calls[n].Calls
		return now - min(now, old)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(recent(b), recent(a)), cmp.Compare(a, b))
	})
	return names
}
