/* merge_append.c: bytes appended to bytes, with a delimiter between them. */
#include <stdlib.h>

#include "merge.h"

/* A buffer of fixed size that takes no more than fits. */
struct rb_fill_buffer {
  uint8_t *data;
  size_t cap;
  size_t used;
};

static void rb_take(struct rb_fill_buffer *b, struct rb_bytes from) {
  size_t n = from.len < b->cap - b->used ? from.len : b->cap - b->used;
  if (n > 0) {
    memcpy(b->data + b->used, from.data, n);
    b->used += n;
  }
}

struct rb_merged rb_merge_append(const struct rb_merge *m, struct rb_bytes base,
                                 const struct rb_operands *ops, bool strict) {
  uint64_t total = base.len;
  for (size_t i = 0; i < ops->count; i++) {
    total += m->delimiter_len + ops->len[i];
  }
  if (total > m->max_len) {
    if (strict) {
      return rb_not_merged();
    }
    total = base.len > m->max_len ? base.len : m->max_len;
  }
  struct rb_fill_buffer b = {malloc(total > 0 ? (size_t)total : 1), (size_t)total, 0};
  if (b.data == NULL) {
    return rb_not_merged();
  }
  struct rb_bytes delimiter = {m->delimiter, m->delimiter_len};
  rb_take(&b, base);
  for (size_t i = 0; i < ops->count; i++) {
    rb_take(&b, delimiter);
    rb_take(&b, rb_operand(ops, i));
  }
  struct rb_merged r = {b.data, b.used};
  return r;
}
