// clang-format off: it would put a space before the constraint's name
//go:build cgo && linux && (amd64 || arm64) && !rb_nobacktrace
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * walk.c: where a thread stands in C. Runs in signal handlers.
 */
#include "cgotrace.h"

#if RB_TRACE_SUPPORTED

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>
#include <unwind.h>

/* Frames of the handler and of this file that may come before the interrupted one: there are four,
 * and a sanitizer may add its own. */
enum { RB_HANDLER_FRAMES = 16 };

struct rb_walk {
  uintptr_t *buf;
  size_t max;
  size_t used;
  uintptr_t from; /* the first frame to store */
  int skipped;
  bool arrived; /* at from */
};

/* The unwinder gives program counters as numbers and takes them as pointers. */
static void *rb_code(uintptr_t pc) { return (void *)pc; /* NOLINT(performance-no-int-to-ptr) */ }

/* Stores one place. before: pc is an instruction that was interrupted, not one to return to.
 * Go's code has no unwinding data that libgcc knows: there the C stack ends. */
static bool rb_walk_store(struct rb_walk *w, uintptr_t pc, bool before) {
  uintptr_t inside = before ? pc : pc - 1;
  /* libgcc looks one byte back from what it is given. */
  if (w->used == w->max || _Unwind_FindEnclosingFunction(rb_code(inside + 1)) == NULL) {
    return false;
  }
  w->buf[w->used++] = inside;
  return true;
}

static _Unwind_Reason_Code rb_walk_step(struct _Unwind_Context *frame, void *arg) {
  struct rb_walk *w = arg;
  int before = 0;
  uintptr_t pc = (uintptr_t)_Unwind_GetIPInfo(frame, &before);

  w->arrived = w->arrived || pc == w->from;
  if (!w->arrived) {
    return ++w->skipped < RB_HANDLER_FRAMES ? _URC_NO_REASON : _URC_NORMAL_STOP;
  }
  return pc != 0 && rb_walk_store(w, pc, before != 0) ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

/* Where the signal found the thread. */
static uintptr_t rb_interrupted(const ucontext_t *u) {
#if defined(__x86_64__)
  return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
#else
  return (uintptr_t)u->uc_mcontext.pc;
#endif
}

/* Whether the signal says that something is broken. The kernel puts its siginfo_t behind or before
 * what of a ucontext_t is the kernel's own. */
static bool rb_is_crash(const ucontext_t *u) {
#if defined(__x86_64__)
  const char *info = (const char *)u + 304;
#else
  const char *info = (const char *)u - sizeof(siginfo_t);
#endif
  int signo = 0;
  memcpy(&signo, info + offsetof(siginfo_t, si_signo), sizeof signo);
  switch (signo) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
    case SIGABRT:
      return true;
    default:
      return false;
  }
}

static void rb_walk(void *arg) { (void)_Unwind_Backtrace(rb_walk_step, arg); }

void rb_trace_walk(void *arg) {
  const rb_trace_stack *s = arg;
  struct rb_walk w = {.buf = s->buf, .max = s->max};

  if (s->context == 0) {
    w.from = s->sigcontext != NULL ? rb_interrupted(s->sigcontext)
                                   : (uintptr_t)__builtin_return_address(0);
    if (s->sigcontext != NULL && rb_is_crash(s->sigcontext)) {
      rb_trace_guarded(rb_walk, &w);
    } else {
      rb_walk(&w);
    }
    if (!w.arrived && s->sigcontext != NULL) { /* lost on the way: one frame is better than none */
      (void)rb_walk_store(&w, w.from, true);
    }
  }
  if (w.used < w.max) {
    w.buf[w.used] = 0;
  }
}

int rb_trace_start(void) {
  uintptr_t buf[4] = {0};
  rb_trace_stack s = {.buf = buf, .max = sizeof buf / sizeof buf[0]};

  rb_trace_walk(&s);
  return buf[0] != 0;
}

#else

void rb_trace_walk(void *arg) {
  const rb_trace_stack *s = arg;
  if (s->max > 0) {
    s->buf[0] = 0;
  }
}

int rb_trace_start(void) { return 0; }

#endif
