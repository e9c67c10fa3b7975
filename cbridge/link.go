package cbridge

// #cgo CFLAGS: -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Wno-unused-parameter
// #cgo LDFLAGS: -lrocksdb
import "C"
