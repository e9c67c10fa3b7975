// clang-format off: it would put a space before the constraint's name
//go:build cgo
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cgobench.h"

#include <string.h>

void rb_bench_copy_line(uint8_t *dst, const uint8_t *src) { memcpy(dst, src, RB_BENCH_LINE); }

void rb_bench_copy_line_pair(uint8_t *dst, const uint8_t *src) { memcpy(dst, src, RB_BENCH_LINE); }
