package engine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// TrimHistory cuts the database in dir, which nobody has open, back to a timestamp: in every family with timestamps
// all versions that are newer are dropped, deletions too, and are gone for good. Reads as of the timestamp and less
// answer as before, those as of more as if of it. Families without timestamps stay as they are. It opens the
// database, rewrites its families with timestamps by a compaction of all of their rows, and closes it; it cannot be
// stopped.
//
// o may be nil, and is that of Open; those of its fields that are about an open database do nothing, and nothing is
// compacted elsewhere. It must name every family with timestamps. ErrInvalidArgument if it does not, if no family
// has timestamps, and if there is no database; ErrNoHistory if the history of one begins behind the timestamp;
// ErrUnsupported for one with FIFO compaction; ErrLocked; in these cases nothing is changed. When it fails half-way,
// or the process is killed, reads as of the timestamp and less are right, and those as of more may show any of the
// versions that there were: call it again, with the same options and that timestamp or a lower one.
func TrimHistory(dir string, timestamp uint64, o *Options) error {
	if o == nil {
		o = &Options{}
	}
	return describe(trimHistory(dir, timestamp, o), "trim history", dir)
}

func trimHistory(dir string, timestamp uint64, o *Options) error {
	if err := validatePath(dir); err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return err
	}
	switch {
	case o.ReadOnly || o.ErrorIfExists || o.Transactions != NoTx || o.InMemory != nil || o.TimedRows:
		return invalid("", "ReadOnly, ErrorIfExists, Transactions, InMemory and TimedRows make no sense here")
	case timestamp == Newest:
		return invalid("", "nothing is newer than Newest")
	}
	if err := holdsDatabase(dir); err != nil {
		return err
	}
	if err := bringBackState(dir, o); err != nil {
		return err
	}
	bringBackManifest(dir)
	names, err := o.trimmable(dir, timestamp)
	if err != nil {
		return err
	}
	if _, err := o.leaveTwoPhases(dir); err != nil {
		return err
	}
	own := *o
	own.Compactor = nil // a job does not say what is to be dropped
	return trim(dir, &own, names, timestamp)
}

// trim opens the database so that it is cut back, and closes it.
func trim(dir string, o *Options, names []string, timestamp uint64) error {
	var automatic []string
	d, err := openPlanned(dir, o, func(p *cbridge.Plan) error {
		for _, name := range names {
			on, err := p.Trim(name, timestamp)
			if err != nil {
				return describeFamily(err, name)
			}
			if on {
				automatic = append(automatic, name)
			}
		}
		return p.Extra("avoid_flush_during_recovery=false") // what is in logs must be in tables to be dropped
	})
	if err != nil {
		return err
	}
	for _, c := range d.ColumnFamilies() {
		if err == nil && slices.Contains(automatic, c.name) {
			err = c.SetOptions(map[string]string{"disable_auto_compactions": "false"})
		}
	}
	return cmp.Or(err, d.Close())
}

// trimmable lists the families with timestamps, if all can be cut back.
func (o *Options) trimmable(dir string, timestamp uint64) (names []string, err error) {
	if err := lookAtManifest(dir); err != nil {
		return nil, err
	}
	m, err := ondisk.ReadManifest(dir)
	switch {
	case errors.Is(err, ondisk.ErrDamaged):
		return nil, dberr.Wrap("", dberr.Corruption, err)
	case err != nil:
		return nil, dberr.Wrap("", dberr.IO, err)
	}
	there := map[string]bool{}
	for _, f := range m.Families {
		there[f.Name] = true
		if f.Comparator != u64ts {
			continue
		}
		names = append(names, f.Name)
		if err := o.mayTrim(f, timestamp); err != nil {
			return nil, describeFamily(err, f.Name)
		}
	}
	for name := range o.Families {
		if !there[name] && name != defaultFamily {
			return nil, describeFamily(dberr.New("", dberr.FamilyNotFound, "no families are created here"), name)
		}
	}
	if len(names) == 0 {
		return nil, invalid("", "no family has timestamps")
	}
	return names, nil
}

// mayTrim tells whether a family with timestamps can be cut back.
func (o *Options) mayTrim(f *ondisk.Family, timestamp uint64) error {
	if _, named := o.Families[f.Name]; !named && f.Name != defaultFamily {
		return invalid("", "it has timestamps: name it in Options.Families") // OPTIONS has no automatic compactions after a crash
	}
	if len(f.History) != stampSize {
		return nil
	}
	if low := binary.LittleEndian.Uint64(f.History); timestamp < low {
		return dberr.New("", dberr.NoHistory, "it begins at timestamp "+strconv.FormatUint(low, 10))
	}
	return nil
}
