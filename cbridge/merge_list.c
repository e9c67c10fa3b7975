/* merge_list.c: lists that keep their newest entries. */
#include <stdlib.h>

#include "merge.h"

/* Counts the entries of a list; false if it is malformed. */
static bool rb_list_count(struct rb_bytes list, uint64_t *count) {
  struct rb_bytes entry;
  *count = 0;
  while (rb_entry_next(&list, &entry)) {
    ++*count;
  }
  return list.len == 0;
}

/* How a list is cut: the oldest entries go until both limits hold. */
struct rb_cut {
  uint64_t entries; /* still there */
  uint64_t bytes;
  uint64_t max_entries;
  uint64_t max_bytes;
};

/* What is left of one part after its oldest entries went, as far as the limits ask for it. */
static struct rb_bytes rb_list_cut(struct rb_bytes part, struct rb_cut *cut) {
  struct rb_bytes rest = part, entry;
  while ((cut->entries > cut->max_entries || cut->bytes > cut->max_bytes) &&
         rb_entry_next(&rest, &entry)) {
    cut->entries--;
    cut->bytes -= RB_ENTRY_HEADER + entry.len;
  }
  return rest;
}

/* Adds the well-formed operands to the sums; false if one is not. */
static bool rb_list_sum(const struct rb_operands *ops, struct rb_cut *cut) {
  bool all = true;
  for (size_t i = 0; i < ops->count; i++) {
    uint64_t n;
    if (rb_list_count(rb_operand(ops, i), &n)) {
      cut->entries += n;
      cut->bytes += ops->len[i];
    } else {
      all = false;
    }
  }
  return all;
}

static void rb_list_add(struct rb_merged *r, struct rb_bytes part) {
  if (part.len > 0) {
    memcpy(r->data + r->len, part.data, part.len);
    r->len += part.len;
  }
}

struct rb_merged rb_merge_list(const struct rb_merge *m, struct rb_bytes base,
                               const struct rb_operands *ops, bool strict) {
  uint64_t n;
  if (!rb_list_count(base, &n)) {
    return strict ? rb_not_merged() : rb_merged_copy(base);
  }
  struct rb_cut cut = {n, base.len, m->max_entries, m->max_len};
  bool all = rb_list_sum(ops, &cut);
  /* Beyond max_len an older entry could fit where one of these does not: only the whole knows. */
  if (strict && (!all || cut.bytes > cut.max_bytes)) {
    return rb_not_merged();
  }
  struct rb_merged r = {malloc(cut.bytes > 0 ? (size_t)cut.bytes : 1), 0};
  if (r.data == NULL) {
    return r;
  }
  rb_list_add(&r, rb_list_cut(base, &cut));
  for (size_t i = 0; i < ops->count; i++) {
    struct rb_bytes part = rb_operand(ops, i);
    if (rb_list_count(part, &n)) {
      rb_list_add(&r, rb_list_cut(part, &cut));
    }
  }
  return r;
}
