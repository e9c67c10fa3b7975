/* cbatch.c: batches built by RocksDB itself: of rows that never come to Go, and for comparison. */
#include "handles.h"

rb_cbatch *rb_cbatch_new(void) { return (rb_cbatch *)rocksdb_writebatch_create(); }

void rb_cbatch_put(rb_cbatch *b, const uint8_t *key, size_t klen, const uint8_t *value,
                   size_t vlen) {
  rocksdb_writebatch_put((rocksdb_writebatch_t *)b, (const char *)key, klen, (const char *)value,
                         vlen);
}

void rb_cbatch_clear(rb_cbatch *b) { rocksdb_writebatch_clear((rocksdb_writebatch_t *)b); }

void rb_cbatch_free(rb_cbatch *b) {
  if (b != NULL) {
    rocksdb_writebatch_destroy((rocksdb_writebatch_t *)b);
  }
}

const uint8_t *rb_cbatch_data(rb_cbatch *b, size_t *len) {
  return (const uint8_t *)rocksdb_writebatch_data((rocksdb_writebatch_t *)b, len);
}

rb_status rb_cbatch_write(rb_db *db, uint32_t flags, rb_cbatch *b) {
  rb_status s = rb_orders_sound(&db->orders);
  if (s.code != RB_OK) {
    return s;
  }
  char *err = NULL;
  rocksdb_write(db->db, db->writes[flags & (RB_WRITE_COMBINATIONS - 1)], (rocksdb_writebatch_t *)b,
                &err);
  s = rb_status_from(err);
  return s.code == RB_OK ? rb_orders_sound(&db->orders) : s;
}
