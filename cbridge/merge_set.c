/* merge_set.c: unions of sets: entries in bytewise order, none twice. */
#include <stdlib.h>

#include "merge.h"

/* An entry of an operand. age counts them in order of time. */
struct rb_member {
  struct rb_bytes entry;
  size_t age;
  bool kept;
};

/* Members in an array for free. */
struct rb_members {
  struct rb_member *all;
  size_t count;
};

/* Counts the entries of a set; false if they are malformed, out of order or there twice. */
static bool rb_set_count(struct rb_bytes set, size_t *count) {
  struct rb_bytes entry, last = {NULL, 0};
  *count = 0;
  while (rb_entry_next(&set, &entry)) {
    if (*count > 0 && rb_bytes_compare(last, entry) >= 0) {
      return false;
    }
    last = entry;
    ++*count;
  }
  return set.len == 0;
}

static int rb_by_entry(const void *a, const void *b) {
  const struct rb_member *x = a, *y = b;
  int c = rb_bytes_compare(x->entry, y->entry);
  return c != 0 ? c : (x->age > y->age) - (x->age < y->age);
}

static int rb_by_age(const void *a, const void *b) {
  const struct rb_member *x = a, *y = b;
  return (x->age > y->age) - (x->age < y->age);
}

/* Gathers the entries of the well-formed operands, which are count. */
static struct rb_members rb_set_gather(const struct rb_operands *ops, size_t count) {
  struct rb_members m = {malloc((count > 0 ? count : 1) * sizeof *m.all), 0};
  if (m.all == NULL) {
    return m;
  }
  for (size_t i = 0; i < ops->count; i++) {
    size_t n;
    struct rb_bytes rest = rb_operand(ops, i), entry;
    if (!rb_set_count(rest, &n)) {
      continue;
    }
    while (rb_entry_next(&rest, &entry)) {
      struct rb_member x = {entry, m.count, true};
      m.all[m.count++] = x;
    }
  }
  return m;
}

/* Sorts members and lets go those that are there twice or in base; gives the size of what is left.
 */
static uint64_t rb_set_dedupe(struct rb_bytes base, struct rb_members *m) {
  uint64_t size = 0;
  size_t out = 0;
  struct rb_bytes old;
  bool more = rb_entry_next(&base, &old);
  qsort(m->all, m->count, sizeof *m->all, rb_by_entry);
  for (size_t i = 0; i < m->count; i++) {
    struct rb_bytes e = m->all[i].entry;
    while (more && rb_bytes_compare(old, e) < 0) {
      more = rb_entry_next(&base, &old);
    }
    bool known = (more && rb_bytes_compare(old, e) == 0) ||
                 (out > 0 && rb_bytes_compare(m->all[out - 1].entry, e) == 0);
    if (!known) {
      m->all[out++] = m->all[i];
      size += RB_ENTRY_HEADER + e.len;
    }
  }
  m->count = out;
  return size;
}

/* Keeps, of members beyond room bytes, those that fit, the oldest first. Gives their size. */
static uint64_t rb_set_fit(struct rb_members *m, uint64_t room) {
  uint64_t size = 0;
  qsort(m->all, m->count, sizeof *m->all, rb_by_age);
  for (size_t i = 0; i < m->count; i++) {
    uint64_t n = RB_ENTRY_HEADER + m->all[i].entry.len;
    m->all[i].kept = n <= room - size;
    size += m->all[i].kept ? n : 0;
  }
  qsort(m->all, m->count, sizeof *m->all, rb_by_entry);
  return size;
}

/* Appends an entry with the header that stands before it. */
static void rb_set_add(struct rb_merged *r, struct rb_bytes entry) {
  memcpy(r->data + r->len, entry.data - RB_ENTRY_HEADER, RB_ENTRY_HEADER + entry.len);
  r->len += RB_ENTRY_HEADER + entry.len;
}

/* Merges base and the members that are kept, which have no entry in common. */
static void rb_set_join(struct rb_merged *r, struct rb_bytes base, const struct rb_members *m) {
  struct rb_bytes old;
  bool more = rb_entry_next(&base, &old);
  for (size_t i = 0; i < m->count; i++) {
    if (!m->all[i].kept) {
      continue;
    }
    for (; more && rb_bytes_compare(old, m->all[i].entry) < 0; more = rb_entry_next(&base, &old)) {
      rb_set_add(r, old);
    }
    rb_set_add(r, m->all[i].entry);
  }
  for (; more; more = rb_entry_next(&base, &old)) {
    rb_set_add(r, old);
  }
}

static struct rb_merged rb_set_union(const struct rb_merge *m, struct rb_bytes base,
                                     struct rb_members *new, bool strict) {
  uint64_t size = rb_set_dedupe(base, new);
  if (base.len + size > m->max_len) {
    if (strict) {
      return rb_not_merged();
    }
    size = rb_set_fit(new, m->max_len > base.len ? m->max_len - base.len : 0);
  }
  size_t total = base.len + (size_t)size;
  struct rb_merged r = {malloc(total > 0 ? total : 1), 0};
  if (r.data != NULL) {
    rb_set_join(&r, base, new);
  }
  return r;
}

struct rb_merged rb_merge_set(const struct rb_merge *m, struct rb_bytes base,
                              const struct rb_operands *ops, bool strict) {
  size_t n, count = 0;
  if (!rb_set_count(base, &n)) {
    return strict ? rb_not_merged() : rb_merged_copy(base);
  }
  for (size_t i = 0; i < ops->count; i++) {
    if (rb_set_count(rb_operand(ops, i), &n)) {
      count += n;
    } else if (strict) {
      return rb_not_merged();
    }
  }
  struct rb_members new = rb_set_gather(ops, count);
  if (new.all == NULL) {
    return rb_not_merged();
  }
  struct rb_merged r = rb_set_union(m, base, &new, strict);
  free(new.all);
  return r;
}
