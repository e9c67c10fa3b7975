// clang-format off: it would put a space before the constraint's name
//go:build cgo
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cgobench.h"

rb_bench_result rb_bench_result_value(uint64_t rows) {
  rb_bench_result r = {
      .rows = rows,
      .used = 2 * rows,
      .need = 3 * rows,
      .state = 1,
      .status = 0,
  };
  return r;
}

void rb_bench_result_out(uint64_t rows, rb_bench_result *out) {
  *out = rb_bench_result_value(rows);
}

void rb_bench_result_out_pair(uint64_t rows, rb_bench_result *out) {
  *out = rb_bench_result_value(rows);
}
