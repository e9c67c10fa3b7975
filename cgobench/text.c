// clang-format off: it would put a space before the constraint's name
//go:build cgo
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cgobench.h"

#include <stdlib.h>
#include <string.h>

struct rb_bench_text {
  size_t len;
  char data[]; /* len letters and a zero */
};

rb_bench_text *rb_bench_text_new(size_t len) {
  rb_bench_text *t;

  if (len >= SIZE_MAX - sizeof(*t)) {
    return NULL;
  }
  t = malloc(sizeof(*t) + len + 1);
  if (t == NULL) {
    return NULL;
  }
  t->len = len;
  memset(t->data, 'x', len);
  t->data[len] = '\0';
  return t;
}

void rb_bench_text_free(rb_bench_text *t) { free(t); }

const char *rb_bench_text_data(const rb_bench_text *t) { return t->data; }

size_t rb_bench_text_fill_pair(const rb_bench_text *t, uint8_t *dst, size_t cap) {
  size_t n = t->len < cap ? t->len : cap;

  if (n > 0) {
    memcpy(dst, t->data, n);
  }
  return n;
}
