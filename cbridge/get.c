/* get.c: point reads. */
#include <string.h>

#include "handles.h"

struct rb_call_options rb_call_options_get(const rb_db *db, const rb_snapshot *snap, uint32_t flags,
                                           uint64_t deadline) {
  struct rb_call_options c = {NULL, NULL};
  flags &= RB_READ_COMBINATIONS - 1;
  if (deadline == 0 && (snap == NULL || flags == 0)) {
    c.use = snap == NULL ? db->reads[flags] : snap->read;
    return c;
  }
  c.made = rb_readoptions_new(flags);
  if (c.made != NULL) {
    rocksdb_readoptions_set_deadline(c.made, deadline);
    if (snap != NULL) {
      rocksdb_readoptions_set_snapshot(c.made, snap->snap);
    }
  }
  c.use = c.made;
  return c;
}

void rb_timed_probe(const rb_family *f, uint32_t flags, char *err) {
  static const char words[] = "Result incomplete: ";
  static const char no_time[] = "Corruption: Error: value's length less than timestamp's";
  if (err != NULL && f->db->timed && (flags & RB_READ_CACHE_ONLY) != 0 &&
      strncmp(err, no_time, sizeof no_time - 1) == 0) {
    memcpy(err, words, sizeof words); /* it is shorter */
  }
}

rocksdb_pinnableslice_t *rb_lookup(rb_family *f, rb_snapshot *snap, uint32_t flags,
                                   uint64_t deadline, const uint8_t *key, size_t klen,
                                   rb_status *status) {
  struct rb_call_options c = rb_call_options_get(f->db, snap, flags, deadline);
  return rb_lookup_by(f, c, flags, key, klen, status);
}

rocksdb_pinnableslice_t *rb_lookup_by(rb_family *f, struct rb_call_options c, uint32_t flags,
                                      const uint8_t *key, size_t klen, rb_status *status) {
  if (c.use == NULL) {
    *status = rb_status_make(RB_NO_MEMORY, NULL);
    return NULL;
  }
  char *err = NULL;
  rb_family_reads(f);
  rocksdb_pinnableslice_t *pin =
      rocksdb_get_pinned_cf(f->db->db, c.use, f->handle, (const char *)key, klen, &err);
  if (c.made != NULL) {
    rocksdb_readoptions_destroy(c.made);
  }
  rb_timed_probe(f, flags, err);
  *status = rb_status_from(err);
  if (!rb_family_was_read(f, status)) {
    rb_unpin(pin);
    return NULL;
  }
  if (pin == NULL && err == NULL) {
    status->code = RB_NOT_FOUND;
  }
  if ((flags & RB_READ_PROBE) && status->code == RB_INCOMPLETE) {
    rb_free(status->msg);
    status->msg = NULL;
  }
  return pin;
}

rb_value rb_value_of(rocksdb_pinnableslice_t *pin, uint8_t *buf, size_t cap) {
  rb_value v = {0, NULL, NULL, {RB_OK, NULL}};
  size_t len = 0;
  const char *data = rocksdb_pinnableslice_value(pin, &len);
  v.len = len;
  if (len > cap) {
    v.data = (const uint8_t *)data;
    v.pin = pin;
    return v;
  }
  if (len > 0) {
    memcpy(buf, data, len);
  }
  rocksdb_pinnableslice_destroy(pin);
  return v;
}

rb_value rb_get(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                const uint8_t *key, size_t klen, uint8_t *buf, size_t cap) {
  rb_value v = {0, NULL, NULL, {RB_OK, NULL}};
  rocksdb_pinnableslice_t *pin = rb_lookup(f, snap, flags, deadline, key, klen, &v.status);
  if (pin == NULL) {
    return v;
  }
  return rb_value_of(pin, buf, cap);
}

rb_status rb_has(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                 const uint8_t *key, size_t klen) {
  rb_status s;
  rocksdb_pinnableslice_t *pin = rb_lookup(f, snap, flags, deadline, key, klen, &s);
  if (pin != NULL) {
    rocksdb_pinnableslice_destroy(pin);
  }
  return s;
}

void rb_unpin(void *pin) {
  if (pin != NULL) {
    rocksdb_pinnableslice_destroy(pin);
  }
}
