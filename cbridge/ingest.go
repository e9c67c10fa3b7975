package cbridge

// #include "rb.h"
// #cgo noescape rb_ingest
// #cgo nocallback rb_ingest
import "C"

import (
	"strings"
	"unsafe"
)

// IngestOptions say how table files are ingested.
type IngestOptions struct {
	Move            bool   // linked, not copied, and the old names removed
	Behind          bool   // below all that the family has
	NoSequence      bool   // files that need a sequence number are refused
	IgnoreSnapshots bool   // rows may show in older snapshots
	NoFlush         bool   // code InvalidArgument instead of a flush
	Bottommost      bool   // code TryAgain unless they fit into the last level; from RocksDB 8.1
	Link            bool   // linked, not copied, and the old names stay; FeatureIngestLinks
	NoCopy          bool   // Move, Link: code Unsupported where files cannot be linked; FeatureIngestNoCopy
	NoFill          bool   // the cache takes nothing of the files; FeatureIngestLinks
	Threads         uint32 // that open the files; 0: one; FeatureIngestLinks
}

// Ingest makes table files part of the family, all or none. No path may hold a zero byte. The caller
// has checked the files and holds the family against a drop.
func (f *Family) Ingest(paths []string, o IngestOptions) error {
	packed := []byte(strings.Join(paths, "\x00") + "\x00")
	return failure(C.rb_ingest(f.p, (*C.char)(unsafe.Pointer(unsafe.SliceData(packed))), C.size_t(len(paths)),
		C.rb_ingest_options{
			move: flag(o.Move), behind: flag(o.Behind), no_sequence: flag(o.NoSequence),
			ignore_snapshots: flag(o.IgnoreSnapshots), no_flush: flag(o.NoFlush), bottommost: flag(o.Bottommost),
			link: flag(o.Link), no_copy: flag(o.NoCopy), no_fill: flag(o.NoFill), threads: C.uint32_t(o.Threads),
		}))
}
