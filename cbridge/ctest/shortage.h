/*
 * shortage.h: what the tests of short memory and of refusals share: allocations that fail, each in
 * turn. Who includes it names malloc, calloc, realloc and strdup among its wraps.
 */
#ifndef RB_CTEST_SHORTAGE_H
#define RB_CTEST_SHORTAGE_H

#include "fixture.h"

#include "rocksdb/c.h"

/* The allocation that fails, counted from 1; 0: none. Only calls of the glue and of this file pass
 * here, those inside RocksDB do not. */
static unsigned countdown;

static bool fails(void) { return countdown > 0 && --countdown == 0; }

#define WRAP(result, name, parameters, arguments)                                                  \
  result __real_##name parameters;                                                                 \
  result __wrap_##name parameters;                                                                 \
  result __wrap_##name parameters { return fails() ? NULL : __real_##name arguments; }

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(char *, strdup, (const char *s), (s))

/* What calls that take an errptr answer instead of being made; NULL: nothing special. */
static const char *refusal;

static inline bool refused(char **err) {
  if (refusal == NULL) {
    return false;
  }
  *err = __real_strdup(refusal);
  refusal = NULL;
  return true;
}

#define WRAP_ERR(result, name, parameters, arguments, err)                                         \
  result __real_##name parameters;                                                                 \
  result __wrap_##name parameters;                                                                 \
  result __wrap_##name parameters { return refused(err) ? NULL : __real_##name arguments; }

/* Something that needs memory, tried once: its outcome. It leaves nothing behind. */
typedef rb_status (*attempt)(struct fixture *f);

/* Makes each allocation of an attempt fail in turn, until one goes through. Every failure must be
 * told as RB_NO_MEMORY. At least so many places must have failed, or the test tests nothing. */
static void fail_everywhere(struct fixture *f, attempt try, unsigned at_least) {
  for (unsigned n = 1;; n++) {
    countdown = n;
    rb_status s = try(f);
    bool through = countdown > 0;
    countdown = 0;
    if (through) {
      fx_ok(s);
      assert_true(n > at_least);
      return;
    }
    fx_error(s, RB_NO_MEMORY, NULL);
  }
}

#endif
