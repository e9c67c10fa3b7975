/* stream.c: the small parts of the format of exported rows: checksums, numbers, keys that are kept.
 */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

void rb_crc_init(struct rb_crc *c) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t x = i;
    for (int bit = 0; bit < 8; bit++) {
      x = (x >> 1) ^ ((x & 1) != 0 ? 0xEDB88320U : 0U);
    }
    c->table[0][i] = x;
  }
  for (int t = 1; t < 16; t++) {
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t x = c->table[t - 1][i];
      c->table[t][i] = (x >> 8) ^ c->table[0][x & 0xFF];
    }
  }
}

/* What four bytes, the first of a step's sixteen being number 0, add to the checksum. */
static inline uint32_t rb_crc_four(const struct rb_crc *c, int first, uint32_t x) {
  return c->table[15 - first][x & 0xFF] ^ c->table[14 - first][(x >> 8) & 0xFF] ^
         c->table[13 - first][(x >> 16) & 0xFF] ^ c->table[12 - first][x >> 24];
}

uint32_t rb_crc_add(const struct rb_crc *c, uint32_t sum, const uint8_t *p, size_t n) {
  sum = ~sum;
  for (; n >= 16; p += 16, n -= 16) {
    sum = rb_crc_four(c, 0, sum ^ rb_sum_get(p)) ^ rb_crc_four(c, 4, rb_sum_get(p + 4)) ^
          rb_crc_four(c, 8, rb_sum_get(p + 8)) ^ rb_crc_four(c, 12, rb_sum_get(p + 12));
  }
  for (; n > 0; p++, n--) {
    sum = (sum >> 8) ^ c->table[0][(sum ^ *p) & 0xFF];
  }
  return ~sum;
}

size_t rb_varint_put(uint8_t *p, uint64_t v) {
  size_t n = 0;
  for (; v >= 0x80; v >>= 7) {
    p[n++] = (uint8_t)(v | 0x80);
  }
  p[n++] = (uint8_t)v;
  return n;
}

size_t rb_varint_get(const uint8_t *p, size_t n, uint64_t *v) {
  uint64_t x = 0;
  for (size_t i = 0; i < RB_VARINT_MOST; i++) {
    if (i == n) {
      return 0;
    }
    if ((i == RB_VARINT_MOST - 1 && p[i] > 1) || (i > 0 && p[i] == 0)) {
      break;
    }
    x |= (uint64_t)(p[i] & 0x7F) << (7 * i);
    if (p[i] < 0x80) {
      *v = x;
      return i + 1;
    }
  }
  return RB_VARINT_BAD;
}

bool rb_held_set(struct rb_held *h, const uint8_t *data, size_t len) {
  if (len >= h->cap) { /* room for one byte more: the empty key has memory too */
    size_t cap = len < 64 ? 128 : 2 * len;
    uint8_t *more = realloc(h->data, cap);
    if (more == NULL) {
      return false;
    }
    h->data = more;
    h->cap = cap;
  }
  if (len > 0) {
    memcpy(h->data, data, len);
  }
  h->len = len;
  h->set = true;
  return true;
}
