/* merge_int64.c: sum, maximum and minimum of signed 64-bit integers, little endian. */
#include <stdlib.h>

#include "merge.h"

enum { RB_INT64_LEN = 8 };

static uint64_t rb_int64_load(const uint8_t *p) {
  uint64_t n = 0;
  for (int i = RB_INT64_LEN - 1; i >= 0; i--) {
    n = n << 8 | p[i];
  }
  return n;
}

static void rb_int64_store(uint8_t *p, uint64_t n) {
  for (int i = 0; i < RB_INT64_LEN; i++) {
    p[i] = (uint8_t)(n >> (8 * i));
  }
}

/* One step, on the two's complement. The sum wraps around: it is the only one that comes out the
 * same whichever operands are added first. */
static uint64_t rb_int64_step(uint32_t kind, uint64_t a, uint64_t b) {
  const uint64_t sign = (uint64_t)1 << 63; /* turns the order of signed into that of unsigned */
  switch (kind) {
    case RB_MERGE_INT64_MAX:
      return (a ^ sign) > (b ^ sign) ? a : b;
    case RB_MERGE_INT64_MIN:
      return (a ^ sign) < (b ^ sign) ? a : b;
    default:
      return a + b;
  }
}

struct rb_merged rb_merge_int64(const struct rb_merge *m, struct rb_bytes base,
                                const struct rb_operands *ops, bool strict) {
  if (base.len != RB_INT64_LEN) {
    return strict ? rb_not_merged() : rb_merged_copy(base);
  }
  uint64_t n = rb_int64_load(base.data);
  for (size_t i = 0; i < ops->count; i++) {
    struct rb_bytes b = rb_operand(ops, i);
    if (b.len == RB_INT64_LEN) {
      n = rb_int64_step(m->kind, n, rb_int64_load(b.data));
    } else if (strict) {
      return rb_not_merged();
    }
  }
  struct rb_merged r = rb_merged_copy(base);
  if (r.data != NULL) {
    rb_int64_store(r.data, n);
  }
  return r;
}
