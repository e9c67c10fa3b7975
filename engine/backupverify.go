package engine

import (
	"context"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// VerifyOptions say how Verify reads. Nil and the zero value mean the defaults.
type VerifyOptions struct {
	// Progress is called now and then, by the caller's goroutine, with the bytes that were read so far.
	Progress func(read int64)
}

// Verify reads all files of a backup, of the newest if id is 0, and compares their checksums with those of its
// making. (RocksDB's own call, as its C API has it, compares sizes only.) ErrCorruption names the file that is
// damaged, ErrNotFound, in an *Error, means that there is no such backup. ctx may be nil; it is looked at
// between two reads.
func (b *Backups) Verify(ctx context.Context, id uint32, o *VerifyOptions) error {
	if o == nil {
		o = &VerifyOptions{}
	}
	return b.describe(b.verify(ctx, id, o), "verify backup")
}

func (b *Backups) verify(ctx context.Context, id uint32, o *VerifyOptions) error {
	leave, err := b.enter(ctx, false)
	if err != nil {
		return err
	}
	defer leave()
	l, err := b.find(id)
	if err != nil {
		return err
	}
	v := verification{ctx: ctx, guard: &b.guard, buf: make([]byte, 256<<10), tell: o.Progress}
	for _, f := range l.files {
		path := filepath.Join(b.dir, f.path)
		sum, err := v.sum(path)
		if err == nil && sum != f.crc {
			err = dberr.New("", dberr.Corruption, "wrong checksum")
		}
		if err != nil {
			return describe(err, "", path)
		}
	}
	return nil
}

// verification reads files.
type verification struct {
	ctx   context.Context
	guard *guard
	buf   []byte
	read  int64
	tell  func(read int64)
}

// sum gives the checksum of a file.
func (v *verification) sum(path string) (sum uint32, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, dberr.Wrap("", dberr.IO, err)
	}
	defer f.Close()
	for {
		if v.ctx != nil && v.ctx.Err() != nil {
			return 0, dberr.FromContext("", v.ctx.Err())
		}
		if v.guard.closing.Load() {
			return 0, ErrClosed
		}
		n, err := f.Read(v.buf)
		sum = crc32.Update(sum, castagnoli, v.buf[:n])
		v.read += int64(n)
		if v.tell != nil && n > 0 {
			v.tell(v.read)
		}
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return 0, dberr.Wrap("", dberr.IO, err)
		}
	}
}

// progressEvery is how often the sizes of files that grow are looked at.
const progressEvery = 100 * time.Millisecond

// watchFolders calls tell, which may be nil, with the bytes that folders have grown by, until stop.
func watchFolders(tell func(int64), dirs ...string) (stop func()) {
	if tell == nil {
		return func() {}
	}
	before := bytesBelow(dirs)
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-end:
				tell(max(0, bytesBelow(dirs)-before))
				return
			case <-tick.C:
				tell(max(0, bytesBelow(dirs)-before))
			}
		}
	}()
	return func() {
		close(end)
		<-done
	}
}

// bytesBelow adds up the sizes of all files in folders, of which one may be named twice.
func bytesBelow(dirs []string) (n int64) {
	seen := map[string]bool{}
	for _, dir := range dirs {
		if seen[dir] {
			continue
		}
		seen[dir] = true
		// What cannot be read, or has gone meanwhile, counts nothing.
		_ = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() {
				n += info.Size()
			}
			return nil
		})
	}
	return n
}
