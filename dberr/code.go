package dberr

// Code says what went wrong, as RocksDB's status codes do, with the finer cases that callers act on
// (no space, lock held, read only) told apart. The values are those of the RB_ constants of the C
// glue and never change.
type Code int32

// The codes. OK is never the code of an error.
const (
	OK Code = iota
	NotFound
	Corruption
	Unsupported
	InvalidArgument
	IO
	MergeInProgress
	Incomplete
	ShuttingDown
	TimedOut
	Aborted
	Busy
	Expired
	TryAgain
	CompactionTooLarge
	FamilyDropped
	NoSpace
	Locked
	ReadOnly
	WouldBlock
	NoMemory
	Unknown
	Closed
	TooLarge
	FamilyNotFound
	SyncFailed
	Canceled
	Deadlock
	Gap
	NoHistory
)

var codeText = [...]string{
	OK:                 "ok",
	NotFound:           "not found",
	Corruption:         "corruption",
	Unsupported:        "not supported",
	InvalidArgument:    "invalid argument",
	IO:                 "I/O error",
	MergeInProgress:    "merge in progress",
	Incomplete:         "result incomplete",
	ShuttingDown:       "shutdown in progress",
	TimedOut:           "timed out",
	Aborted:            "operation aborted",
	Busy:               "resource busy",
	Expired:            "operation expired",
	TryAgain:           "try again",
	CompactionTooLarge: "compaction too large",
	FamilyDropped:      "column family dropped",
	NoSpace:            "no space left on device",
	Locked:             "database is locked by another opener",
	ReadOnly:           "database is read only",
	WouldBlock:         "would block",
	NoMemory:           "out of memory",
	Unknown:            "unknown error",
	Closed:             "closed",
	TooLarge:           "too large",
	FamilyNotFound:     "column family not found",
	SyncFailed:         "sync failed",
	Canceled:           "canceled",
	Deadlock:           "deadlock",
	Gap:                "gap in the changes",
	NoHistory:          "before the history",
}

// String returns the code in words.
func (c Code) String() string {
	if c < 0 || int(c) >= len(codeText) {
		return "unknown error"
	}
	return codeText[c]
}
