package main

import (
	"os"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/linked"
)

// checkLibrary looks at the RocksDB that this program is linked with.
func checkLibrary(d *diagnosis) {
	d.area = "library"
	path := linked.SharedLibrary("/proc/self/maps")
	if version := engine.Version(); version == "unknown" {
		d.wrong("version", "set TMPDIR to a folder that can be written to", "unknown: no database can be made in %s", os.TempDir())
	} else {
		d.ok("version", "RocksDB %s, %s; rockbridge %s", version, libraryName(path), moduleVersion())
	}
	checkAssertions(d, path)
	checkFeatures(d)
	checkCodecs(d)
	d.ok("zstd", "%s, which export and import use", engine.ZstdVersion())
	checkAllocator(d)
}

func libraryName(path string) string {
	if path != "" {
		return path
	}
	if l := linked.Inspect("/proc/self/exe"); l.Kind != "" {
		return "linked into the program: " + l.Kind + " of " + l.Folder
	}
	return "linked into the program"
}

func checkAssertions(d *diagnosis, path string) {
	if path == "" {
		path = "/proc/self/exe"
	}
	on, err := linked.HasAssertions(path)
	switch {
	case err != nil:
		d.note("assertions", "", "unknown: %v", err)
	case on:
		d.note("assertions", "make rocksdb builds RocksDB without them, for where speed counts",
			"on, as distributions build it: RocksDB checks itself, which costs time, and what it finds ends the process")
	default:
		d.ok("assertions", "off")
	}
}

// checkFeatures names what later versions have, or a build tag.
func checkFeatures(d *diagnosis) {
	var lacks []string
	for _, f := range engine.Features() {
		if !engine.Supports(f) {
			from := slices.DeleteFunc([]string{f.Since(), f.Tag()}, func(s string) bool { return s == "" })
			lacks = append(lacks, f.String()+" ("+strings.Join(from, " or ")+")")
		}
	}
	if len(lacks) == 0 {
		d.ok("features", "all that rockbridge knows of")
		return
	}
	d.ok("features", "all but those of later versions or a build tag: %s", strings.Join(lacks, ", "))
}

func checkAllocator(d *diagnosis) {
	p := engine.ReadProcessMetrics()
	if p.Allocator == "jemalloc" {
		d.ok("allocator", "jemalloc, which holds %s", byteText(int64(p.AllocatorHeld)))
		return
	}
	d.note("allocator", "where memory grows, build with -tags rb_jemalloc, or start with LD_PRELOAD=libjemalloc.so.2 or MALLOC_ARENA_MAX=2",
		"%s: after a churn it may hold more memory than jemalloc does", p.Allocator)
}

// codecs are what families may be compressed with.
var codecs = []engine.Compression{
	engine.SnappyCompression, engine.LZ4Compression, engine.LZ4HCCompression, engine.ZSTDCompression, engine.ZlibCompression,
}

// checkCodecs makes a family with each codec, and a file in it.
func checkCodecs(d *diagnosis) {
	with, without, err := tryCodecs()
	switch {
	case err != nil:
		d.wrong("codecs", "set TMPDIR to a folder that can be written to", "not known: %v", err)
	case len(without) > 0:
		d.note("codecs", "databases that use them cannot be opened here: link a RocksDB that is built with them",
			"%s; not there: %s", strings.Join(with, ", "), strings.Join(without, ", "))
	default:
		d.ok("codecs", "%s", strings.Join(with, ", "))
	}
}

func tryCodecs() (with, without []string, err error) {
	dir, err := os.MkdirTemp("", "rockbridge-doctor-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	db, err := engine.Open(dir, &engine.Options{FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression}})
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	try := func(name string, o *engine.FamilyOptions) {
		family, err := db.CreateColumnFamily(name, o)
		if err == nil {
			err = family.Put([]byte("key"), []byte(strings.Repeat("value ", 100)), nil)
		}
		if err == nil {
			err = family.Flush()
		}
		if err != nil {
			without = append(without, name)
		} else {
			with = append(with, name)
		}
	}
	for _, c := range codecs {
		try(string(c), &engine.FamilyOptions{Compression: c})
	}
	try("bzip2", &engine.FamilyOptions{Extra: "compression=kBZip2Compression"})
	return with, without, nil
}
