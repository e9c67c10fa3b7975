/* exactsplits.c: where so many bytes of rows end. */
#include <string.h>

#include "walk.h"

struct rb_splitting {
  uint8_t *buf;
  size_t cap;
  uint64_t want;
  rb_split *out;
};

static bool rb_split_row(void *state, const struct rb_view *row) {
  struct rb_splitting *s = state;
  if (s->out->bytes < s->want) {
    s->out->bytes += (uint64_t)row->klen + row->vlen;
    return true;
  }
  s->out->found = 1;
  s->out->klen = row->klen;
  if (row->klen > 0 && row->klen <= s->cap) {
    memcpy(s->buf, row->key, row->klen);
  }
  return false;
}

rb_split rb_iter_exact_split(rb_iter *it, uint32_t move, rb_stretch s, uint64_t want, uint8_t *buf,
                             size_t cap) {
  rb_split r = {0, 0, 0, {0, 0, {RB_OK, NULL}}};
  struct rb_splitting state = {buf, cap, want, &r};
  r.passed = rb_walk(it, move, s, rb_split_row, &state);
  return r;
}
