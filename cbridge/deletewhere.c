/* deletewhere.c: deletions of the rows that an iterator shows, into a batch. */
#include <string.h>

#include "walk.h"

struct rb_deleting {
  rocksdb_writebatch_t *batch;
  rocksdb_column_family_handle_t *to;
};

static bool rb_delete_row(void *state, const struct rb_view *row) {
  const struct rb_deleting *d = state;
  rocksdb_writebatch_delete_cf(d->batch, d->to, (const char *)row->key, row->klen);
  return true;
}

rb_deleted rb_iter_delete(rb_iter *it, uint32_t move, const uint8_t *key, size_t klen, rb_stretch s,
                          rb_family *to, rb_cbatch *b, uint8_t *buf, size_t cap) {
  rb_deleted d = {0, {0, 0, {RB_OK, NULL}}};
  struct rb_deleting state = {(rocksdb_writebatch_t *)b, to->handle};
  rb_family_reads(it->family);
  rb_iter_move(it, move, key, klen);
  d.passed = rb_walk(it, RB_MOVE_ON, s, rb_delete_row, &state);
  if (!d.passed.end) {
    size_t n = 0;
    const char *next = rb_cursor_key(it, &n);
    d.klen = n;
    if (n > 0 && n <= cap) {
      memcpy(buf, next, n);
    }
  }
  return d;
}
