// clang-format off: it would put a space before the constraint's name
//go:build cgo
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cgobench.h"

void rb_bench_empty(void) {}

void rb_bench_empty_nocallback(void) {}

const char *rb_bench_compiler(void) { return __VERSION__; }
