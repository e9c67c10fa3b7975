/* timestamps.c: reads as of a timestamp, and where a family's history begins. */
#include <stdlib.h>

#include "handles.h"

struct rb_stamp rb_stamp_of(uint64_t number) {
  struct rb_stamp s;
  for (int i = 0; i < RB_STAMP; i++) {
    s.bytes[i] = (char)(uint8_t)(number >> (8 * i));
  }
  return s;
}

uint64_t rb_stamp_number(const char *bytes) {
  uint64_t n = 0;
  for (int i = 0; i < RB_STAMP; i++) {
    n |= (uint64_t)(uint8_t)bytes[i] << (8 * i);
  }
  return n;
}

struct rb_call_options rb_call_options_at(const rb_snapshot *snap, uint32_t flags,
                                          uint64_t deadline, const struct rb_stamp *at) {
  struct rb_call_options c = {NULL, rb_readoptions_new(flags & (RB_READ_COMBINATIONS - 1))};
  if (c.made != NULL) {
    rocksdb_readoptions_set_deadline(c.made, deadline);
    rocksdb_readoptions_set_timestamp(c.made, at->bytes, RB_STAMP);
    if (snap != NULL) {
      rocksdb_readoptions_set_snapshot(c.made, snap->snap);
    }
  }
  c.use = c.made;
  return c;
}

rb_value rb_get_at(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline, uint64_t at,
                   const uint8_t *key, size_t klen, uint8_t *buf, size_t cap) {
  rb_value v = {0, NULL, NULL, {RB_OK, NULL}};
  struct rb_stamp stamp = rb_stamp_of(at);
  struct rb_call_options c = rb_call_options_at(snap, flags, deadline, &stamp);
  rocksdb_pinnableslice_t *pin = rb_lookup_by(f, c, flags, key, klen, &v.status);
  return pin == NULL ? v : rb_value_of(pin, buf, cap);
}

rb_stamped rb_get_stamped(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                          uint64_t at, const uint8_t *key, size_t klen) {
  rb_stamped v = {0, 0, NULL, {RB_OK, NULL}};
  struct rb_stamp stamp = rb_stamp_of(at);
  struct rb_call_options c = rb_call_options_at(snap, flags, deadline, &stamp);
  if (c.use == NULL) {
    v.status.code = RB_NO_MEMORY;
    return v;
  }
  size_t len = 0, stamp_len = 0;
  char *found = NULL, *err = NULL;
  v.data = rocksdb_get_cf_with_ts(f->db->db, c.use, f->handle, (const char *)key, klen, &len,
                                  &found, &stamp_len, &err);
  rocksdb_readoptions_destroy(c.made);
  v.status = rb_status_from(err);
  if (v.data == NULL && err == NULL) {
    v.status.code = RB_NOT_FOUND;
  }
  v.len = len;
  v.timestamp = stamp_len == RB_STAMP ? rb_stamp_number(found) : 0;
  free(found);
  return v;
}

uint64_t rb_iter_timestamp(const rb_iter *it, size_t klen) {
  size_t n = 0;
  /* RocksDB asserts that there is a key before the timestamp. */
  const char *stamp = klen > 0 ? rocksdb_iter_timestamp(it->it, &n) : NULL;
  return n == RB_STAMP ? rb_stamp_number(stamp) : 0;
}

rb_history rb_history_low(rb_family *f) {
  rb_history h = {0, {RB_OK, NULL}};
  /* RocksDB 7.8 asserts that there is a beginning when it is asked for it. A read of before that is
   * refused, whatever else may be wrong with it: of a read as of 0 only if there is one. */
  const uint8_t any[1] = {0};
  rb_value v =
      rb_get_at(f, NULL, RB_READ_CACHE_ONLY | RB_READ_PROBE, 0, 0, any, sizeof any, NULL, 0);
  rb_unpin(v.pin);
  rb_free(v.status.msg);
  if (v.status.code != RB_INVALID_ARGUMENT) {
    return h;
  }
  char *err = NULL;
  size_t n = 0;
  char *low = rocksdb_get_full_history_ts_low(f->db->db, f->handle, &n, &err);
  h.status = rb_status_from(err);
  h.low = n == RB_STAMP ? rb_stamp_number(low) : 0;
  free(low);
  return h;
}

rb_status rb_history_raise(rb_family *f, uint64_t low) {
  if (f->db->read_only) {
    return rb_read_only();
  }
  struct rb_stamp stamp = rb_stamp_of(low);
  char *err = NULL;
  rb_hold_begin(f->db);
  rocksdb_increase_full_history_ts_low(f->db->db, f->handle, stamp.bytes, RB_STAMP, &err);
  return rb_hold_end(f->db, rb_status_from(err));
}
