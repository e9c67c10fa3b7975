/*
 * Copyright 2026 The rockbridge authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * C that goes wrong on purpose, for the tests of package cgotrace.
 */
#ifndef RB_CRASH_H
#define RB_CRASH_H

#include <stdint.h>

/*
 * Writes through a null pointer, in a function that rb_crash_fault calls through another one: the
 * calling thread gets SIGSEGV.
 */
void rb_crash_fault(void);

/* The same, after having overwritten its own stack and that of its callers. */
void rb_crash_smash(void);

/* The same as rb_crash_fault on a thread of its own, which Go did not start; waits for it, in vain.
 */
void rb_crash_thread(void);

/*
 * Loads and unloads a library, allocates and frees for as long as that took, and does it again for
 * the given milliseconds of the calling thread's CPU time: all that holds locks which a signal
 * handler must not wait for.
 * Returns the number of rounds; 0 if the library cannot be loaded.
 */
uint64_t rb_crash_churn(uint32_t milliseconds);

#endif /* RB_CRASH_H */
