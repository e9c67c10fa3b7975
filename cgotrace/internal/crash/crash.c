// clang-format off: it would put a space before the constraint's name
//go:build cgo && linux
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crash.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

/* Kept out of line, and not the last act of their callers: each shall have a frame. */
#define RB_OWN_FRAME __attribute__((noinline))

static int *volatile rb_crash_nowhere;
static volatile int rb_crash_passed;

RB_OWN_FRAME static void rb_crash_inner(void) {
  *rb_crash_nowhere = 1;
  rb_crash_passed++;
}

RB_OWN_FRAME static void rb_crash_middle(void) {
  rb_crash_inner();
  rb_crash_passed++;
}

void rb_crash_fault(void) {
  rb_crash_middle();
  rb_crash_passed++;
}

RB_OWN_FRAME static void rb_crash_overwrite(volatile char *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    p[i] = 'A';
  }
}

void rb_crash_smash(void) {
  char here[8] = {0};
  char *volatile p = here;
  rb_crash_overwrite(p, 1500);
  *rb_crash_nowhere = 1;
}

static void *rb_crash_body(void *arg) {
  rb_crash_fault();
  return arg;
}

void rb_crash_thread(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, rb_crash_body, NULL) == 0) {
    (void)pthread_join(t, NULL);
  }
}

/* Processor time of this thread, in nanoseconds. */
static int64_t rb_crash_cpu(void) {
  struct timespec t = {0, 0};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

uint64_t rb_crash_churn(uint32_t milliseconds) {
  int64_t end = rb_crash_cpu() + (int64_t)milliseconds * 1000000;
  uint64_t rounds = 0;
  int64_t begin = 0;
  int64_t loaded = 0;

  do {
    begin = rb_crash_cpu();
    void *library = dlopen("libnss_files.so.2", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
      return 0;
    }
    (void)dlclose(library);
    loaded = rb_crash_cpu();
    do {
      for (size_t i = 0; i < 1000; i++) {
        char *volatile p = malloc(1 << (i % 20));
        free(p);
      }
    } while (rb_crash_cpu() - loaded < loaded - begin); /* half of the time each */
    rounds++;
  } while (rb_crash_cpu() < end);
  return rounds;
}
