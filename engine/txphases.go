package engine

import (
	"strconv"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// A log in which transactions were prepared can only be read by a RocksDB that was told to expect them:
// another one ends the process over an assertion, where it has them (seen on 7.8.3), or fails. Opening
// with pessimistic transactions tells it so, and the OPTIONS file of a database that was last opened so
// says it.
const allowTwoPhases = "allow_2pc"

// twoPhases has a database that is opened for reading expect transactions that were prepared, if its
// OPTIONS file does. They do not show until they are committed.
func (o *Options) twoPhases(disk *optionsFile) string {
	if o.ReadOnly && isTrue(disk.db[allowTwoPhases]) {
		return allowTwoPhases + "=true"
	}
	return ""
}

// leaveTwoPhases prepares a database that was last opened with pessimistic transactions for an opening
// without: with them it is opened once, which brings what the log has into files, and whose Recovery is the
// one that counts; nil: it need not be. ErrUnsupported if a transaction is prepared.
func (o *Options) leaveTwoPhases(dir string) (*Recovery, error) {
	if o.Transactions == Pessimistic {
		return nil, nil
	}
	disk, err := o.lastOptions(dir)
	if err != nil || disk == nil || !isTrue(disk.db[allowTwoPhases]) {
		return nil, err
	}
	if o.LogFilter != nil {
		return nil, dberr.New("", dberr.Unsupported, "LogFilter: the log may have transactions in two phases; open the database once without")
	}
	d, err := openPlanned(dir, &Options{
		FamilyOptions: o.FamilyOptions, Families: o.Families, Extra: o.Extra, Transactions: Pessimistic,
		AcceptDataLoss: o.AcceptDataLoss, Logger: o.Logger, InMemory: o.InMemory,
	}, nil)
	if err != nil {
		return nil, err
	}
	n := d.tx.prepared.Load()
	if err := d.close(); err != nil {
		return nil, err
	}
	if n > 0 {
		return nil, dberr.New("", dberr.Unsupported,
			strconv.FormatInt(n, 10)+" transactions are prepared: open it with Options.Transactions = Pessimistic, and end them")
	}
	return &d.recovery, nil
}
