package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"syscall"

	"github.com/rockbridge-db/rockbridge/dberr"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// A run is sorted rows in a file of blocks, each with its length and its checksum before it.

const runBlockHead = 8

// run is a finished run.
type run struct {
	Path string
	Rows uint64
	Size int64 // bytes
}

// runWriter writes a run.
type runWriter struct {
	file *os.File
	run  run
	head [runBlockHead]byte
}

func newRunWriter(path string) (*runWriter, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fileFailure(path, err)
	}
	return &runWriter{file: f, run: run{Path: path}}, nil
}

// add writes a block, whose memory may be used again.
func (w *runWriter) add(b rowBatch) (spare []byte, err error) {
	binary.LittleEndian.PutUint32(w.head[:], uint32(len(b.rows)))
	binary.LittleEndian.PutUint32(w.head[4:], crc32.Checksum(b.rows, castagnoli))
	_, err = w.file.Write(w.head[:])
	if err == nil {
		_, err = w.file.Write(b.rows)
	}
	w.run.Rows += uint64(b.count)
	w.run.Size += int64(len(w.head) + len(b.rows))
	return b.rows, fileFailure(w.run.Path, err)
}

// finish ends the run.
func (w *runWriter) finish(sync bool) (run, error) {
	var err error
	if sync {
		err = w.file.Sync()
	}
	return w.run, fileFailure(w.run.Path, errors.Join(err, w.file.Close()))
}

// fileFailure is an error of the file system as one of ours.
func fileFailure(path string, err error) error {
	if err == nil {
		return nil
	}
	code := dberr.IO
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		code = dberr.NoSpace
	}
	e := dberr.Wrap("", code, err)
	e.Path = path
	return e
}

// runSource reads a run.
type runSource struct {
	file       *os.File
	run        run
	block      []byte
	at         int // of the next row
	key, value []byte
	rows       uint64
}

func openRun(r run) (rowSource, error) {
	f, err := os.Open(r.Path)
	if err != nil {
		return nil, fileFailure(r.Path, err)
	}
	return &runSource{file: f, run: r}, nil
}

func (s *runSource) next() (bool, error) {
	for s.at == len(s.block) {
		if more, err := s.fill(); !more || err != nil {
			return false, err
		}
	}
	s.key, s.value, s.at = rowAt(s.block, s.at)
	s.rows++
	return true, nil
}

// fill reads the next block.
func (s *runSource) fill() (more bool, err error) {
	var head [runBlockHead]byte
	if _, err := io.ReadFull(s.file, head[:]); err != nil {
		if err == io.EOF && s.rows == s.run.Rows {
			return false, nil
		}
		return false, s.damaged(err)
	}
	n := int(binary.LittleEndian.Uint32(head[:]))
	if cap(s.block) < n {
		s.block = make([]byte, n)
	}
	s.block, s.at = s.block[:n], 0
	if _, err := io.ReadFull(s.file, s.block); err != nil {
		return false, s.damaged(err)
	}
	if crc32.Checksum(s.block, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return false, s.damaged(errors.New("checksum mismatch"))
	}
	return true, nil
}

func (s *runSource) damaged(err error) error {
	code := dberr.Corruption
	if err != io.EOF && err != io.ErrUnexpectedEOF && errors.As(err, new(*os.PathError)) {
		code = dberr.IO
	}
	e := dberr.Wrap("", code, err)
	e.Path, e.Msg = s.run.Path, "a sorted run is damaged: "+e.Msg
	return e
}

func (s *runSource) row() (key, value []byte) { return s.key, s.value }
func (s *runSource) close()                   { s.file.Close() }

// tableSource reads table files that were written while the input was still sorted.
type tableSource struct {
	db    *DB
	it    *iterator.Iterator
	chunk iterator.Chunk
	at    int
}

// openTables reads files of ascending ranges; dir is made for it.
func openTables(dir string, files []SSTInfo, ops operators) (rowSource, error) {
	db, err := tableSet(dir, files, ops)
	if err != nil {
		return nil, err
	}
	it, err := db.NewIter(&IterOptions{NoFillCache: true})
	if err != nil {
		db.close()
		return nil, err
	}
	return &tableSource{db: db, it: it, at: -1}, nil
}

func (s *tableSource) next() (bool, error) {
	if s.at++; s.at < s.chunk.Len() {
		return true, nil
	}
	s.at = 0
	return s.it.NextChunk(&s.chunk), s.it.Error()
}

func (s *tableSource) row() (key, value []byte) { return s.chunk.Key(s.at), s.chunk.Value(s.at) }

func (s *tableSource) close() {
	s.it.Close()
	s.db.close()
}

// merger merges sources by a tree of losers: an inner node holds the source that lost there, the root
// the winner. Of the same key the row of the earlier source comes first.
type merger struct {
	sources []rowSource
	keys    [][]byte // the current ones; nil: at its end
	prefix  []uint64
	tree    []int
	begun   bool
}

func newMerger(sources []rowSource) *merger {
	n := len(sources)
	return &merger{sources: sources, keys: make([][]byte, n), prefix: make([]uint64, n), tree: make([]int, n)}
}

func (m *merger) next() (bool, error) {
	if !m.begun {
		m.begun = true
		for i := range m.tree {
			m.tree[i] = -1
		}
		for i := len(m.sources) - 1; i >= 0; i-- {
			if err := m.advance(i); err != nil {
				return false, err
			}
		}
	} else if err := m.advance(m.tree[0]); err != nil {
		return false, err
	}
	return m.keys[m.tree[0]] != nil, nil
}

// advance moves a source and plays it up the tree. A node without a loser keeps who comes first.
func (m *merger) advance(i int) error {
	more, err := m.sources[i].next()
	if err != nil {
		return err
	}
	m.keys[i] = nil
	if more {
		m.keys[i], _ = m.sources[i].row()
		m.prefix[i] = keyPrefix(m.keys[i])
	}
	for node := (i + len(m.tree)) / 2; node > 0; node /= 2 {
		if m.tree[node] < 0 {
			m.tree[node] = i
			return nil
		}
		if m.before(m.tree[node], i) {
			m.tree[node], i = i, m.tree[node]
		}
	}
	m.tree[0] = i
	return nil
}

// before tells whether the row of source i comes before that of j.
func (m *merger) before(i, j int) bool {
	switch {
	case m.keys[i] == nil || m.keys[j] == nil:
		return m.keys[i] != nil
	case m.prefix[i] != m.prefix[j]:
		return m.prefix[i] < m.prefix[j]
	}
	if c := bytes.Compare(m.keys[i], m.keys[j]); c != 0 {
		return c < 0
	}
	return i < j
}

func (m *merger) row() (key, value []byte) { return m.sources[m.tree[0]].row() }

func (m *merger) close() {
	for _, s := range m.sources {
		s.close()
	}
}
