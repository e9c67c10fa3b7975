package enginetest

import (
	"sync/atomic"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// countdown lets so many calls pass, and then fails every one.
type countdown struct {
	left atomic.Int64
	err  error
}

func newCountdown(after int, err error) *countdown {
	c := &countdown{err: err}
	c.left.Store(int64(after))
	return c
}

func (c *countdown) next() error {
	if c.left.Add(-1) < 0 {
		return c.err
	}
	return nil
}

// FailReads gives a Reader that does as r does for so many calls of Get, Has and NewIter together, and then answers err to
// each: for code that takes a Reader. err is the test's choice, and best one that engine gives:
//
//	&engine.Error{Op: "get", Code: engine.CodeCorruption}
//
// What iterators meet that were made before is r's: FlipBit of a Table damages what they read. Safe for concurrent use if
// r is.
func FailReads(r engine.Reader, after int, err error) engine.Reader {
	return &failingReader{r, newCountdown(after, err)}
}

type failingReader struct {
	r engine.Reader
	c *countdown
}

func (f *failingReader) Get(key []byte, o *engine.ReadOptions) ([]byte, error) {
	if err := f.c.next(); err != nil {
		return nil, err
	}
	return f.r.Get(key, o)
}

func (f *failingReader) Has(key []byte, o *engine.ReadOptions) (bool, error) {
	if err := f.c.next(); err != nil {
		return false, err
	}
	return f.r.Has(key, o)
}

func (f *failingReader) NewIter(o *engine.IterOptions) (*iterator.Iterator, error) {
	if err := f.c.next(); err != nil {
		return nil, err
	}
	return f.r.NewIter(o)
}

// FailWrites gives a Writer that does as w does for so many calls, and then answers err to each and writes nothing: for code that
// takes a Writer. A full disk is &engine.Error{Op: "put", Code: engine.CodeNoSpace}, a sync that failed one with
// engine.CodeSyncFailed. Safe for concurrent use if w is.
func FailWrites(w engine.Writer, after int, err error) engine.Writer {
	return &failingWriter{w, newCountdown(after, err)}
}

type failingWriter struct {
	w engine.Writer
	c *countdown
}

func (f *failingWriter) Put(key, value []byte) error {
	if err := f.c.next(); err != nil {
		return err
	}
	return f.w.Put(key, value)
}

func (f *failingWriter) Delete(key []byte) error {
	if err := f.c.next(); err != nil {
		return err
	}
	return f.w.Delete(key)
}

func (f *failingWriter) Merge(key, operand []byte) error {
	if err := f.c.next(); err != nil {
		return err
	}
	return f.w.Merge(key, operand)
}
