/*
 * merge.h: what the merge operators share. For the glue's own files only.
 *
 * RocksDB merges on its own threads and within reads, and groups operands as it likes. So every
 * operator is a fold over values in order of time: a step takes a value and an operand to a value.
 * Without an older value the first operand is the value. Combining operands among themselves is the
 * same fold, allowed only where no step leaves anything out ("strict").
 */
#ifndef RB_MERGE_H
#define RB_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rb.h"

/* Bytes that somebody else owns. */
struct rb_bytes {
  const uint8_t *data;
  size_t len;
};

/* A merge operator with its parameters; it owns name and delimiter. Never changed once made. */
struct rb_merge {
  uint32_t kind; /* RB_MERGE_ */
  char *name;
  uint8_t *delimiter;
  size_t delimiter_len;
  uint64_t max_entries;
  uint64_t max_len; /* RB_MAX_VALUE, but in tests */
};

/* The operands after the value that a fold begins with, oldest first. */
struct rb_operands {
  const char *const *data;
  const size_t *len;
  size_t count;
};

/* What a fold gives: bytes for free, or data NULL if memory is short or a strict fold would leave
 * something out. */
struct rb_merged {
  uint8_t *data;
  size_t len;
};

/* One operand. */
static inline struct rb_bytes rb_operand(const struct rb_operands *ops, size_t i) {
  struct rb_bytes b = {(const uint8_t *)ops->data[i], ops->len[i]};
  return b;
}

/* What is handed out when there is no result: RocksDB copies it, of length 0, before it looks. */
extern char rb_nothing[1];

/* Frees a result that RocksDB has copied. */
void rb_merge_delete(void *state, const char *value, size_t len);

/* Nothing merged. */
static inline struct rb_merged rb_not_merged(void) {
  struct rb_merged r = {NULL, 0};
  return r;
}

/* A copy of b, as a merged value. */
struct rb_merged rb_merged_copy(struct rb_bytes b);

/* The sum, maximum or minimum of integers: a fold, as those that follow. It tells what base becomes
 * by the operands, never fails but for lack of memory or if strict, and is safe from several
 * threads. */
struct rb_merged rb_merge_int64(const struct rb_merge *m, struct rb_bytes base,
                                const struct rb_operands *ops, bool strict);

/* The fold that appends with a delimiter. */
struct rb_merged rb_merge_append(const struct rb_merge *m, struct rb_bytes base,
                                 const struct rb_operands *ops, bool strict);

/* The fold that appends lists and keeps the newest entries. */
struct rb_merged rb_merge_list(const struct rb_merge *m, struct rb_bytes base,
                               const struct rb_operands *ops, bool strict);

/* The fold that unites sets. */
struct rb_merged rb_merge_set(const struct rb_merge *m, struct rb_bytes base,
                              const struct rb_operands *ops, bool strict);

/* Bytes before each entry of a list or set: its length, uint32, little endian. */
enum { RB_ENTRY_HEADER = 4 };

/* Takes the next entry off the front of rest; false at the end, and where rest is malformed. */
static inline bool rb_entry_next(struct rb_bytes *rest, struct rb_bytes *entry) {
  if (rest->len < RB_ENTRY_HEADER) {
    return false;
  }
  const uint8_t *p = rest->data;
  uint32_t len = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
  if (len > rest->len - RB_ENTRY_HEADER) {
    return false;
  }
  entry->data = p + RB_ENTRY_HEADER;
  entry->len = len;
  rest->data = p + RB_ENTRY_HEADER + len;
  rest->len -= RB_ENTRY_HEADER + (size_t)len;
  return true;
}

/* The order of entries in a set: bytewise, a prefix before what it begins. */
static inline int rb_bytes_compare(struct rb_bytes a, struct rb_bytes b) {
  size_t n = a.len < b.len ? a.len : b.len;
  int c = n == 0 ? 0 : memcmp(a.data, b.data, n);
  return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

#endif
