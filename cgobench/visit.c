// clang-format off: it would put a space before the constraint's name
//go:build cgo
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cgobench.h"

void rb_bench_visit(rb_bench_visitor f, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    f(i);
  }
}

void rb_bench_visit_broken(rb_bench_visitor f, uint64_t n) { rb_bench_visit(f, n); }
