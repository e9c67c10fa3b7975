package engine_test

import (
	"fmt"

	"github.com/rockbridge-db/rockbridge/engine"
)

// reading is what the ways to read a family have given.
type reading struct {
	rows  map[string]string   // of those that gave no error; nil if each did
	cut   []map[string]string // of scans that ended with an error
	errs  []error
	wrong error // how ways without an error differ
}

// readEveryWayOf reads a family by scans, forward and back, by lookups of all keys that it may have, one by one and
// together, and by a count.
func readEveryWayOf(c *engine.ColumnFamily, known [][]byte, unverified bool) (r reading) {
	for _, back := range []bool{false, true} {
		rows, err := scanRows(c, back, &engine.IterOptions{NoVerifyChecksums: unverified})
		if err != nil {
			r.cut = append(r.cut, rows)
		}
		r.add(c, rows, err)
	}
	for _, together := range []bool{false, true} {
		rows, err := lookedUp(c, known, together, &engine.ReadOptions{NoVerifyChecksums: unverified})
		r.add(c, rows, err)
	}
	n, _, _, err := engine.Count(nil, c, &engine.IterOptions{NoVerifyChecksums: unverified})
	switch {
	case err != nil:
		r.errs = append(r.errs, err)
	case r.rows != nil && n != int64(len(r.rows)):
		r.wrong = fmt.Errorf("%s: counted %d rows of %d", c.Name(), n, len(r.rows))
	}
	return r
}

// add takes what one way gave, and compares it with what others did.
func (r *reading) add(c *engine.ColumnFamily, rows map[string]string, err error) {
	switch {
	case err != nil:
		r.errs = append(r.errs, err)
		return
	case r.rows == nil:
		r.rows = rows
		return
	case len(rows) != len(r.rows):
		r.wrong = fmt.Errorf("%s: one way gives %d rows, another %d", c.Name(), len(r.rows), len(rows))
	}
	for key, v := range rows {
		if was, ok := r.rows[key]; !ok || was != v {
			r.wrong = fmt.Errorf("%s: two ways differ at %q", c.Name(), key)
		}
	}
}

// scanRows walks over all rows, whose keys must ascend, or descend.
func scanRows(c *engine.ColumnFamily, back bool, o *engine.IterOptions) (map[string]string, error) {
	it, err := c.NewIter(o)
	if err != nil {
		return nil, err
	}
	defer it.Close()
	move, rows, last := it.Next, map[string]string{}, ""
	if back {
		move = it.Prev
	}
	for move() {
		key := string(it.Key())
		if len(rows) > 0 && (key < last) != back {
			rows["out of order: "+key] = ""
		}
		rows[key], last = string(it.Value()), key
	}
	return rows, it.Error()
}

// lookedUp looks for each of the keys; together or one by one.
func lookedUp(c *engine.ColumnFamily, keys [][]byte, together bool, o *engine.ReadOptions) (map[string]string, error) {
	rows := map[string]string{}
	note := func(key, value []byte, err error) error {
		if err == nil {
			rows[string(key)] = string(value)
		} else if err != engine.ErrNotFound {
			return err
		}
		return nil
	}
	if together {
		values, err := c.MultiGet(keys, o)
		for i := 0; i < len(values) && err == nil; i++ {
			err = note(keys[i], values[i].Data, values[i].Err)
		}
		return rows, err
	}
	for _, key := range keys {
		v, err := c.Get(key, o)
		if err := note(key, v, err); err != nil {
			return rows, err
		}
	}
	return rows, nil
}
