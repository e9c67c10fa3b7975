// clang-format off: it would put a space before the constraint's name
//go:build cgo
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cgobench.h"

/* The one body of the eight: not in the header, so that no caller inlines it. */
static uint64_t touch(const uint8_t *p, size_t n) {
  if (n == 0) {
    return 0;
  }
  return (uint64_t)p[0] + p[n - 1];
}

uint64_t rb_bench_touch_void(const void *p, size_t n) { return touch(p, n); }

uint64_t rb_bench_touch_void_noescape(const void *p, size_t n) { return touch(p, n); }

uint64_t rb_bench_touch_void_nocallback(const void *p, size_t n) { return touch(p, n); }

uint64_t rb_bench_touch_void_pair(const void *p, size_t n) { return touch(p, n); }

uint64_t rb_bench_touch_bytes(const uint8_t *p, size_t n) { return touch(p, n); }

uint64_t rb_bench_touch_bytes_noescape(const uint8_t *p, size_t n) { return touch(p, n); }

uint64_t rb_bench_touch_bytes_nocallback(const uint8_t *p, size_t n) { return touch(p, n); }

uint64_t rb_bench_touch_bytes_pair(const uint8_t *p, size_t n) { return touch(p, n); }
