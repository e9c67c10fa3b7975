/* edge.c: the first or the last key of a range, in one call. */
#include <string.h>

#include "handles.h"

rb_edge rb_edge_get(rb_family *f, rb_snapshot *snap, rb_iter_options o, const uint8_t *lower,
                    size_t lower_len, const uint8_t *upper, size_t upper_len, uint8_t last,
                    uint8_t *buf, size_t cap) {
  rb_edge e = {0, 0, {RB_OK, NULL}};
  rb_iter_result r = rb_iter_new(f, snap, o, lower, lower_len, upper, upper_len);
  if (r.status.code != RB_OK) {
    e.status = r.status;
    return e;
  }
  rb_family_reads(f);
  rb_iter_move(r.iter, last ? RB_MOVE_LAST : RB_MOVE_FIRST, NULL, 0);
  if (rb_iter_on_row(r.iter)) {
    size_t n = 0;
    const char *key = rb_cursor_key(r.iter, &n);
    e.found = 1;
    e.klen = n;
    if (n > 0 && n <= cap) {
      memcpy(buf, key, n);
    }
  } else {
    e.status = rb_iter_status(r.iter);
  }
  if (!rb_family_was_read(f, &e.status)) {
    e.found = 0;
  }
  rb_iter_free(r.iter);
  return e;
}
