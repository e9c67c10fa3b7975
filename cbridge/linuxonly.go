//go:build cgo && rb_static && !linux

package cbridge

// Linkers of other systems do not take archives by file name. This name does not exist, so that such a
// build ends with one line that says so.
var _ = the_tag_rb_static_is_for_Linux_only
