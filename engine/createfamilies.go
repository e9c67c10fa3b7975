package engine

import (
	"errors"
	"slices"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// CreateColumnFamilies creates families with the same options, all or none, in the order of the names. RocksDB writes the
// options of all families to its OPTIONS file after each CreateColumnFamily; here once, from RocksDB 8.5, unless there are
// transactions with locks, Options.TimedRows, operators in Go or a comparator. A process that dies meanwhile leaves the
// first of them. ErrInvalidArgument if one of a name exists, a name is given twice, or RocksDB does not know an option. If
// those that were made before an error cannot be dropped either, the error tells, and ColumnFamilies lists them. From 11.1 on,
// one that was made by a call of its own, and whose options RocksDB could not write down, stays as of CreateColumnFamily:
// its name is taken, and the next Open lists it. Each drop writes the OPTIONS file, so an error after thousands takes
// long. Safe for concurrent use.
func (d *DB) CreateColumnFamilies(names []string, o *FamilyOptions) ([]*ColumnFamily, error) {
	if o == nil {
		o = &FamilyOptions{}
	}
	if err := d.enterWrite(nil, opFamily); err != nil {
		return nil, describe(err, createFamilies, d.Path())
	}
	defer d.guard.leave(opFamily)
	if len(names) == 0 {
		return nil, describe(o.validate(""), createFamilies, d.path)
	}
	plans := make([]*newFamily, len(names))
	place := make(map[string]int, len(names))
	for i, name := range names {
		n, err := d.newFamily(name, o)
		if _, twice := place[name]; twice && err == nil {
			err = invalid("", "the name is given twice")
		}
		if err != nil {
			return nil, describeFamily(describe(err, createFamilies, d.path), name)
		}
		plans[i], place[name] = n, i
	}
	d.familyMu.Lock()
	defer d.familyMu.Unlock()
	for _, c := range *d.families.Load() {
		if _, there := place[c.name]; there {
			return nil, describeFamily(describe(invalid("", "the family exists"), createFamilies, d.path), c.name)
		}
	}
	made, err := d.makeFamilies(plans, names)
	if err != nil {
		if len(made) < len(names) {
			err = describeFamily(err, names[len(made)])
		}
		made, err = d.unmake(made, describe(err, createFamilies, d.path))
	}
	d.setFamilies(append(slices.Clone(*d.families.Load()), made...))
	d.files.tellOptions(d, nil)
	if err != nil {
		return nil, err
	}
	return made, nil
}

const createFamilies = "create column families"

// makeFamilies makes families until one cannot be made.
func (d *DB) makeFamilies(plans []*newFamily, names []string) (made []*ColumnFamily, err error) {
	for at := 0; at < len(plans) && err == nil; at = len(made) {
		n := len(plans) - at // that C makes by one call
		if plans[at].ops.c.Go != nil {
			n = 1 // each has operators of its own, which tell what family failed
		}
		var created []*cbridge.Family
		err = d.manifestCall(func() (err error) {
			created, err = d.c.CreateFamilies(names[at:at+n], plans[at].plan, plans[at].extra)
			return err
		})
		for i, c := range created {
			made = append(made, plans[at+i].made(c))
		}
	}
	return made, err
}

// unmake drops families that nobody has seen, after an error. It returns those that are still there, and all errors.
func (d *DB) unmake(made []*ColumnFamily, cause error) (left []*ColumnFamily, err error) {
	err = cause
	for _, f := range made {
		gone, e := d.dropInC(f)
		if !gone {
			left, err = append(left, f), errors.Join(err, describeFamily(describe(e, "drop column family", d.path), f.name))
		}
	}
	return left, err
}
