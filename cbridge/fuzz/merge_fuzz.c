/* merge_fuzz.c: merge operators on values and operands of any bytes. Operands that can be combined
 * give the same value combined as one by one, and what a fold gives is never longer than a value
 * may be, unless it was before. */
#include "fuzz.h"

#include "merge.h"

enum { MOST_OPERANDS = 8 };

typedef struct rb_merged fold(const struct rb_merge *m, struct rb_bytes base,
                              const struct rb_operands *ops, bool strict);

static const struct {
  uint32_t kind;
  fold *merge;
} folds[] = {
    {RB_MERGE_INT64_ADD, rb_merge_int64}, {RB_MERGE_INT64_MAX, rb_merge_int64},
    {RB_MERGE_INT64_MIN, rb_merge_int64}, {RB_MERGE_APPEND, rb_merge_append},
    {RB_MERGE_LIST, rb_merge_list},       {RB_MERGE_SET, rb_merge_set},
};

/* Combines operands [1, count) with the first, and merges what comes of it onto base. */
static void must_group(fold *merge, const struct rb_merge *m, struct rb_bytes base,
                       const struct rb_operands *ops, struct rb_merged whole) {
  struct rb_operands rest = {ops->data + 1, ops->len + 1, ops->count - 1};
  struct rb_merged combined = merge(m, rb_operand(ops, 0), &rest, true);
  if (combined.data == NULL) {
    return;
  }
  const char *one = (const char *)combined.data;
  struct rb_operands alone = {&one, &combined.len, 1};
  struct rb_merged again = merge(m, base, &alone, false);
  MUST(again.data != NULL && again.len == whole.len);
  MUST(whole.len == 0 || memcmp(again.data, whole.data, whole.len) == 0);
  free(again.data);
  free(combined.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {data, size};
  size_t which = next_byte(&in) % (sizeof folds / sizeof folds[0]);
  uint8_t delimiter[] = {','};
  struct rb_merge m = {.kind = folds[which].kind,
                       .delimiter = delimiter,
                       .delimiter_len = next_byte(&in) & 1,
                       .max_entries = 1 + (uint64_t)next_byte(&in) % 8,
                       .max_len = next_byte(&in) & 1 ? 40 : RB_MAX_VALUE};
  uint8_t *parts[MOST_OPERANDS + 1];
  size_t lens[MOST_OPERANDS + 1], n = 0;
  do {
    parts[n] = next_part(&in, &lens[n]);
    n++;
  } while (n <= MOST_OPERANDS && in.left > 0);
  struct rb_bytes base = {parts[0], lens[0]};
  const struct rb_operands ops = {(const char *const *)(parts + 1), lens + 1, n - 1};
  struct rb_merged r = folds[which].merge(&m, base, &ops, false);
  MUST(r.data != NULL);
  MUST(r.len <= m.max_len || r.len <= base.len);
  /* Which members of a set fit at its limit depends on the grouping: docs/operators.md. */
  if (ops.count > 0 && (m.kind != RB_MERGE_SET || m.max_len == RB_MAX_VALUE)) {
    must_group(folds[which].merge, &m, base, &ops, r);
  }
  free(r.data);
  for (size_t i = 0; i < n; i++) {
    free(parts[i]);
  }
  return 0;
}
