package engine

import (
	"fmt"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// EventKind is what happened.
type EventKind uint8

// The kinds of events. RocksDB's C API (10.3 and later) does not tell of the tables and of the end of a recovery:
// these take the build tag rb_cxx.
const (
	FlushBegun          EventKind = cbridge.EventFlushBegun
	FlushCompleted      EventKind = cbridge.EventFlushCompleted
	CompactionBegun     EventKind = cbridge.EventCompactionBegun
	CompactionCompleted EventKind = cbridge.EventCompactionCompleted // Err if it failed
	TableCreated        EventKind = cbridge.EventTableCreated        // Err if that failed
	TableDeleted        EventKind = cbridge.EventTableDeleted        // Err if that failed; no Family
	RecoveryEnded       EventKind = cbridge.EventRecoveryEnded       // from a background error, by RocksDB itself or Resume
	BackgroundError     EventKind = cbridge.EventBackgroundError     // Err is it; no Family
	StallChanged        EventKind = cbridge.EventStallChanged        // writes are slowed down, stopped, let go
	FileIngested        EventKind = cbridge.EventFileIngested
	MemtableSealed      EventKind = cbridge.EventMemtableSealed // it takes no more writes, and waits for its flush
)

var eventNames = [cbridge.EventKinds]string{
	FlushBegun: "flush begun", FlushCompleted: "flush completed", CompactionBegun: "compaction begun",
	CompactionCompleted: "compaction completed", TableCreated: "table created", TableDeleted: "table deleted",
	RecoveryEnded: "recovery ended", BackgroundError: "background error", StallChanged: "stall changed",
	FileIngested: "file ingested", MemtableSealed: "memtable sealed",
}

// String is the kind's name.
func (k EventKind) String() string {
	if int(k) < len(eventNames) && eventNames[k] != "" {
		return eventNames[k]
	}
	return fmt.Sprintf("event %d", uint8(k))
}

// EventKinds lists all kinds.
func EventKinds() (kinds []EventKind) {
	for k := range EventKind(len(eventNames)) {
		if eventNames[k] != "" {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// StallState is how writes to a family go on.
type StallState uint8

// The states.
const (
	NotStalled StallState = iota
	Delayed               // slowed down
	Stopped
)

// String is the state's name.
func (s StallState) String() string {
	if names := [...]string{"not stalled", "delayed", "stopped"}; int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// RocksDB's reasons by its numbers, which have stayed from 7.8 to 11.8.
var (
	flushReasons = []string{
		"other", "live files are listed", "shutdown", "ingestion", "compaction by hand", "write buffer manager", "memtable full",
		"test", "files are deleted", "compaction", "flush by hand", "recovery", "recovery", "log full", "after a recovery",
		"range deletions",
	}
	compactionReasons = []string{
		"unknown", "level 0 files", "size of a level", "size amplification", "size ratio", "sorted runs", "FIFO size", "FIFO files",
		"FIFO age", "by hand", "marked files", "bottommost files", "age", "flush", "ingestion", "periodic", "temperature",
		"blob garbage", "age", "refit", "reads",
	}
	errorReasons = []string{
		"flush", "compaction", "write callback", "memtable", "manifest", "flush without log", "manifest without log", "opening of a file",
	}
	tableReasons = []string{"flush", "compaction", "recovery", "other"}
)

// reason is the name of a number that RocksDB gave for an event; empty if it gave none.
func (k EventKind) reason(n int) string {
	var names []string
	switch k {
	case FlushBegun, FlushCompleted:
		names = flushReasons
	case CompactionBegun, CompactionCompleted:
		names = compactionReasons
	case BackgroundError:
		names = errorReasons
	case TableCreated:
		names = tableReasons
	}
	switch {
	case n < 0:
		return ""
	case n < len(names):
		return names[n]
	}
	return fmt.Sprintf("reason %d", n)
}
