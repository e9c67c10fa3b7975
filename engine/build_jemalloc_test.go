//go:build rb_jemalloc

package engine_test

// withJemalloc tells how the test is linked.
const withJemalloc = true
