package engine

import (
	"fmt"
	"strings"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// Error is every error of the package but a miss and a closed handle. errors.As finds it; errors.Is
// compares it with a sentinel or with the standard library's error of the same meaning.
type Error = dberr.Error

// Code says what went wrong, with RocksDB's distinctions and finer ones.
type Code = dberr.Code

// The codes of an Error.
const (
	CodeNotFound           = dberr.NotFound
	CodeCorruption         = dberr.Corruption
	CodeUnsupported        = dberr.Unsupported
	CodeInvalidArgument    = dberr.InvalidArgument
	CodeIO                 = dberr.IO
	CodeMergeInProgress    = dberr.MergeInProgress
	CodeIncomplete         = dberr.Incomplete
	CodeShuttingDown       = dberr.ShuttingDown
	CodeTimedOut           = dberr.TimedOut
	CodeAborted            = dberr.Aborted
	CodeBusy               = dberr.Busy
	CodeExpired            = dberr.Expired
	CodeTryAgain           = dberr.TryAgain
	CodeCompactionTooLarge = dberr.CompactionTooLarge
	CodeFamilyDropped      = dberr.FamilyDropped
	CodeNoSpace            = dberr.NoSpace
	CodeLocked             = dberr.Locked
	CodeReadOnly           = dberr.ReadOnly
	CodeWouldBlock         = dberr.WouldBlock
	CodeNoMemory           = dberr.NoMemory
	CodeUnknown            = dberr.Unknown
	CodeClosed             = dberr.Closed
	CodeTooLarge           = dberr.TooLarge
	CodeFamilyNotFound     = dberr.FamilyNotFound
	CodeSyncFailed         = dberr.SyncFailed
	CodeCanceled           = dberr.Canceled
	CodeDeadlock           = dberr.Deadlock
	CodeGap                = dberr.Gap
	CodeNoHistory          = dberr.NoHistory
)

// The sentinels, for errors.Is. ErrNotFound, for a key that is not there, and ErrClosed, from a
// closed or nil handle, are returned as they are; the others are matched by an *Error.
var (
	ErrNotFound        = dberr.ErrNotFound        // the key is not there
	ErrClosed          = dberr.ErrClosed          // the handle is closed or nil; also fs.ErrClosed
	ErrCorruption      = dberr.ErrCorruption      // data or a batch is damaged
	ErrInvalidArgument = dberr.ErrInvalidArgument // a call or an option makes no sense
	ErrIO              = dberr.ErrIO              // the file system failed
	ErrNoSpace         = dberr.ErrNoSpace         // also ErrIO and syscall.ENOSPC
	ErrReadOnly        = dberr.ErrReadOnly        // the database was opened read only
	ErrTooLarge        = dberr.ErrTooLarge        // beyond MaxKeySize, MaxValueSize or MaxBatchSize
	ErrBusy            = dberr.ErrBusy            // Close found calls that did not end; a transaction met a conflict
	ErrDeadlock        = dberr.ErrDeadlock        // transactions wait for each other's locks; also ErrBusy
	ErrExpired         = dberr.ErrExpired         // a transaction lasted longer than TxOptions.Expiration
	ErrGap             = dberr.ErrGap             // changes that Updates should give are in no log any more, or never were
	ErrNoHistory       = dberr.ErrNoHistory       // a read as of a timestamp whose versions RaiseHistory gave up
	ErrTimedOut        = dberr.ErrTimedOut        // a deadline passed; also os.ErrDeadlineExceeded
	ErrTryAgain        = dberr.ErrTryAgain        // RocksDB asks to repeat the operation
	ErrAborted         = dberr.ErrAborted         // RocksDB gave the operation up
	ErrIncomplete      = dberr.ErrIncomplete      // RocksDB has part of an answer only
	ErrWouldBlock      = dberr.ErrWouldBlock      // CacheOnly, NoSlowdown; also ErrIncomplete
	ErrLocked          = dberr.ErrLocked          // another opener holds the database; also ErrIO
	ErrFamilyNotFound  = dberr.ErrFamilyNotFound  // no column family has that name or number
	ErrFamilyDropped   = dberr.ErrFamilyDropped   // the column family was dropped
	ErrSyncFailed      = dberr.ErrSyncFailed      // a sync failed, now or earlier; also ErrIO
	ErrUnsupported     = dberr.ErrUnsupported     // the linked RocksDB does not offer it; also errors.ErrUnsupported
)

// LeakError is what Close returns when handles were left open. They were freed, the database is
// closed all the same, and the handles answer ErrClosed from then on.
type LeakError struct {
	Iterators, Snapshots, Batches, Txs int

	// Stacks says what each of the handles is and by which calls it was made, the innermost first, in a
	// program built with -tags rbdebug. Nil in others.
	Stacks []string
}

// Error counts the handles that were left open. Stacks follow.
func (e *LeakError) Error() string {
	var parts []string
	for _, p := range []struct {
		n         int
		one, many string
	}{
		{e.Iterators, "iterator", "iterators"},
		{e.Snapshots, "snapshot", "snapshots"},
		{e.Batches, "batch", "batches"},
		{e.Txs, "transaction", "transactions"},
	} {
		if p.n == 1 {
			parts = append(parts, "1 "+p.one)
		} else if p.n > 1 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.many))
		}
	}
	text := "rockbridge: database closed with open handles: " + strings.Join(parts, ", ")
	return strings.Join(append([]string{text}, e.Stacks...), "\n\n")
}

func invalid(op, msg string) *Error { return dberr.New(op, dberr.InvalidArgument, msg) }
