// clang-format off: it would put a space before the constraint's name
//go:build cgo && linux && (amd64 || arm64) && !rb_nobacktrace
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * names.c: what a place in C is called, by the compiler's libbacktrace.
 */
#include "cgotrace.h"

#include <stddef.h>

#if RB_TRACE_SUPPORTED

#include <backtrace.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

/* Functions inlined into each other at one place, and bytes of a name: more are cut. */
enum { RB_INLINED = 16, RB_FUNCTION = 2048, RB_FILE = 1024 };

struct rb_name {
  char function[RB_FUNCTION]; /* empty: unknown */
  char file[RB_FILE];
  int line;
};

/* The answer to one place, which rb_trace_symbol.data keeps between calls. */
struct rb_names {
  size_t count;
  size_t next;
  uintptr_t entry;
  struct rb_name name[RB_INLINED];
};

/* The symbols of the program: libbacktrace wants one state for the whole process, for ever. */
static struct backtrace_state *_Atomic rb_symbols;

/* What libbacktrace cannot find is answered as unknown: nobody could act on the error. */
static void rb_no_symbols(void *data, const char *msg, int errnum) {
  (void)data;
  (void)msg;
  (void)errnum;
}

static struct backtrace_state *rb_symbols_get(void) {
  struct backtrace_state *s = atomic_load(&rb_symbols);
  if (s == NULL) {
    struct backtrace_state *made = backtrace_create_state(NULL, 1, rb_no_symbols, NULL);
    if (made == NULL || atomic_compare_exchange_strong(&rb_symbols, &s, made)) {
      return made;
    }
    /* Another thread was first, and s is its state; libbacktrace cannot free ours, 100 bytes. */
  }
  return s;
}

/* Copies a name that libbacktrace lends for the call only. */
static void rb_copy(char *dst, size_t cap, const char *src) {
  size_t n = src == NULL ? 0 : strnlen(src, cap - 1);
  if (n > 0) {
    memcpy(dst, src, n);
  }
  dst[n] = '\0';
}

static int rb_add_line(void *data, uintptr_t pc, const char *file, int line, const char *function) {
  struct rb_names *n = data;
  (void)pc;

  if (file == NULL && function == NULL) {
    return 0;
  }
  struct rb_name *name = &n->name[n->count++];
  rb_copy(name->function, sizeof name->function, function);
  rb_copy(name->file, sizeof name->file, file);
  name->line = line;
  return n->count == RB_INLINED;
}

/* The symbol table knows where the function begins, and its name where there are no lines. */
static void rb_add_symbol(void *data, uintptr_t pc, const char *symbol, uintptr_t value,
                          uintptr_t size) {
  struct rb_names *n = data;
  (void)pc;
  (void)size;

  if (symbol == NULL) {
    return;
  }
  if (n->count == 0) {
    n->name[n->count++].file[0] = '\0';
    n->name[0].function[0] = '\0';
    n->name[0].line = 0;
  }
  struct rb_name *outermost = &n->name[n->count - 1];
  if (outermost->function[0] == '\0') {
    rb_copy(outermost->function, sizeof outermost->function, symbol);
  }
  n->entry = value;
}

static void rb_look_up(struct rb_names *n, uintptr_t pc) {
  struct backtrace_state *symbols = rb_symbols_get();

  n->count = 0;
  n->next = 0;
  n->entry = 0;
  if (symbols != NULL) {
    (void)backtrace_pcinfo(symbols, pc, rb_add_line, rb_no_symbols, n);
    (void)backtrace_syminfo(symbols, pc, rb_add_symbol, rb_no_symbols, n);
  }
}

static struct rb_names *rb_names_of(rb_trace_symbol *s) {
  if (s->data == NULL) {
    void *p = mmap(NULL, sizeof(struct rb_names), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    s->data = p == MAP_FAILED ? NULL : p;
  }
  return s->data;
}

static void rb_names_free(rb_trace_symbol *s) {
  if (s->data != NULL) {
    (void)munmap(s->data, sizeof(struct rb_names));
    s->data = NULL;
  }
}

void rb_trace_name(void *arg) {
  rb_trace_symbol *s = arg;
  struct rb_names *n = s->pc == 0 ? NULL : rb_names_of(s);
  uintptr_t more = s->more;

  s->file = NULL;
  s->function = NULL;
  s->line = 0;
  s->entry = 0;
  s->more = 0;
  if (n != NULL && more == 0) {
    rb_look_up(n, s->pc);
  }
  if (n == NULL || n->next >= n->count) {
    rb_names_free(s); /* the runtime says no goodbye to a place that has no name */
    return;
  }
  const struct rb_name *name = &n->name[n->next++];
  s->function = name->function[0] != '\0' ? name->function : NULL;
  s->file = name->file[0] != '\0' ? name->file : NULL;
  s->line = (uintptr_t)name->line;
  s->entry = n->entry;
  s->more = n->next < n->count;
}

#else

void rb_trace_name(void *arg) {
  rb_trace_symbol *s = arg;
  s->file = NULL;
  s->function = NULL;
  s->line = 0;
  s->more = 0;
}

#endif
