// clang-format off: it would put a space before the constraint's name
//go:build cgo && linux && (amd64 || arm64) && !rb_nobacktrace
// clang-format on

/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * guard.c: a walk over a stack that may be what crashed. The unwinder trusts the stack; a fault in
 * it, in the handler of a fault, would end the process before Go has printed anything.
 */
#include "cgotrace.h"

#if RB_TRACE_SUPPORTED

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's number of the thread that runs guarded, 0 if none does. One at a time: the actions
 * of signals belong to the process. */
static atomic_long rb_guarded;
static sigjmp_buf rb_way_out;

static void rb_on_fault(int sig) {
  (void)sig;
  if (atomic_load(&rb_guarded) == syscall(SYS_gettid)) {
    siglongjmp(rb_way_out,
               1); /* NOLINT(bugprone-signal-handler,cert-sig30-c): out of our own code */
  }
  /* Another thread's own fault. It comes again once its own handler is back. */
  while (atomic_load(&rb_guarded) != 0) {
    (void)sched_yield(); /* NOLINT(bugprone-signal-handler,cert-sig30-c): a mere system call */
  }
}

static void rb_lock(void) {
  long nobody = 0;
  while (!atomic_compare_exchange_strong(&rb_guarded, &nobody, syscall(SYS_gettid))) {
    nobody = 0;
    (void)sched_yield();
  }
}

void rb_trace_guarded(void (*f)(void *), void *arg) {
  struct sigaction segv;
  struct sigaction bus;
  struct sigaction ours = {.sa_flags = SA_ONSTACK | SA_NODEFER};
  sigset_t faults;
  sigset_t before;

  ours.sa_handler = rb_on_fault;
  (void)sigemptyset(&faults);
  (void)sigaddset(&faults, SIGSEGV);
  (void)sigaddset(&faults, SIGBUS);
  rb_lock();
  (void)sigaction(SIGSEGV, &ours, &segv);
  (void)sigaction(SIGBUS, &ours, &bus);
  (void)pthread_sigmask(SIG_UNBLOCK, &faults, &before);
  if (sigsetjmp(rb_way_out, 0) == 0) {
    f(arg);
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  (void)sigaction(SIGBUS, &bus, NULL);
  (void)sigaction(SIGSEGV, &segv, NULL);
  atomic_store(&rb_guarded, 0);
}

#else

void rb_trace_guarded(void (*f)(void *), void *arg) { f(arg); }

#endif
