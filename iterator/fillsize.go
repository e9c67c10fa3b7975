package iterator

// How much one call fetches. A seek that reads one row must not pay for a hundred, and a long scan
// must not pay a call per handful. So the first fill after an absolute move asks for as many rows as
// were read after the one before it, at first for as many as the family's last iterators read, or for
// what Limit allows; and each fill asks for twice as many as the one before. What was fetched and is not
// read costs more than a call: a factor of four had a scan of 100 rows fetch more than a thousand, and
// pay for a buffer for them. A buffer is as large as the rows that are asked for, by the size of those before.
//
// With buffers of full size, two calls in a row deliver more than maxFill bytes, since the second
// begins with a row that the first had no room for. A full scan therefore costs at most one call for
// each 64 KiB delivered, and a few more while fills grow.
const (
	firstFill  = 1 << 10 // bytes
	maxGuess   = 1 << 10 // rows
	maxLimit   = 1 << 8  // rows that Limit has the first fill ask for
	moreRows   = 2
	growFill   = 4 // of chunks
	maxFill    = 128 << 10
	chunkFill  = 16 << 10 // the first fill of a caller's chunk
	keptFill   = 96 << 10 // buffers whose rows may be kept for ever
	keepBuffer = 1 << 20  // a window that grew beyond it is dropped at the next absolute move
)

// fillSize is the growth of fills since the last absolute move.
type fillSize struct {
	bytes, rows int
	row         int // bytes that a row takes in a buffer, of the fill before; 0: unknown
}

// reset starts small again, with a guess at the number of rows that will be read.
func (s *fillSize) reset(guess int) { s.bytes, s.rows = 0, max(1, min(guess, maxGuess)) }

// next is the size of the next window fill: bytes, and rows, 0 meaning as many as fit.
func (s *fillSize) next() (size, maxRows int) {
	switch {
	case s.bytes == 0:
		s.bytes = firstFill
	case s.bytes < maxFill || s.rows <= maxGuess:
		s.rows *= moreRows
	}
	if s.rows > maxGuess {
		s.bytes = maxFill
	}
	if need := s.rows * s.row; s.bytes < need { // with room for rows that are larger by an eighth
		s.bytes = min((need+need/8+firstFill)&^(firstFill-1), maxFill)
	}
	if s.bytes >= maxFill && s.rows*s.row >= maxFill || s.rows > maxGuess {
		return s.bytes, 0
	}
	return s.bytes, s.rows
}

// saw notes what a fill brought: the next one brings more.
func (s *fillSize) saw(rows, used int) {
	if rows > 0 {
		s.rows, s.row = max(s.rows, rows), used/rows+rowOffset+1
	}
}

// nextChunk is the size of the next fill of a caller's chunk, which wants many rows from the start.
func (s *fillSize) nextChunk() int {
	if s.bytes < chunkFill {
		s.bytes, s.rows = chunkFill, maxGuess
		return s.bytes
	}
	s.bytes = min(s.bytes*growFill, maxFill)
	return s.bytes
}

// grown is the buffer for a row that needs so many bytes: with as much again for what follows.
func grown(need int) int {
	size := 4 << 10
	for size < need && size < 1<<40 {
		size *= 2
	}
	if size < need {
		return need
	}
	if size-need < need && size < 16<<20 {
		size *= 2
	}
	return size
}
