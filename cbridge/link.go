package cbridge

// The tag rb_static takes RocksDB, its codecs and the C++ library from archives; the C library stays
// shared, unless the program is linked with -static. Archives are named by file, not by -Bstatic, so
// that flags around these keep their meaning. The C functions of RocksDB are one member of its archive
// (c.cc), which strong references pull in: so the weak ones of later.h find theirs, as in the shared
// library.

//
// A smashed stack of the glue ends the process before it is used, a stack that grows past its end faults, and the
// table of the functions that C calls is read only once the program has started. SECURITY.md has what a program may
// add for itself, and why the rest is not among the flags here.

// #cgo CFLAGS: -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Wno-unused-parameter
// #cgo linux CFLAGS: -fstack-protector-strong -fstack-clash-protection
// #cgo linux LDFLAGS: -Wl,-z,relro,-z,now
// #cgo !rb_static LDFLAGS: -lrocksdb -lzstd
// #cgo rb_static,linux LDFLAGS: -l:librocksdb.a -l:libsnappy.a -l:libz.a -l:libbz2.a -l:liblz4.a -l:libzstd.a
// #cgo rb_static,linux LDFLAGS: -l:libstdc++.a -static-libgcc -lm -ldl -lpthread
import "C"
