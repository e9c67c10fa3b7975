/*
 * calling.c: functions of the glue in which Go may be called on the thread that called them.
 *
 * A comparator in Go is asked dozens of times in one lookup, too often to hand each question to
 * another thread (callbacks.c). Go's declarations of these functions are the only ones that are not
 * marked nocallback and noescape; they are for families with such a comparator alone.
 */
#include "callbacks.h"

rb_value rb_get_calling(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                        const uint8_t *key, size_t klen) {
  bool before = rb_callee_here(true);
  rb_value v = rb_get(f, snap, flags, deadline, key, klen, NULL, 0);
  rb_callee_here(before);
  return v;
}

rb_status rb_has_calling(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                         const uint8_t *key, size_t klen) {
  bool before = rb_callee_here(true);
  rb_status s = rb_has(f, snap, flags, deadline, key, klen);
  rb_callee_here(before);
  return s;
}

rb_multi rb_multi_get_calling(rb_family *const *families, rb_read how, const rb_key *keys, size_t n,
                              const uint8_t *bytes, rb_answer *found) {
  bool before = rb_callee_here(true);
  rb_multi m = rb_multi_get(families, how, keys, n, bytes, NULL, 0, found);
  rb_callee_here(before);
  return m;
}

rb_fill rb_iter_fill_calling(rb_iter *it, uint32_t move, const uint8_t *key, size_t klen,
                             uint8_t *buf, size_t cap, uint32_t max_rows) {
  bool before = rb_callee_here(true);
  rb_fill f = rb_iter_fill(it, move, key, klen, buf, cap, max_rows);
  rb_callee_here(before);
  return f;
}

rb_count rb_iter_count_calling(rb_iter *it, uint32_t move, uint64_t max_rows) {
  bool before = rb_callee_here(true);
  rb_count c = rb_iter_count(it, move, max_rows);
  rb_callee_here(before);
  return c;
}

rb_status rb_apply_calling(rb_family *f, uint32_t op, uint32_t flags, const uint8_t *key,
                           size_t klen, const uint8_t *value, size_t vlen) {
  bool before = rb_callee_here(true);
  rb_status s = rb_apply(f, op, flags, key, klen, value, vlen);
  rb_callee_here(before);
  return s;
}

rb_status rb_write_calling(rb_db *db, uint32_t flags, const uint8_t *rep, size_t len) {
  bool before = rb_callee_here(true);
  rb_status s = rb_write(db, flags, rep, len);
  rb_callee_here(before);
  return s;
}
