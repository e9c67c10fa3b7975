/*
 * rows.h: the layout in which rows lie in a buffer, and the only place where C writes it.
 *
 *     | klen vlen key value | klen vlen key value | ...free... | offset 1 | offset 0 |
 *     buf                                                                     buf+cap
 *
 * Behind the value stands a uint64, its timestamp, in the rows of families that have them: who
 * reads them knows.
 *
 * vlen is the length of the whole value, also where only its beginning is in the row: who reads it
 * knows after how many bytes values are cut. Lengths and offsets are uint32 in the machine's byte
 * order. Rows grow upwards, the table of their offsets downwards, so that any row is found without
 * walking. Knows nothing of RocksDB.
 */
#ifndef RB_ROWS_H
#define RB_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { RB_ROW_HEADER = 8, RB_ROW_OFFSET = 4, RB_ROW_OVERHEAD = RB_ROW_HEADER + RB_ROW_OFFSET };

struct rb_rows {
  uint8_t *buf;
  size_t cap;
  size_t used;
  uint32_t count;
};

/* Bytes of an empty buffer that one row needs. klen and vlen are below 4 GiB each. */
static inline uint64_t rb_rows_need(uint64_t klen, uint64_t vlen) {
  return klen + vlen + RB_ROW_OVERHEAD;
}

/* Copies n bytes. Short ones, as most keys are, by two loads that may overlap: a call of memcpy
 * costs as much as the rest of a row. */
static inline void rb_copy(uint8_t *to, const uint8_t *from, size_t n) {
  if (n > 16) {
    memcpy(to, from, n);
  } else if (n >= 8) {
    uint64_t head, tail;
    memcpy(&head, from, 8);
    memcpy(&tail, from + n - 8, 8);
    memcpy(to, &head, 8);
    memcpy(to + n - 8, &tail, 8);
  } else if (n >= 4) {
    uint32_t head, tail;
    memcpy(&head, from, 4);
    memcpy(&tail, from + n - 4, 4);
    memcpy(to, &head, 4);
    memcpy(to + n - 4, &tail, 4);
  } else {
    for (size_t i = 0; i < n; i++) {
      to[i] = from[i];
    }
  }
}

/* Appends a row with the first vlen bytes of a value of whole bytes, and with a timestamp unless
 * that is NULL; false, and nothing written, if it does not fit or if its offset would not fit 32
 * bits. */
static inline bool rb_rows_append_stamped(struct rb_rows *r, const void *key, size_t klen,
                                          const void *value, size_t vlen, size_t whole,
                                          const uint64_t *stamp) {
  size_t table = ((size_t)r->count + 1) * RB_ROW_OFFSET;
  size_t taken = r->used + table;
  uint64_t row = (uint64_t)klen + vlen + RB_ROW_HEADER + (stamp != NULL ? sizeof *stamp : 0);
  if (taken > r->cap || row > r->cap - taken || r->used > UINT32_MAX) {
    return false;
  }
  uint32_t lengths[2] = {(uint32_t)klen, (uint32_t)whole};
  uint32_t offset = (uint32_t)r->used;
  uint8_t *p = r->buf + r->used;
  memcpy(p, lengths, sizeof lengths);
  rb_copy(p + RB_ROW_HEADER, key, klen);
  rb_copy(p + RB_ROW_HEADER + klen, value, vlen);
  if (stamp != NULL) {
    memcpy(p + RB_ROW_HEADER + klen + vlen, stamp, sizeof *stamp);
  }
  memcpy(r->buf + r->cap - table, &offset, sizeof offset);
  r->used += (size_t)row;
  r->count++;
  return true;
}

/* The same without a timestamp. */
static inline bool rb_rows_append_cut(struct rb_rows *r, const void *key, size_t klen,
                                      const void *value, size_t vlen, size_t whole) {
  return rb_rows_append_stamped(r, key, klen, value, vlen, whole, NULL);
}

/* The same with a whole value. */
static inline bool rb_rows_append(struct rb_rows *r, const void *key, size_t klen,
                                  const void *value, size_t vlen) {
  return rb_rows_append_cut(r, key, klen, value, vlen, vlen);
}

#endif
