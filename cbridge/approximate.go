package cbridge

// #include "rb.h"
// #cgo noescape rb_approximate_sizes
// #cgo nocallback rb_approximate_sizes
import "C"

import "unsafe"

// SizeOptions say what ApproximateSizes counts.
type SizeOptions struct {
	Memtables bool    // rows in memtables too; FeatureSizeFlags
	NoFiles   bool    // not what is in table files; FeatureSizeFlags
	Blobs     bool    // a share of the blob files; FeatureSizeBlobs
	Margin    float64 // how far it may be wrong, as a part of the files' size; 0: as little as may be; FeatureSizeMargin
}

// KeyRange are the keys from Start up to End, which must not be before it; a nil End is open.
type KeyRange struct{ Start, End []byte }

// ApproximateSizes tells about how many bytes each of the ranges takes. The family's order must be the bytewise one.
// Code Unsupported for what the linked RocksDB lacks.
func (f *Family) ApproximateSizes(ranges []KeyRange, o SizeOptions) ([]uint64, error) {
	if len(ranges) == 0 {
		return nil, nil
	}
	lens, keys := make([]uint64, 0, 2*len(ranges)), []byte{}
	for _, r := range ranges {
		end := uint64(C.RB_NO_END)
		if r.End != nil {
			end = uint64(len(r.End))
		}
		lens = append(lens, uint64(len(r.Start)), end)
		keys = append(append(keys, r.Start...), r.End...)
	}
	sizes := make([]uint64, len(ranges))
	return sizes, failure(C.rb_approximate_sizes(f.p, C.rb_size_options{
		memtables: flag(o.Memtables), no_files: flag(o.NoFiles), blobs: flag(o.Blobs), margin: C.double(o.Margin),
	}, (*C.uint64_t)(unsafe.SliceData(lens)), ptr(keys), C.size_t(len(ranges)), (*C.uint64_t)(unsafe.SliceData(sizes))))
}
