// clang-format off: it would put a space before the constraint's name
//go:build cgo
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cgobench.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

static atomic_uint sleepers;

void rb_bench_sleep(uint32_t milliseconds) {
  struct timespec left = {
      .tv_sec = (time_t)(milliseconds / 1000),
      .tv_nsec = (long)(milliseconds % 1000) * 1000000L,
  };

  atomic_fetch_add(&sleepers, 1);
  while (nanosleep(&left, &left) == -1 && errno == EINTR) {
    /* Go's preemption signals end the sleep early: sleep the rest. */
  }
  atomic_fetch_sub(&sleepers, 1);
}

uint32_t rb_bench_sleeping(void) { return atomic_load(&sleepers); }
