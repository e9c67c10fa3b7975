/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The C half of package cgotrace: the functions that Go's runtime calls to learn where a thread
 * stands in C (walk.c) and what the places there are called (names.c). Their arguments are laid out
 * as "go doc runtime.SetCgoTraceback" says, version 0.
 */
#ifndef RB_CGOTRACE_H
#define RB_CGOTRACE_H

#include <stdint.h>

/*
 * RB_TRACE_SUPPORTED: this compiler brings libbacktrace, and its unwinder finds a function's
 * unwinding data without a lock: libgcc from 12 on, by glibc's _dl_find_object (2.35). An older one
 * takes the dynamic loader's lock, which must not be waited for in a signal handler.
 */
#ifndef RB_TRACE_SUPPORTED
#if defined(__has_include) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __has_include(<backtrace.h>) && __GLIBC_PREREQ(2, 35) && __GNUC__ >= 12
#define RB_TRACE_SUPPORTED 1
#endif
#endif
#endif
#ifndef RB_TRACE_SUPPORTED
#define RB_TRACE_SUPPORTED 0
#endif

/* What the runtime hands to rb_trace_walk. */
typedef struct rb_trace_stack {
  uintptr_t context;      /* what a context function gave; there is none, so 0 */
  const void *sigcontext; /* the ucontext_t of the signal's handler, NULL outside a handler */
  uintptr_t *buf; /* out: program counters, innermost first, 0 after the last if room is left */
  uintptr_t max;  /* places in buf */
} rb_trace_stack;

/* What the runtime hands to rb_trace_name, and gets back. */
typedef struct rb_trace_symbol {
  uintptr_t pc;         /* in: the place; 0: no more questions, free what data holds */
  const char *file;     /* out: NULL if unknown */
  uintptr_t line;       /* out: 0 if unknown */
  const char *function; /* out: as the linker knows it, C++ names mangled; NULL if unknown */
  uintptr_t entry;      /* out: where the function begins, 0 if unknown */
  uintptr_t more;       /* out: another call gives the function into which this one was inlined */
  void *data;           /* ours, from one call to the next */
} rb_trace_symbol;

/*
 * Prepares the other two functions and makes a first walk, so that what the dynamic linker and the
 * unwinder do once is done before a signal comes. Opens and reads no file. Returns 1, or 0 if this
 * build can trace nothing; then the other two do nothing. To be called once, before they are given
 * to the runtime.
 */
int rb_trace_start(void);

/*
 * Stores where the calling thread stands in C, from its caller outwards or, in a signal's handler,
 * from the instruction that the signal interrupted, until the Go code that called C. arg is an
 * rb_trace_stack, borrowed. Takes no lock, allocates nothing, looks at a bounded number of frames:
 * may be called in a signal handler. In that of a crash it walks guarded, since the stack may be
 * broken, and stores what it got to. From any thread at any time.
 */
void rb_trace_walk(void *arg);

/*
 * Calls f(arg). A SIGSEGV or SIGBUS that f itself gets ends it, and this function returns all the
 * same. For the handler of a signal that says that something is broken: meanwhile such signals of
 * other threads wait, and so does another call of this function.
 */
void rb_trace_guarded(void (*f)(void *), void *arg);

/*
 * Says what the place arg->pc is called. arg is an rb_trace_symbol, borrowed, zero but for pc at
 * first; strings in it live until the next call with it. The first call in a process reads the
 * symbols of the program and its libraries, which takes a moment; memory comes from mmap, never
 * from malloc, which may be what crashed. From any thread at any time, but not in the handler of a
 * signal that interrupted this very function.
 */
void rb_trace_name(void *arg);

#endif /* RB_CGOTRACE_H */
