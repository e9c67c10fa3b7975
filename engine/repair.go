package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
)

// Repaired tells what Repair has found.
type Repaired struct {
	Tables []string // the table files of the database as it is now, by name; those made of logs among them
	Lost   []string // paths of table files that could not be read, now in folder lost
}

// Repair puts a database together anew from its table files and logs, where its manifest or other files of it
// are damaged or gone and it cannot be opened. It is a last resort: restore a backup if there is one. RocksDB reads
// every table, leaves out those in which it finds damage, makes tables of what can be read of the logs, and
// writes a new manifest. What is left out, and the old manifests and logs, go to the folder lost in dir, where
// they stay.
//
// What it gives back are versions of rows that were written once. Rows of lost tables and of damaged places of
// logs are missing, or show an older version; rows that were deleted may come back; a batch may be there
// in part, also over families. A family that had no table yet is gone, with its rows in the logs. Look at what is
// there before you go on with it.
//
// o may be nil, and is that of Open. Families are known by their tables, and their options by the OPTIONS file,
// if it is there: without it, a merge operator must be named. ErrUnsupported, and nothing is changed, where
// RocksDB would do damage: with blob files, with two merge operators in one database, with a comparator. So is,
// unless o.AcceptDataLoss, a database that has logs and an operator other than Int64Max, Int64Min and
// SetUnion: operands that were flushed and are still in a log count twice afterwards.
// ErrLocked if it is open for writing; ErrInvalidArgument if there are no files of a database. It reads and
// may write as much as is there, and cannot be stopped. When it fails half-way, or the process is killed, it may
// be called again.
func Repair(dir string, o *Options) (Repaired, error) {
	if o == nil {
		o = &Options{}
	}
	r, err := repair(dir, o)
	return r, describe(err, "repair", dir)
}

func repair(dir string, o *Options) (r Repaired, err error) {
	if err := validatePath(dir); err != nil {
		return r, err
	}
	if err := o.validate(); err != nil {
		return r, err
	}
	if o.ReadOnly || o.ErrorIfExists || o.Transactions != NoTx || o.Memory != nil || o.InMemory != nil || o.TimedRows || o.LogFilter != nil {
		return r, invalid("", "ReadOnly, ErrorIfExists, Transactions, Memory, InMemory, TimedRows and LogFilter make no sense here")
	}
	disk, err := readOptionsFile(dir)
	if err != nil {
		return r, err
	}
	if disk == nil {
		disk = &optionsFile{}
	}
	if err := repairable(dir); err != nil {
		return r, err
	}
	for name := range disk.families {
		if err := o.timesAgree(disk, name); err != nil {
			return r, describeFamily(err, name)
		}
	}
	ops, err := o.operatorsForAll(disk)
	if err != nil {
		return r, err
	}
	if err := o.mayCountTwice(ops, dir, disk.db["wal_dir"]); err != nil {
		return r, err
	}
	before, err := tablesIn(filepath.Join(dir, "lost"))
	if err != nil {
		return r, err
	}
	if err := runRepair(dir, o, ops, disk.db["wal_dir"]); err != nil {
		return r, err
	}
	return whatWasRepaired(dir, before)
}

// repairable looks for files of a database, and for such as RocksDB's repair does not bring back.
func repairable(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return dberr.Wrap("", dberr.InvalidArgument, err)
	}
	found := false
	for _, e := range entries {
		name := e.Name()
		switch filepath.Ext(name) {
		case ".blob":
			return dberr.New("", dberr.Unsupported, "there are blob files, whose values RocksDB would lose")
		case ".sst", ".log":
			found = true
		}
		found = found || strings.HasPrefix(name, "MANIFEST-")
	}
	if !found {
		return invalid("", "there are no files of a database")
	}
	return nil
}

// operatorsForAll finds the one merge operator that the families have, since RocksDB repairs all with one.
func (o *Options) operatorsForAll(disk *optionsFile) (all operators, err error) {
	names := []string{defaultFamily}
	for name := range disk.families {
		names = append(names, name)
	}
	for name := range o.Families {
		names = append(names, name)
	}
	slices.Sort(names)
	of := ""
	for _, name := range slices.Compact(names) {
		f := o.family(name)
		f.CompactionFilter, f.GoFilter = NoFilter, nil
		if what := disk.unknownOperator(name, f); what != "" {
			return all, describeFamily(dberr.New("", dberr.Unsupported, what+" is not known here"), name)
		}
		ops, err := f.operatorsOver(disk, name)
		switch {
		case err != nil:
			return all, describeFamily(err, name)
		case ops.order.name != "":
			return all, describeFamily(dberr.New("", dberr.Unsupported, "comparator "+ops.order.name+": only keys in bytewise order can be repaired"), name)
		case !ops.merges():
			continue
		case all.merges() && all.merge != ops.merge:
			return all, dberr.New("", dberr.Unsupported, "families "+of+" and "+name+" have two merge operators, "+cut(all.merge)+" and "+cut(ops.merge)+": RocksDB would merge with one of them in both")
		}
		ops.serve(name, nil)
		all, of = ops, name
	}
	return all, nil
}

// mayCountTwice refuses a repair after which operands would count twice: RocksDB makes tables of whole logs, also
// of what is in a table already, under the same numbers.
func (o *Options) mayCountTwice(ops operators, dir, wal string) error {
	switch {
	case !ops.merges() || o.AcceptDataLoss:
		return nil
	case ops.merge == Int64Max || ops.merge == Int64Min || ops.merge == SetUnion:
		return nil
	}
	for _, folder := range []string{dir, wal, settingsOf(o.Extra)["wal_dir"]} {
		logs, err := filepath.Glob(filepath.Join(filepath.Clean(folder), "*.log"))
		if folder == "" || err != nil {
			continue
		}
		for _, log := range logs {
			if info, err := os.Stat(log); err != nil || info.Size() > 0 {
				return dberr.New("", dberr.Unsupported, "operands of "+cut(ops.merge)+" that are in a table and in a log too would count twice; AcceptDataLoss repairs all the same")
			}
		}
	}
	return nil
}

// runRepair makes the call.
func runRepair(dir string, o *Options, ops operators, wal string) error {
	plan, err := cbridge.NewPlan(dir, o.plan())
	if err != nil {
		return err
	}
	defer plan.Free()
	for _, extra := range []string{logOptions(), o.Extra} {
		if extra != "" && err == nil {
			err = plan.Extra(extra)
		}
	}
	if err != nil {
		return err
	}
	c, extra := o.FamilyOptions.plan(), o.FamilyOptions.Extra
	c.Operators = ops.c
	if ops.builtin != "" {
		extra = ops.builtin + ";" + extra
	}
	if err := plan.Family(defaultFamily, c, extra); err != nil {
		return err
	}
	if settingsOf(o.Extra)["wal_dir"] != "" || filepath.Clean(wal) == filepath.Clean(dir) {
		wal = ""
	}
	return plan.Repair(wal)
}

// tablesIn lists the names of the table files in a folder, which need not exist.
func tablesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, fileError("", dir, err)
	}
	var names []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".sst" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// whatWasRepaired looks at what lies where; before is what the folder lost had.
func whatWasRepaired(dir string, before []string) (r Repaired, err error) {
	if r.Tables, err = tablesIn(dir); err != nil {
		return r, err
	}
	lost, err := tablesIn(filepath.Join(dir, "lost"))
	for _, name := range lost {
		if !slices.Contains(before, name) {
			r.Lost = append(r.Lost, filepath.Join(dir, "lost", name))
		}
	}
	return r, err
}
