package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// GoMergeOperator is a merge operator written in Go, for FamilyOptions.GoMerge. RocksDB calls it when it
// likes: in reads, flushes, compactions and in Open; on several threads at once, also while no call of the
// program is under way. Its functions must depend on nothing but their arguments, must not use the
// database, and must not keep or change the slices that they get, which are C memory and end with the call.
// runtime.Goexit must not be called in them.
//
// A call that panics or answers an error is a merge that failed: the read answers ErrCorruption, a flush
// or compaction fails and with it every write after it, until the database is opened again with a mended
// operator. The operands stay, nothing is lost. Health tells what happened: see OperatorError.
type GoMergeOperator struct {
	// Name is written into the OPTIONS file: 1 to 255 letters, digits, dots, hyphens and underscores, not
	// beginning with "rockbridge." or "rocksdb.". The database is only opened with the operator of this name after.
	Name string
	// Merge appends to dst, of length 0, the value that operands, the oldest first, make of base, and
	// returns it. base is nil where there is no value. Instead of appending it may return one of the slices
	// that it got.
	Merge func(dst, key, base []byte, operands [][]byte) ([]byte, error)
	// Partial appends to dst one operand that does what operands, at least two, do one after the other;
	// false leaves them as they are. nil: always false.
	Partial func(dst, key []byte, operands [][]byte) ([]byte, bool)
}

// GoCompactionFilter is a compaction filter written in Go, for FamilyOptions.GoFilter. What is said of
// filters above holds: rows go when a compaction comes by, from snapshots too. It is not asked for merge
// operands. Functions are called on RocksDB's threads, each filter that New made on one at a time, and must
// not use the database, keep or change what they get, or call runtime.Goexit.
//
// A call that panics keeps the row, and one of New that does filters nothing. Health tells of it: see
// OperatorError.
type GoCompactionFilter struct {
	// Name is written into the OPTIONS file, as that of a GoMergeOperator. The database is only opened with
	// the filter of this name after, or with another one, or NoFilter.
	Name string
	// New makes the filter of one compaction, or of one of its parts that run side by side; nil: every row
	// is kept.
	New func(FilterContext) func(level int, key, value []byte) (FilterVerdict, []byte)
}

// GoPrefixExtractor is a prefix extractor written in Go, for FamilyOptions.GoPrefix: RocksDB then has the
// prefixes of keys in its bloom filters, beside whole keys or, with whole_key_filtering=false in the table
// options, in their place. No read misses a row for it. Prefix is called on several threads at once; it
// must not use the database, keep or change the key, or call runtime.Goexit.
type GoPrefixExtractor struct {
	// Name is written into the OPTIONS file and every table, as that of a GoMergeOperator. A database may be
	// opened with an extractor of another name, or none: filters made under another name are passed over.
	Name string
	// Prefix answers how many of the key's first bytes are its prefix; negative: it has none. Under one Name
	// it must always give the same for a key, and the same for every key that begins with a key's prefix: a
	// function that gives something else needs another Name, or lookups miss rows. A call that panics, or
	// answers more than the key has, counts as negative, and Health tells of it: the mended function needs
	// another Name, too.
	Prefix func(key []byte) int
}

// FilterContext says what a compaction filter is made for.
type FilterContext struct {
	Family string
	Full   bool // all of the family's files are compacted
	Manual bool // by Compact
}

// FilterVerdict is what a compaction filter makes of a row: FilterKeep, FilterRemove, or FilterReplace,
// beside which stands the row's new value, copied before the filter is called again.
type FilterVerdict = cbridge.Verdict

// The verdicts.
const (
	FilterKeep    = cbridge.Keep
	FilterRemove  = cbridge.Remove
	FilterReplace = cbridge.Replace
)

// OperatorError tells of the first call of an operator written in Go that panicked or failed since the
// database was opened. Health answers it until Close, and Open where it made that fail.
type OperatorError struct {
	Operator, Family string
	Cause            any    // the error, or what panic was called with
	Stack            []byte // of the panic; nil: the operator answered an error
}

// Error names operator, family and cause, without the stack.
func (e *OperatorError) Error() string {
	what := "failed"
	if e.Stack != nil {
		what = "panicked"
	}
	return fmt.Sprintf("operator %s of family %s %s: %v", e.Operator, e.Family, what, e.Cause)
}

