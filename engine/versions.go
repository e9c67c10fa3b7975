package engine

import (
	"bytes"
	"iter"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// RowVersion is one version of a row of a family with timestamps. Key and Value are Go memory that is the
// receiver's, but share it with their neighbours: clone what is kept for long.
type RowVersion struct {
	Key       []byte
	Timestamp uint64
	Value     []byte // nil if Deleted, and with KeysOnly
	Deleted   bool
}

// Versions ranges over the versions with timestamps from since to that of a, deletions too, of the rows that o
// describes: by key, and of one key the newest first. All are of one state. It is made for each loop anew; done
// gives the error of the last one, after it. ErrNoHistory if the history begins after since; ErrInvalidArgument
// if since is above the timestamp of a, or if o has a Filter or Tables; ErrUnsupported for a family that merges. Limit
// counts versions.
//
// Of versions of one key with the same timestamp only the last one written is there. A range deletion, which
// only other programs write, hides the versions that it covers.
func (a *AsOf) Versions(since uint64, o *IterOptions) (versions iter.Seq[RowVersion], done func() error) {
	var err error
	versions = func(yield func(RowVersion) bool) { err = a.rangeVersions(since, o, yield) }
	return versions, func() error { return err }
}

func (a *AsOf) rangeVersions(since uint64, o *IterOptions, yield func(RowVersion) bool) error {
	const op = "versions"
	bare := IterOptions{}
	if o != nil {
		bare = *o
	}
	bare.NoBackground = true
	v, err := a.view()
	switch {
	case err != nil:
		return err
	case v.cf.db == nil:
		return ErrClosed
	case v.cf.stamped() && since > a.at:
		return v.cf.describe(invalid(op, "they end before they begin"), "", nil)
	case bare.Filter != nil:
		return v.cf.describe(invalid(op, "Filter is for rows"), "", nil)
	case len(bare.Tables) > 0:
		return v.cf.describe(invalid(op, "Tables would leave versions out"), "", nil)
	case v.cf.stamped() && v.cf.merges:
		return v.cf.describe(dberr.New(op, dberr.Unsupported, "the family has a merge operator"), "", nil)
	}
	if v.snap == nil {
		s, err := v.cf.db.snapshot() // two iterators of C's are to see the same
		if err != nil {
			return err
		}
		defer s.Close()
		v.snap = s.s
	}
	v.versions, v.since = true, since
	it, err := v.newIter(&bare)
	if err != nil {
		return err
	}
	g := versionGatherer{buf: make([]byte, versionBuffer), yield: yield, keysOnly: bare.KeysOnly}
	err = it.Push(nil, iterator.Pushdown{Op: op, Call: g.call, After: g.after})
	if err == errStop {
		err = nil
	}
	if closed := it.Close(); err == nil {
		err = closed
	}
	return err
}

// versionBuffer is what versions go to at first.
const versionBuffer = 32 << 10

// versionGatherer hands on the versions of one call after the other.
type versionGatherer struct {
	buf      []byte
	used     int
	keysOnly bool
	yield    func(RowVersion) bool
}

func (g *versionGatherer) call(src *cbridge.Iter, m cbridge.Move, s cbridge.Stretch) cbridge.Passed {
	r := src.Versions(m, s, g.buf)
	if r.Need > 0 {
		g.buf = make([]byte, r.Need)
		r = src.Versions(cbridge.MoveOn, s, g.buf)
	}
	g.used = r.Used
	return r.Passed
}

func (g *versionGatherer) after() error {
	for rest := bytes.Clone(g.buf[:g.used]); len(rest) > 0; {
		var c cbridge.Version
		c, rest = cbridge.NextVersion(rest)
		v := RowVersion{Key: c.Key, Timestamp: c.Timestamp, Value: c.Value, Deleted: c.Deleted}
		if v.Deleted || g.keysOnly {
			v.Value = nil
		}
		if !g.yield(v) {
			return errStop
		}
	}
	return nil
}
