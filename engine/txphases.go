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
// without: with them it is opened once, which brings what the log has into files. ErrUnsupported if a
// transaction is prepared.
func (o *Options) leaveTwoPhases(dir string) error {
	if o.Transactions == Pessimistic {
		return nil
	}
	disk, err := readOptionsFile(dir)
	if err != nil || disk == nil || !isTrue(disk.db[allowTwoPhases]) {
		return err
	}
	d, err := openPlanned(dir, &Options{
		FamilyOptions: o.FamilyOptions, Families: o.Families, Extra: o.Extra, Transactions: Pessimistic,
	}, nil)
	if err != nil {
		return err
	}
	n := d.tx.prepared.Load()
	if err := d.close(); err != nil {
		return err
	}
	if n > 0 {
		return dberr.New("", dberr.Unsupported,
			strconv.FormatInt(n, 10)+" transactions are prepared: open it with Options.Transactions = Pessimistic, and end them")
	}
	return nil
}
