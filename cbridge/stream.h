/*
 * stream.h: the format of exported rows, as export.c writes it and import.c reads it; in words in
 * docs/export.md. Knows nothing of RocksDB.
 *
 * An export is a series of zstd frames. What each of them decompresses to is one section, begins
 * with a byte that names it, and ends with the CRC-32, little endian, of everything before it in
 * all sections, the checksums left out.
 *
 *     head     'R' "BEXPORT" version, what Go wrote, checksum
 *     other    'S', 8 bytes that Go wrote, checksum: the rows after it are of another state
 *     block    'B' rows, 0, number of rows, checksum
 *     trailer  'E' rows, bytes of keys and values, first key, last key, checksum
 *
 * A row is the length of its key plus one, the length of its value, key and value. Lengths and
 * numbers are base-128 varints, the lowest seven bits first; the keys of the trailer have their
 * length before them. Keys ascend over the whole file.
 */
#ifndef RB_STREAM_H
#define RB_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rb.h"

#define RB_STREAM_MAGIC "RBEXPORT"

enum {
  RB_STREAM_VERSION = 1,
  RB_STREAM_HEAD = 'R',
  RB_STREAM_OTHER = 'S',
  RB_STREAM_ROWS = 'B',
  RB_STREAM_END = 'E',
  RB_STREAM_MAGIC_LEN = 8,
  RB_STREAM_SUM_LEN = 4,
  RB_STREAM_OTHER_LEN = 1 + 8 + RB_STREAM_SUM_LEN,
  RB_STREAM_BLOCK = 1 << 20, /* a row begins in a block only before this */
  RB_STREAM_WINDOW_LOG = 21, /* what a frame looks back at most: 2 MiB */
  RB_VARINT_MOST = 10,       /* bytes */
  RB_ROW_HEAD_MOST = 2 * RB_VARINT_MOST,
};

/* The tables of a CRC-32 (that of zlib), sixteen bytes a step. */
struct rb_crc {
  uint32_t table[16][256];
};

/* Fills the tables. */
void rb_crc_init(struct rb_crc *c);

/* The checksum of n more bytes behind those that sum is of; 0 is that of none. */
uint32_t rb_crc_add(const struct rb_crc *c, uint32_t sum, const uint8_t *p, size_t n);

/* Writes v to p, which has room for RB_VARINT_MOST bytes, and answers how many it took. */
size_t rb_varint_put(uint8_t *p, uint64_t v);

/* What rb_varint_get answers to bytes that are no number, or longer than it need be. */
#define RB_VARINT_BAD SIZE_MAX

/* Reads a number from the first of n bytes and answers how many it took: 0 if there are too few
 * yet, or RB_VARINT_BAD. */
size_t rb_varint_get(const uint8_t *p, size_t n, uint64_t *v);

/* A key in memory of its own. set: there is one, if only the empty one. */
struct rb_held {
  uint8_t *data;
  size_t len;
  size_t cap;
  bool set;
};

/* Copies a key; false when memory is short, and h is as it was. */
bool rb_held_set(struct rb_held *h, const uint8_t *data, size_t len);

/* Writes v as four bytes, little endian. */
static inline void rb_sum_put(uint8_t *p, uint32_t v) {
  for (int i = 0; i < RB_STREAM_SUM_LEN; i++) {
    p[i] = (uint8_t)(v >> (8 * i));
  }
}

/* Reads four bytes, little endian. */
static inline uint32_t rb_sum_get(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

#endif
