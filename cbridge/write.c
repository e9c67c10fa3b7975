/* write.c: single operations and whole batches. */
#include "handles.h"

/* What a write answers: also that an order failed in it. RocksDB has the rows then, in its log too,
 * and shows them once the database is opened with an order that does not fail. */
static rb_status rb_written(rb_db *db, char *err) {
  rb_status s = rb_status_from(err);
  if (s.code == RB_OK) {
    s = rb_orders_sound(&db->orders);
  }
  return s;
}

rb_status rb_apply(rb_family *f, uint32_t op, uint32_t flags, const uint8_t *key, size_t klen,
                   const uint8_t *value, size_t vlen) {
  rocksdb_t *db = f->db->db;
  const rocksdb_writeoptions_t *w = f->db->writes[flags & (RB_WRITE_COMBINATIONS - 1)];
  const char *k = (const char *)key;
  const char *v = (const char *)value;
  rb_status s = rb_orders_sound(&f->db->orders);
  if (s.code != RB_OK) {
    return s;
  }
  char *err = NULL;
  switch (op) {
    case RB_PUT:
      rocksdb_put_cf(db, w, f->handle, k, klen, v, vlen, &err);
      break;
    case RB_DELETE:
      rocksdb_delete_cf(db, w, f->handle, k, klen, &err);
      break;
    case RB_SINGLE_DELETE:
      rocksdb_singledelete_cf(db, w, f->handle, k, klen, &err);
      break;
    case RB_MERGE:
      rocksdb_merge_cf(db, w, f->handle, k, klen, v, vlen, &err);
      break;
    case RB_DELETE_RANGE:
      rocksdb_delete_range_cf(db, w, f->handle, k, klen, v, vlen, &err);
      break;
    default:
      return rb_status_make(RB_INVALID_ARGUMENT, "unknown operation");
  }
  return rb_written(f->db, err);
}

rb_status rb_write(rb_db *db, uint32_t flags, const uint8_t *rep, size_t len) {
  rb_status s = rb_orders_sound(&db->orders);
  if (s.code != RB_OK) {
    return s;
  }
  char *err = NULL;
  rocksdb_writebatch_t *b = rocksdb_writebatch_create_from((const char *)rep, len);
  if (b == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rocksdb_write(db->db, db->writes[flags & (RB_WRITE_COMBINATIONS - 1)], b, &err);
  rocksdb_writebatch_destroy(b);
  return rb_written(db, err);
}
