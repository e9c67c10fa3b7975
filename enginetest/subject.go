package enginetest

import (
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Subject is what Run works on: a family, or something that behaves like one. Reader and Writer must be set; operations for which
// a function is nil are left out.
type Subject struct {
	Reader engine.Reader
	Writer engine.Writer

	// DeleteRange deletes the keys in [start, end).
	DeleteRange func(start, end []byte) error
	// NewBatch gives a batch, and the function that commits it.
	NewBatch func() (b *engine.Batch, commit func() error)
	// NewSnapshot gives a Reader of the state now, and the function that closes it.
	NewSnapshot func() (r engine.Reader, closeIt func() error, err error)
	// Settle brings rows to other places, by a flush for example, and changes none.
	Settle func() error
	// Restart gives the subject as it is after a restart: of a program that ended in order, or one that crashed. Snapshots
	// are closed before.
	Restart func(t testing.TB, crash bool) Subject
}

// Databases gives, for Config.Open, the default family of new databases with the given options: all operations, Crash and Reopen
// among them. Of databases with transactions, which take none, DeleteRange is left out.
func Databases(o *engine.Options) func(t testing.TB) Subject {
	return func(t testing.TB) Subject {
		t.Helper()
		return SubjectOf(Open(t, o), o)
	}
}

// SubjectOf makes a subject of the default family of an open database; o are the options for restarts, and tell whether it has
// transactions.
func SubjectOf(db *engine.DB, o *engine.Options) Subject {
	s := Subject{
		Reader: db,
		Writer: db.Writer(nil),
		DeleteRange: func(start, end []byte) error {
			return db.DeleteRange(start, end, nil)
		},
		NewBatch: func() (*engine.Batch, func() error) {
			b := db.NewBatch()
			return b, func() error { return db.Write(b, nil) }
		},
		NewSnapshot: func() (engine.Reader, func() error, error) {
			s, err := db.NewSnapshot()
			return s, s.Close, err
		},
		Settle: db.Flush,
		Restart: func(t testing.TB, crash bool) Subject {
			t.Helper()
			if crash {
				return SubjectOf(Crash(t, db, o), o)
			}
			return SubjectOf(Reopen(t, db, o), o)
		},
	}
	if o != nil && o.Transactions != engine.NoTx {
		s.DeleteRange = nil
	}
	return s
}
