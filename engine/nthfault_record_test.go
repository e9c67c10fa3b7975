package engine_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/rockbridge-db/rockbridge/engine"
)

// What the n-th failure programme writes, and the record of it that no fault reaches: everything follows from the
// number of an operation, so that whoever reads the database knows what must be in it, and what may.

// faultState is how far an operation has come.
type faultState byte

const (
	faultUnknown  faultState = iota // not begun
	faultBegun                      // begun, or failed: it may be there or not
	faultUnlogged                   // acknowledged, with DisableWAL
	faultAcked                      // acknowledged
	faultDurable                    // acknowledged as durable
)

// faultAct is what an operation does.
type faultAct byte

const (
	faultBatch  faultAct = iota // a row in each family, a merge, and at times the deletion of an earlier one
	faultRange                  // rows of two earlier ones deleted as ranges, and a row in each family
	faultIngest                 // a row in the default family, by a file
	faultReopen                 // nothing: the database was opened again
)

// faultRecord is two bytes for each operation, in a file: how far it has come, and what it does.
type faultRecord struct{ *os.File }

func (r faultRecord) set(n int, s faultState, a faultAct) {
	_, err := r.WriteAt([]byte{byte(s), byte(a)}, int64(2*n))
	must(err)
}

// faultOps is what a record says.
type faultOps []struct {
	state faultState
	act   faultAct
}

func readFaultRecord(path string) (faultOps, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	ops := make(faultOps, len(b)/2)
	for n := range ops {
		ops[n].state, ops[n].act = faultState(b[2*n]), faultAct(b[2*n+1])
	}
	return ops, nil
}

func faultKey(n int) []byte { return fmt.Appendf(nil, "r%04d", n) }

func faultValue(n int, family string) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%s %d ", family, n), 1+n%5*60)
}

var (
	faultFamilies = []string{"default", "other"}
	faultCount    = []byte("count") // in the default family: one for each batch
	faultLast     = []byte("last")  // in the other: the newest batch
	faultProbe    = []byte("probe") // in both at times, of no account
)

// deletes are the operations whose rows operation n deletes.
func (ops faultOps) deletes(n int) []int {
	switch {
	case ops[n].act == faultRange:
		return []int{n - 5, n - 4}
	case ops[n].act == faultBatch && n%5 == 4:
		return []int{n - 2}
	}
	return nil
}

// Of what is there: not, perhaps, surely.
const (
	faultAbsent = iota
	faultMaybe
	faultThere
)

// faultLoss is what may be lost of what was acknowledged.
type faultLoss int

const (
	nothingLost faultLoss = iota // the process has gone on
	loglessLost                  // it has ended
	suffixLost                   // and a sync took what was not synced
	holesToo                     // and perhaps not the end of it
)

// sure tells whether operation n has its effect.
func (ops faultOps) sure(n int, loss faultLoss) int {
	switch s := ops[n].state; {
	case s == faultUnknown:
		return faultAbsent
	case s == faultBegun, s == faultUnlogged && loss != nothingLost, s == faultAcked && loss >= suffixLost:
		return faultMaybe
	}
	return faultThere
}

// row tells whether the row of operation n is there.
func (ops faultOps) row(n int, loss faultLoss) int {
	is := ops.sure(n, loss)
	for d := n + 1; d < len(ops) && is != faultAbsent; d++ {
		for _, gone := range ops.deletes(d) {
			if gone == n {
				is = min(is, faultThere-ops.sure(d, loss))
			}
		}
	}
	return is
}

// check compares the rows of both families with the record.
func (ops faultOps) check(rows map[string]map[string]string, loss faultLoss) error {
	first, other := rows["default"], rows["other"]
	for n := range ops {
		if ops[n].act == faultReopen {
			continue
		}
		key := string(faultKey(n))
		is := ops.row(n, loss)
		for _, family := range faultFamilies {
			if family == "other" && ops[n].act == faultIngest {
				continue
			}
			v, ok := rows[family][key]
			switch {
			case ok && v != string(faultValue(n, family)):
				return fmt.Errorf("operation %d has a wrong value in %s: %.40q", n, family, v)
			case ok && is == faultAbsent:
				return fmt.Errorf("operation %d is there in %s, and should not be", n, family)
			case !ok && is == faultThere:
				return fmt.Errorf("operation %d is lost in %s (state %d)", n, family, ops[n].state)
			}
			delete(rows[family], key)
			if _, there := first[key]; family == "other" && ops[n].act != faultIngest && there {
				return fmt.Errorf("operation %d is in one family only", n)
			}
		}
	}
	delete(first, string(faultProbe))
	if err := ops.checkNumbers(first, other, loss); err != nil {
		return err
	}
	for family, rows := range rows {
		for key := range rows {
			return fmt.Errorf("%s has a row that nobody wrote: %q", family, key)
		}
	}
	return nil
}

// checkNumbers looks at the merged row and the overwritten one.
func (ops faultOps) checkNumbers(first, other map[string]string, loss faultLoss) error {
	surely, perhaps, newest := 0, 0, -1
	could := map[int]bool{-1: true}
	for n := range ops {
		if ops[n].act >= faultIngest {
			continue
		}
		switch ops.sure(n, loss) {
		case faultThere:
			surely++
			newest = n
			could = map[int]bool{n: true}
		case faultMaybe:
			perhaps++
			could[n] = true
		}
	}
	count, last := 0, -1
	if v, ok := first[string(faultCount)]; ok {
		count = int(binary.LittleEndian.Uint64([]byte(v)))
	}
	if v, ok := other[string(faultLast)]; ok {
		last = int(binary.LittleEndian.Uint64([]byte(v)))
	}
	if count < surely || count > surely+perhaps {
		return fmt.Errorf("%d operations are counted; %d are sure, %d more may be", count, surely, perhaps)
	}
	if !could[last] {
		return fmt.Errorf("the newest operation is %d; %d is sure", last, newest)
	}
	delete(first, string(faultCount))
	delete(other, string(faultLast))
	return nil
}

// holes looks for an acknowledged operation that is lost before one that is not, in the first session.
func (ops faultOps) holes(first map[string]string) error {
	lost := -1
	for n := range ops {
		if ops[n].act == faultReopen {
			break
		}
		if s := ops[n].state; s < faultAcked || ops[n].act == faultIngest || ops.row(n, nothingLost) != faultThere {
			continue
		}
		if _, ok := first[string(faultKey(n))]; !ok && lost < 0 {
			lost = n
		} else if ok && lost >= 0 {
			return fmt.Errorf("operation %d is there, and %d before it is not", n, lost)
		}
	}
	return nil
}

// keys are all that the operations may have left in a family.
func (ops faultOps) keys() [][]byte {
	keys := [][]byte{faultCount, faultLast, faultProbe}
	for n := range ops {
		keys = append(keys, faultKey(n))
	}
	return keys
}

// read reads a database in all ways and compares it with the record. errs are what reads failed with.
func (ops faultOps) read(db *engine.DB, loss faultLoss) (errs []error, wrong error) {
	rows := map[string]map[string]string{}
	for _, name := range faultFamilies {
		c, err := db.ColumnFamily(name)
		if err != nil {
			return errs, err
		}
		got := readEveryWayOf(c, ops.keys(), false)
		errs = append(errs, got.errs...)
		if got.wrong != nil {
			return errs, got.wrong
		}
		if got.rows == nil {
			return errs, nil
		}
		rows[name] = got.rows
	}
	if loss == suffixLost {
		if err := ops.holes(rows["default"]); err != nil {
			return errs, err
		}
	}
	return errs, ops.check(rows, loss)
}
