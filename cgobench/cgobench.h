/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The C half of package cgobench: functions that do next to nothing, so that
 * what is timed is the way into C and back.
 *
 * Conventions
 *  1. Every name starts with rb_bench_. Each function is defined in a .c file
 *     of its own concept, never here: a C compiler that saw the body where cgo
 *     makes the call would inline it.
 *  2. No function keeps a pointer after it has returned, and none writes
 *     through a pointer to const.
 *  3. Lengths are size_t and count bytes.
 *  4. Only rb_bench_visit and rb_bench_visit_broken call back into Go.
 *  5. Every function may be called from any thread at any time; two calls must
 *     not write the same caller's memory at once.
 *  6. The suffixes name the #cgo directives under which Go declares a function:
 *     none for neither, _noescape, _nocallback, _pair for both. The bodies of
 *     such siblings are the same.
 */
#ifndef RB_BENCH_H
#define RB_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* empty.c */

/* Does nothing: the bare price of a crossing. */
void rb_bench_empty(void);

/* The same, declared to Go with nocallback. */
void rb_bench_empty_nocallback(void);

/*
 * Names the compiler that built this package, for example "12.2.0" (gcc gives
 * its bare version) or "Clang 14.0.6". The text is constant, terminated and
 * never freed.
 */
const char *rb_bench_compiler(void);

/* pointer.c */

/*
 * The touch functions read the first and the last of n bytes at p and return
 * their sum; 0 when n is 0, and then p may be NULL. They borrow p for the
 * call. The void * and the uint8_t * forms differ only in the declared type,
 * which decides whether Go searches the memory for pointers before the call.
 */
uint64_t rb_bench_touch_void(const void *p, size_t n);
uint64_t rb_bench_touch_void_noescape(const void *p, size_t n);
uint64_t rb_bench_touch_void_nocallback(const void *p, size_t n);
uint64_t rb_bench_touch_void_pair(const void *p, size_t n);
uint64_t rb_bench_touch_bytes(const uint8_t *p, size_t n);
uint64_t rb_bench_touch_bytes_noescape(const uint8_t *p, size_t n);
uint64_t rb_bench_touch_bytes_nocallback(const uint8_t *p, size_t n);
uint64_t rb_bench_touch_bytes_pair(const uint8_t *p, size_t n);

/* result.c */

/* As many fields as a call that fills a buffer has to report. */
typedef struct rb_bench_result {
  uint64_t rows;
  uint64_t used;
  uint64_t need;
  int32_t state;
  int32_t status;
} rb_bench_result;

/*
 * Returns the result of a made-up fill of the given rows by value: rows,
 * used = 2 * rows, need = 3 * rows, state = 1, status = 0.
 */
rb_bench_result rb_bench_result_value(uint64_t rows);

/* The same result written to *out, which must not be NULL and is borrowed. */
void rb_bench_result_out(uint64_t rows, rb_bench_result *out);
void rb_bench_result_out_pair(uint64_t rows, rb_bench_result *out);

/* text.c */

/* A terminated text in C memory. Immutable once made. */
typedef struct rb_bench_text rb_bench_text;

/*
 * Makes a text of len letters 'x' and a terminating zero. The caller owns it
 * and frees it with rb_bench_text_free. NULL when memory is short or len + 1
 * overflows.
 */
rb_bench_text *rb_bench_text_new(size_t len);

/* Frees a text; NULL is allowed. Pointers into it end here. */
void rb_bench_text_free(rb_bench_text *t);

/*
 * The letters of t, zero-terminated, borrowed until t is freed: what an
 * accessor that lends C memory looks like.
 */
const char *rb_bench_text_data(const rb_bench_text *t);

/*
 * Copies the first cap letters of t, or all if there are fewer, into dst and
 * returns their number: what a call that fills Go's memory looks like. dst is
 * borrowed; nothing terminates the copy.
 */
size_t rb_bench_text_fill_pair(const rb_bench_text *t, uint8_t *dst, size_t cap);

/* copy.c */

/* Bytes in the small copy, a cache line. */
enum { RB_BENCH_LINE = 64 };

/* Copies RB_BENCH_LINE bytes from src to dst, which must not overlap. */
void rb_bench_copy_line(uint8_t *dst, const uint8_t *src);
void rb_bench_copy_line_pair(uint8_t *dst, const uint8_t *src);

/* visit.c */

/* A function to call with each number; Go's exported one has this type. */
typedef void (*rb_bench_visitor)(uint64_t i);

/*
 * Calls f(0), f(1), ... f(n - 1). f may be a Go function, so Go declares this
 * one with neither directive.
 */
void rb_bench_visit(rb_bench_visitor f, uint64_t n);

/*
 * The same, declared to Go as nocallback: a promise that a Go f breaks, for
 * which Go panics. Only for the test that shows this.
 */
void rb_bench_visit_broken(rb_bench_visitor f, uint64_t n);

/* sleep_linux.c, on Linux only */

/*
 * Sleeps for the given milliseconds on the calling thread, signals
 * notwithstanding, and counts itself in rb_bench_sleeping meanwhile.
 */
void rb_bench_sleep(uint32_t milliseconds);

/* How many threads are inside rb_bench_sleep now. */
uint32_t rb_bench_sleeping(void);

#endif /* RB_BENCH_H */