// Unwrap is the cause, if that is an error.
func (e *OperatorError) Unwrap() error {
	err, _ := e.Cause.(error)
	return err
}

// operatorFailures keeps the first failure of a database's Go operators.
type operatorFailures struct {
	first atomic.Pointer[OperatorError]
	kept  keptState // at the first failure of a comparator
}

// error is what Health answers of it; nil if there was none.
func (f *operatorFailures) error() error {
	e := f.first.Load()
	if e == nil {
		return nil
	}
	if f.kept.failed.Load() {
		if err := f.kept.whyNot(); err != nil {
			return dberr.Wrap("", dberr.Aborted, fmt.Errorf("%w; and the files as they were could not be kept: %w", e, err))
		}
	}
	return dberr.Wrap("", dberr.Aborted, e)
}

// explain adds the failure to the error that came of it.
func (f *operatorFailures) explain(err error) error {
	failure := f.first.Load()
	e, ok := err.(*Error)
	if failure == nil || !ok {
		return err
	}
	return dberr.Wrap(e.Op, e.Code, fmt.Errorf("%w: %s", failure, e.Msg))
}

// validateGo refuses operators of Go's that cannot be.
func (o *FamilyOptions) validateGo() error {
	if m := o.GoMerge; m != nil {
		if !validGoName(m.Name) || m.Merge == nil {
			return invalid("", "GoMerge has no function Merge, or no Name of 1 to 255 letters, digits, '.', '-' and '_' of its own")
		}
		if o.MergeOperator != "" {
			return invalid("", "GoMerge and MergeOperator exclude each other")
		}
		if o.CompactionFilter == TTLFilter {
			return errMergedTTL()
		}
	}
	if f := o.GoFilter; f != nil {
		if !validGoName(f.Name) || f.New == nil {
			return invalid("", "GoFilter has no function New, or no Name of 1 to 255 letters, digits, '.', '-' and '_' of its own")
		}
		if o.CompactionFilter != "" {
			return invalid("", "GoFilter and CompactionFilter exclude each other")
		}
	}
	if p := o.GoPrefix; p != nil && (!validGoName(p.Name) || p.Prefix == nil) {
		return invalid("", "GoPrefix has no function Prefix, or no Name of 1 to 255 letters, digits, '.', '-' and '_' of its own")
	}
	return nil
}

// othersNames mean something to RocksDB or rockbridge.
var othersNames = []string{Uint64Add, "UInt64AddOperator", "nullptr", NoFilter}

func validGoName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	return name != "" && len(name) <= 255 && strings.Trim(name, letters) == "" && !strings.HasPrefix(name, "rockbridge.") && !strings.HasPrefix(name, "rocksdb.") &&
		!slices.Contains(othersNames, name) && !slices.Contains(builtinMerges, name)
}

// addGo adds the operators that are written in Go.
func (o *operators) addGo(f *FamilyOptions) {
	if f.GoMerge == nil && f.GoFilter == nil && f.GoPrefix == nil && f.GoComparator == nil {
		return
	}
	g := &cbridge.GoOperators{Failed: func(string, any, []byte) {}}
	if m := f.GoMerge; m != nil {
		o.merge = m.Name
		g.MergeName, g.Merge, g.Partial = m.Name, m.Merge, m.Partial
	}
	if f.GoFilter != nil {
		g.FilterName = f.GoFilter.Name
		o.newFilter = f.GoFilter.New
	}
	if p := f.GoPrefix; p != nil {
		g.PrefixName, g.Prefix = p.Name, p.Prefix
	}
	if c := f.GoComparator; c != nil {
		g.OrderName, g.Compare = c.Name, c.Compare
	}
	o.c.Go = g
	o.serve("", nil)
}

// serve has the operators that are written in Go serve a family, and their failures told.
func (o *operators) serve(family string, failures *operatorFailures) {
	g := o.c.Go
	if g == nil {
		return
	}
	if begin := o.newFilter; begin != nil {
		g.NewFilter = func(full, manual bool) cbridge.FilterFunc {
			return begin(FilterContext{family, full, manual})
		}
	}
	defer o.serveOrder()
	if failures != nil {
		g.Failed = func(operator string, cause any, stack []byte) {
			failures.first.CompareAndSwap(nil, &OperatorError{operator, family, cause, stack})
		}
		g.OrderFailed = failures.kept.keep
	}
}
