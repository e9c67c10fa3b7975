package engine

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Option strings go to RocksDB as they are, which refuses unknown names and most nonsense. What it
// takes and then fails on, in an assertion or by damage to the database, is refused here.

// extraRefuses are the options that no option string may set. The glue's own comparisons rest on the
// key order, a database whose OPTIONS file names another operator could not be opened again, and a
// table without range deletes fails every write after the first of them.
var extraRefuses = map[string]string{
	"comparator":                "the fields Comparator and GoComparator do",
	"merge_operator":            "the field MergeOperator does",
	"compaction_filter":         "the field CompactionFilter does",
	"compaction_filter_factory": "the field CompactionFilter does",
	"table_factory":             "only block-based tables can delete ranges: use block_based_table_factory",
	"env":                       "the field InMemory does, and rockbridge reads files itself",
	"file_system":               "rockbridge reads files itself",
	"plain_table_factory":       "only block-based tables can delete ranges: use block_based_table_factory",
}

// extraRanges are bounds, both included, beyond which RocksDB ends the process.
var extraRanges = map[string]struct{ low, high int64 }{
	"num_levels":                   {1, 100},
	"table_cache_numshardbits":     {math.MinInt64, 19},
	"block_restart_interval":       {1, math.MaxInt32},
	"index_block_restart_interval": {1, math.MaxInt32},
	"max_bytes_for_level_base":     {1, math.MaxInt64},
	"write_buffer_size":            {0, maxWriteBuffer},
	"rate_limiter_bytes_per_sec":   {leastRateLimit, math.MaxInt64},
	"arena_block_size":             {0, 1 << 30},
	"compaction_readahead_size":    {0, 1 << 30},
	"parallel_threads":             {1, 1 << 10},
	"max_background_jobs":          {math.MinInt32, 1 << 10},
	"max_background_compactions":   {math.MinInt32, 1 << 10},
	"max_background_flushes":       {math.MinInt32, 1 << 10},
	"max_file_opening_threads":     {math.MinInt32, 1 << 10},
}

// A memtable smaller than a block of its memory would be full when it is made, which meets an
// assertion.
const (
	writeBuffer        = "write_buffer_size"
	arenaBlock         = "arena_block_size"
	arenaTooLarge      = "sets arena_block_size above write_buffer_size"
	defaultWriteBuffer = 64 << 20
	leastWriteBuffer   = 64 << 10 // RocksDB takes less for this
)

// refuseArena tells why the option strings, the last of which counts most, on top of a typed size of
// memtables, are refused, or is empty.
func refuseArena(typed int64, extras ...string) string {
	if typed == 0 {
		typed = defaultWriteBuffer
	}
	settings := settingsOf(extras...)
	memtable, block := typed, int64(0)
	if n, ok := extraNumber(settings[writeBuffer]); ok {
		memtable = n
	}
	if n, ok := extraNumber(settings[arenaBlock]); ok {
		block = n
	}
	if block > max(memtable, leastWriteBuffer) {
		return arenaTooLarge
	}
	return ""
}

// maxWriteBuffer is the largest memtable that RocksDB makes.
const maxWriteBuffer = 64 << 30

// longestExtra is how long a text of options may be: it is copied some times over.
const longestExtra = 1 << 20

func validateExtra(field, extra string) error {
	if len(extra) > longestExtra {
		return invalid("", field+" is longer than a mebibyte")
	}
	if strings.IndexByte(extra, 0) >= 0 {
		return invalid("", field+" contains a zero byte")
	}
	settings := strings.FieldsFunc(extra, func(r rune) bool { return r == ';' || r == '{' || r == '}' })
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if why := refuseSetting(name, value); why != "" {
			return invalid("", field+" sets "+name+": "+why)
		}
	}
	return nil
}

// refuseSetting tells why a setting is refused, or is empty.
func refuseSetting(name, value string) string {
	// RocksDB reads a.b=v as a={b=v}.
	object, _, _ := strings.Cut(name, ".")
	if why, refused := extraRefuses[object]; refused {
		return why
	}
	name = name[strings.LastIndexByte(name, '.')+1:]
	if strings.HasSuffix(name, "compression_opts") && strings.Contains(value, ":") {
		return "write it as {level=...;...}"
	}
	if r, bounded := extraRanges[name]; bounded {
		if n, ok := extraNumber(value); !ok || n < r.low || n > r.high {
			return fmt.Sprintf("%s is not a number from %d to %d", value, r.low, r.high)
		}
	}
	return ""
}

// extraNumber reads a number as RocksDB writes them: 64M is 64 MiB.
func extraNumber(s string) (int64, bool) {
	shift := 0
	if s != "" {
		if i := strings.IndexByte("kmgt", s[len(s)-1]|0x20); i >= 0 {
			s, shift = s[:len(s)-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n << shift, err == nil && n<<shift>>shift == n
}
