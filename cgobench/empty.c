//go:build cgo

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cgobench.h"

void rb_bench_empty(void)
{
}

void rb_bench_empty_nocallback(void)
{
}

const char *rb_bench_compiler(void)
{
	return __VERSION__;
}
