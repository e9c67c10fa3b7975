/* predicate.h: conditions on rows, as tests with jumps. For the glue's own files only. */
#ifndef RB_PREDICATE_H
#define RB_PREDICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rb.h"

/* One test of a program. */
struct rb_test {
  uint8_t op;     /* RB_TEST_ */
  uint8_t part;   /* RB_PART_ */
  uint8_t accept; /* RB_ACCEPT_ bits of a comparison */
  uint32_t yes;   /* where to go on: a later test, count to keep the row, count + 1 to drop it */
  uint32_t no;
  uint64_t a;
  uint64_t b;
  const uint8_t *data; /* len bytes in the predicate's own memory */
  size_t len;
};

/* A program that was checked. */
struct rb_predicate {
  uint8_t *bytes; /* a copy of the program, which the tests point into */
  bool values;    /* a test looks at the value */
  uint32_t count;
  struct rb_test tests[];
};

/* Checks a program, whose form is told at rb_iter_set_predicate, and makes a predicate of it. *out
 * is NULL on error. */
rb_status rb_predicate_new(const uint8_t *program, size_t len, struct rb_predicate **out);

/* Frees it. NULL is allowed. */
void rb_predicate_free(struct rb_predicate *p);

/* Whether a row is kept. value is looked at only if p->values is set. Every jump goes forwards, so
 * it takes at most p->count tests. */
bool rb_predicate_keeps(const struct rb_predicate *p, const uint8_t *key, size_t klen,
                        const uint8_t *value, size_t vlen);

#endif
