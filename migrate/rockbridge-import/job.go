package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// job is one import.
type job struct {
	src            source
	path           string // of the source
	dst            string
	verify         bool
	stdout, stderr io.Writer
}

// digest is the number of rows and a checksum that does not depend on their order: the sum of their hashes.
type digest struct {
	rows int64
	sum  [4]uint64
}

func (d *digest) add(key, value []byte) {
	h := sha256.New()
	h.Write(binary.AppendUvarint(nil, uint64(len(key))))
	h.Write(key)
	h.Write(value)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	for i := range d.sum {
		d.sum[i] += binary.LittleEndian.Uint64(sum[8*i:])
	}
	d.rows++
}

// run imports all, or nothing.
func (j *job) run(ctx context.Context) error {
	begin := time.Now()
	families, err := j.src.families()
	if err != nil {
		return j.reading(err)
	}
	place, err := claim(j.dst)
	if err != nil {
		return err
	}
	rows, err := j.fill(ctx, place.dir, families)
	if err == nil {
		err = place.publish()
	}
	if err := errors.Join(err, place.release()); err != nil {
		return err
	}
	for _, n := range j.src.notes() {
		fmt.Fprintln(j.stderr, "rockbridge-import: note:", n)
	}
	verified := ""
	if j.verify {
		verified = " and verified"
	}
	_, err = fmt.Fprintf(j.stdout, "%d rows in %d families imported%s in %s\n",
		rows, len(families), verified, time.Since(begin).Round(time.Millisecond))
	return err
}

// fill makes the database in dir.
func (j *job) fill(ctx context.Context, dir string, families []family) (rows int64, err error) {
	o := &engine.Options{ErrorIfExists: true, Families: map[string]engine.FamilyOptions{}}
	for _, f := range families {
		var fo engine.FamilyOptions
		if f.ttl {
			fo.CompactionFilter = engine.TTLFilter
		}
		if f.name == "default" {
			o.FamilyOptions = fo
		} else {
			o.Families[f.name] = fo
		}
	}
	db, err := engine.Open(dir, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	p := newProgress(j.stderr)
	defer p.end()
	for _, f := range families {
		c, err := db.ColumnFamily(f.name)
		if err != nil {
			return rows, err
		}
		loaded, err := j.load(ctx, c, f, p)
		if err != nil {
			return rows, err
		}
		rows += loaded.rows
		if j.verify {
			if err := j.compare(ctx, c, f, loaded, p); err != nil {
				return rows, err
			}
		}
	}
	return rows, nil
}

// reading says of an error of the source where it is.
func (j *job) reading(err error) error {
	if err == nil || strings.Contains(err.Error(), j.path) {
		return err
	}
	return fmt.Errorf("%s: %w", j.path, err)
}

// load brings the rows of one family in.
func (j *job) load(ctx context.Context, c *engine.ColumnFamily, f family, p *progress) (d digest, err error) {
	l, err := c.NewLoader(ctx, &engine.BulkLoadOptions{Unique: true})
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	var addErr error
	err = f.rows(func(key, value []byte) error {
		if addErr = ctx.Err(); addErr == nil {
			d.add(key, value)
			p.row("read")
			addErr = l.Add(key, value)
		}
		return addErr
	})
	if addErr != nil {
		return d, addErr
	}
	if err != nil {
		return d, j.reading(err)
	}
	return d, l.Finish()
}

// compare reads both sides again.
func (j *job) compare(ctx context.Context, c *engine.ColumnFamily, f family, loaded digest, p *progress) error {
	var ours, theirs digest
	rows, done := engine.Scan(c, &engine.IterOptions{NoFillCache: true, Context: ctx})
	for key, value := range rows {
		ours.add(key, value)
		p.row("verified")
	}
	if err := done(); err != nil {
		return err
	}
	err := f.rows(func(key, value []byte) error {
		theirs.add(key, value)
		p.row("compared")
		return ctx.Err()
	})
	if err != nil {
		return j.reading(err)
	}
	if ours != loaded || theirs != loaded {
		return fmt.Errorf("family %q differs: %d rows were read from the source and %d when it was read again, the database has %d",
			f.name, loaded.rows, theirs.rows, ours.rows)
	}
	return nil
}
