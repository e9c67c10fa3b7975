package engine

import (
	"bytes"
	"context"
	"errors"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// describe puts operation and path into an error from below that lacks them. Bare sentinels stay so.
func describe(err error, op, path string) error {
	if e, ok := err.(*Error); ok {
		if e.Op == "" {
			e.Op = op
		}
		if e.Path == "" {
			e.Path = path
		}
	}
	return err
}

// describeFamily puts the family into an error from below that lacks it.
func describeFamily(err error, family string) error {
	if e, ok := err.(*Error); ok && e.Family == "" {
		e.Family = family
	}
	return err
}

// describe completes an error of a call that names this family and perhaps a key, which is copied.
func (c *ColumnFamily) describe(err error, op string, key []byte) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	if e.Key == nil {
		e.Key = keyOf(key)
	}
	if c.name != defaultFamily {
		describeFamily(e, c.name)
	}
	return describe(e, op, c.db.path)
}

// keyOf is the copy of a key that goes with an error; none of what is no key, which may be of any size.
func keyOf(key []byte) []byte {
	if len(key) > MaxKeySize {
		return nil
	}
	return bytes.Clone(key)
}

// blocked gives "incomplete" the meaning it has for a caller who asked not to wait.
func blocked(err error, asked bool) error {
	if e, ok := err.(*Error); ok && asked && e.Code == dberr.Incomplete {
		e.Code = dberr.WouldBlock
	}
	return err
}

// timedOut ties RocksDB's time-out to the context whose deadline it was given.
func timedOut(err error, ctx context.Context) error {
	e, ok := err.(*Error)
	if !ok || e.Code != dberr.TimedOut || ctx == nil || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	w := dberr.FromContext(e.Op, context.DeadlineExceeded)
	w.Msg = e.Msg
	return w
}
