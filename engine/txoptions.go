package engine

import (
	"time"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// TxMode says what transactions a database has. See Options.Transactions.
type TxMode uint8

// The modes. Whatever the mode, a database on disk is the same, but for transactions that are prepared:
// while there are any, only Pessimistic opens it.
const (
	NoTx        TxMode = iota // none: Begin and Update answer ErrUnsupported
	Optimistic                // nobody waits; Commit answers ErrBusy if what it depends on has changed
	Pessimistic               // keys are locked, plain writes wait for the locks too; two-phase commit
)

var txModeNames = [...]string{"none", "optimistic", "pessimistic"}

// String is the mode's name.
func (m TxMode) String() string {
	if int(m) >= len(txModeNames) {
		return "unknown"
	}
	return txModeNames[m]
}

// DefaultLockTimeout is how long locks are waited for where no option says otherwise.
const DefaultLockTimeout = time.Second

// TxDBOptions are for Pessimistic: how keys are locked. The zero value means the defaults.
type TxDBOptions struct {
	// MaxLocks is how many keys may be locked at once, by all transactions and writes; then ErrBusy. 0:
	// any number, some tens of bytes each.
	MaxLocks int
	// LockTimeout is that of transactions whose TxOptions say nothing. 0: DefaultLockTimeout; negative:
	// they wait until their context ends.
	LockTimeout time.Duration
	// WriteLockTimeout is that of writes outside of transactions, which wait for the locks of their keys
	// as well. 0: DefaultLockTimeout; negative: they wait until their context ends.
	WriteLockTimeout time.Duration
}

// TxOptions say how a transaction goes. Nil means the defaults.
type TxOptions struct {
	Sync       bool // on disk before Commit or Prepare returns
	DisableWAL bool // what is committed is lost if the process ends before a flush; not with Prepare

	// NoSnapshot has every read show the newest state, and does without the check that what is written
	// has not changed since the transaction began. For Pessimistic only, where GetForUpdate then reads,
	// and protects, what is newest: it never answers ErrBusy for a change by others, however many want
	// the same keys. But what Get has read may have changed before a Put rests on it.
	NoSnapshot bool

	// For Pessimistic.
	LockTimeout         time.Duration // 0: that of Options.TxDB; negative: until the context ends
	NoDeadlockDetection bool          // who waits in a ring waits for the time-out instead
	DeadlockDepth       int           // a longer chain of those who wait for each other counts as a ring; 0: no limit
	// Expiration is how long the transaction may last from Begin on: then it is rolled back, which gives its
	// locks to others, also where nobody calls it any more. A commit that has begun goes on, and what is prepared
	// does not expire. 0: any time.
	Expiration time.Duration
}

func (o *Options) validateTransactions() error {
	settings := settingsOf(o.writeModes(), o.Extra)
	switch {
	case o.Transactions > Pessimistic:
		return invalid("open", "unknown Transactions")
	case o.TxDB.MaxLocks < 0:
		return invalid("open", "TxDB.MaxLocks is negative")
	case o.Transactions != Pessimistic && o.TxDB != TxDBOptions{}:
		return invalid("open", "TxDB is for Pessimistic Transactions")
	case o.Transactions == NoTx:
		return nil
	case o.ReadOnly:
		return invalid("open", "Transactions need a database that is open for writing: not ReadOnly, not a Secondary")
	case isTrue(settings["unordered_write"]):
		return invalid("open", "Transactions and UnorderedWrite (unordered_write) exclude each other")
	case isTrue(settings["two_write_queues"]):
		return invalid("open", "Transactions and two_write_queues exclude each other")
	}
	return nil
}

// flags gives the options to the C glue in its terms.
func (o *TxOptions) flags() uint32 {
	return bit(o.Sync, cbridge.Sync) | bit(o.DisableWAL, cbridge.NoWAL)
}

func (o *TxOptions) validate(mode TxMode) error {
	switch {
	case o.Sync && o.DisableWAL:
		return invalid("", "Sync and DisableWAL contradict each other: there is nothing to sync")
	case o.DeadlockDepth < 0 || o.Expiration < 0:
		return invalid("", "DeadlockDepth or Expiration is negative")
	case mode == Optimistic && o.NoSnapshot:
		return invalid("", "NoSnapshot is for Pessimistic: an optimistic transaction would not notice what changes between its reads and its writes")
	case mode == Optimistic && (o.LockTimeout != 0 || o.NoDeadlockDetection || o.DeadlockDepth != 0 || o.Expiration != 0):
		return invalid("", "LockTimeout, NoDeadlockDetection, DeadlockDepth and Expiration are for Pessimistic: nothing is locked")
	}
	return nil
}

// lockTimeout is the first of the settings that says something; negative: none.
func lockTimeout(settings ...time.Duration) time.Duration {
	for _, t := range settings {
		if t != 0 {
			return t
		}
	}
	return DefaultLockTimeout
}

// errRange refuses a range deletion in a database with transactions, whose plain writes take part.
func errRange() error {
	return errTxDB("deletes no ranges: they can be neither locked nor checked for conflicts")
}

// errUnlocked is that of whole files, or streams, of rows.
func errUnlocked() error {
	return errTxDB("takes no rows in bulk: they would pass by the locks of their keys. Open it without Options.Transactions for that")
}

func errTxDB(msg string) error {
	e := invalid("", "a database with transactions "+msg)
	e.Code = CodeUnsupported
	return e
}
