/* iters.c: iterators over several families of one state. */
#include "handles.h"

rb_status rb_iters_new(rb_family *const *families, size_t n, rb_iter_options o,
                       const uint8_t *lower, size_t lower_len, const uint8_t *upper,
                       size_t upper_len, rb_iter **out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = NULL;
  }
  rb_snapshot *state = rb_snapshot_new(families[0]->db);
  if (state == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rb_status s = rb_ok();
  for (size_t i = 0; i < n && s.code == RB_OK; i++) {
    rb_iter_result r = rb_iter_new(families[i], state, o, lower, lower_len, upper, upper_len);
    out[i] = r.iter;
    s = r.status;
  }
  for (size_t i = 0; i < n && s.code != RB_OK; i++) {
    rb_iter_free(out[i]);
    out[i] = NULL;
  }
  rb_snapshot_free(state); /* the iterators hold it */
  return s;
}
