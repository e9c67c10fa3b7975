/* checksum.c: a checksum over the rows of a range. */
#include "crc32c.h"
#include "walk.h"

struct rb_summing {
  rb_crc32c *go_on;
  rb_checksum *sum;
};

/* Stores a length as the first four bytes of p, lowest first. */
static void rb_store_length(uint8_t *p, size_t n) {
  for (size_t i = 0; i < 4; i++) {
    p[i] = (uint8_t)(n >> (8 * i));
  }
}

static bool rb_sum_row(void *state, const struct rb_view *row) {
  const struct rb_summing *s = state;
  uint8_t lengths[8];
  rb_store_length(lengths, row->klen);
  rb_store_length(lengths + 4, row->vlen);
  uint32_t crc = s->go_on(s->sum->crc, lengths, sizeof lengths);
  crc = s->go_on(crc, row->key, row->klen);
  s->sum->crc = s->go_on(crc, row->value, row->vlen);
  s->sum->key_bytes += row->klen;
  s->sum->value_bytes += row->vlen;
  return true;
}

rb_passed rb_iter_checksum(rb_iter *it, uint32_t move, rb_stretch s, rb_checksum *sum) {
  struct rb_summing state = {rb_crc32c_best(), sum};
  sum->crc = ~sum->crc;
  rb_passed r = rb_walk(it, move, s, rb_sum_row, &state);
  sum->crc = ~sum->crc;
  return r;
}

uint32_t rb_checksum_of(uint8_t by_table, const uint8_t *data, size_t n) {
  return ~(by_table ? rb_crc32c_table : rb_crc32c_best())(UINT32_MAX, data, n);
}
