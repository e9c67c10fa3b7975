/* copyrange.c: the rows that an iterator shows, into a batch for another family. */
#include "walk.h"

struct rb_copying {
  rocksdb_writebatch_t *batch;
  rocksdb_column_family_handle_t *to;
  uint64_t room;
  rb_copied *out;
};

static bool rb_copy_row(void *state, const struct rb_view *row) {
  struct rb_copying *c = state;
  uint64_t taken = c->out->key_bytes + c->out->value_bytes;
  uint64_t size = (uint64_t)row->klen + row->vlen;
  if (taken > 0 && (taken > c->room || size > c->room - taken)) {
    return false;
  }
  rocksdb_writebatch_put_cf(c->batch, c->to, (const char *)row->key, row->klen,
                            (const char *)row->value, row->vlen);
  c->out->key_bytes += row->klen;
  c->out->value_bytes += row->vlen;
  return true;
}

rb_copied rb_iter_copy(rb_iter *it, uint32_t move, rb_stretch s, rb_family *to, rb_cbatch *b,
                       uint64_t room) {
  rb_copied r = {0, 0, {0, 0, {RB_OK, NULL}}};
  struct rb_copying state = {(rocksdb_writebatch_t *)b, to->handle, room, &r};
  r.passed = rb_walk(it, move, s, rb_copy_row, &state);
  return r;
}
