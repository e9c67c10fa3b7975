package engine

import "strconv"

// A memtable with a filter asks the prefix extractor that was in force when it was made, and nothing keeps that alive but the options:
// once SetOptions has replaced an extractor that SetOptions had set, RocksDB, up to 11.8, asks freed memory at the next write or read. So a
// family has a filter in its memtables, or its extractor changes while it is open, and not both.

const (
	memtableFilter  = "memtable_prefix_bloom_size_ratio"
	prefixExtractor = "prefix_extractor"
)

// prefixUse is what of both a family has had since it was opened. DB.optionMu guards it.
type prefixUse struct{ filtered, changed bool }

// usesPrefixes tells whether options concern it.
func usesPrefixes(options map[string]string) bool {
	_, extractor := options[prefixExtractor]
	_, filter := options[memtableFilter]
	return extractor || filter
}

// with gives what it is after options that are set over those at present, and why they must not be, if they must not.
func (p prefixUse) with(options, present map[string]string) (after prefixUse, why string) {
	_, changes := options[prefixExtractor]
	after.filtered = p.filtered || positive(present[memtableFilter]) || positive(options[memtableFilter])
	after.changed = p.changed || changes
	if after.filtered && after.changed {
		why = "changes " + prefixExtractor + " in a family whose memtables have or had filters (" + memtableFilter +
			"): RocksDB's memtables would ask one that is freed. Open the database with it"
	}
	return after, why
}

func positive(number string) bool {
	n, err := strconv.ParseFloat(number, 64)
	return err == nil && n > 0
}
