/* columns.c: rows of several columns, which RocksDB has in C++ only. */
#include <stdlib.h>

#include "cxx.h"
#include "handles.h"

rb_entity rb_get_entity(rb_family *f, rb_snapshot *snap, uint32_t flags, uint64_t deadline,
                        const uint8_t *key, size_t klen, uint8_t *buf, size_t cap) {
  rb_entity e = {0, NULL, {RB_UNSUPPORTED, NULL}};
  if (!rb_cxx_offered()) {
    return e;
  }
  struct rb_call_options c = rb_call_options_get(f->db, snap, flags, deadline);
  if (c.use == NULL) {
    e.status.code = RB_NO_MEMORY;
    return e;
  }
  size_t len = 0;
  rb_family_reads(f);
  e.status = rb_cxx_get_entity(f->db->db, c.use, f->handle, (const char *)key, klen, buf, cap,
                               &e.rest, &len);
  if (c.made != NULL) {
    rocksdb_readoptions_destroy(c.made);
  }
  if (!rb_family_was_read(f, &e.status)) {
    rb_free(e.rest);
    e.rest = NULL;
    return e;
  }
  if ((flags & RB_READ_PROBE) && e.status.code == RB_INCOMPLETE) {
    rb_free(e.status.msg);
    e.status.msg = NULL;
  }
  e.len = e.status.code == RB_OK ? len : 0;
  return e;
}

struct rb_columns *rb_columns_new(void) { return calloc(1, sizeof(struct rb_columns)); }

void rb_columns_free(struct rb_columns *c) {
  if (c != NULL) {
    rb_free(c->failed.msg);
    free(c->data);
    free(c);
  }
}

/* Makes room for len bytes, and for somewhat longer rows to come. */
static bool rb_columns_grow(struct rb_columns *c, size_t len) {
  size_t cap = len + len / 2;
  uint8_t *data = malloc(cap);
  if (data == NULL) {
    return false;
  }
  free(c->data);
  c->data = data;
  c->cap = cap;
  return true;
}

bool rb_columns_fetch(rb_iter *it) {
  struct rb_columns *c = it->columns;
  rb_free(c->failed.msg);
  c->failed = rb_cxx_columns(it->it, c->data, c->cap, &c->len);
  if (c->failed.code == RB_OK && c->len > c->cap) {
    if (rb_columns_grow(c, c->len)) {
      c->failed = rb_cxx_columns(it->it, c->data, c->cap, &c->len);
    } else {
      c->failed = rb_status_make(RB_NO_MEMORY, NULL);
    }
  }
  return c->failed.code == RB_OK;
}

rb_status rb_columns_failure(const rb_iter *it) {
  rb_status failed = rb_ok();
  if (it->columns != NULL) {
    failed = it->columns->failed;
    it->columns->failed = rb_ok();
  }
  return failed;
}
