package cbridge

// #include "rb.h"
// #cgo noescape rb_statistics_text
// #cgo nocallback rb_statistics_text
import "C"

import "unsafe"

// What RocksDB counts of a database.
const (
	StatisticsNone    = C.RB_STATISTICS_NONE
	StatisticsUsual   = C.RB_STATISTICS_USUAL
	StatisticsTickers = C.RB_STATISTICS_TICKERS
	StatisticsUntimed = C.RB_STATISTICS_UNTIMED
	StatisticsTimed   = C.RB_STATISTICS_TIMED
	StatisticsAll     = C.RB_STATISTICS_ALL
)

// Statistics is RocksDB's own text of all tickers and histograms, a line each; empty without statistics.
func (d *DB) Statistics() string {
	text := C.rb_statistics_text(d.p)
	if text == nil {
		return ""
	}
	defer C.rb_free(unsafe.Pointer(text))
	return C.GoString(text)
}
