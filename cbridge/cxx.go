//go:build rb_cxx

package cbridge

// The tag compiles the one C++ file, which reaches what RocksDB's C API lacks. cgo then links by the C++
// compiler. RocksDB's headers ask for C++17 up to 10.5, and for C++20 from 10.7 on, which reads the older ones too.

// The C++ compiler would add the shared C++ library to that of rb_static. What hardens the C, in link.go, is not handed on to
// C++.

// #cgo rb_static,linux LDFLAGS: -static-libstdc++
// #cgo linux CXXFLAGS: -fstack-protector-strong -fstack-clash-protection
// #cgo CXXFLAGS: -std=c++20 -Wall -Wextra -Wno-unused-parameter
import "C"
