/* maintain.c: files of a database that are dropped, and databases that are deleted. */
#include "handles.h"

rb_status rb_delete_files(rb_family *f, uint8_t has_start, const uint8_t *start, size_t start_len,
                          uint8_t has_end, const uint8_t *end, size_t end_len) {
  static const char empty[1] = {0}; /* RocksDB takes a NULL key for "no bound" */
  const char *from = !has_start ? NULL : start_len > 0 ? (const char *)start : empty;
  const char *to = !has_end ? NULL : end_len > 0 ? (const char *)end : empty;
  if (f->db->read_only) {
    return rb_read_only();
  }
  char *err = NULL;
  rb_hold_begin(f->db);
  rocksdb_delete_file_in_range_cf(f->db->db, f->handle, from, start_len, to, end_len, &err);
  return rb_hold_end(f->db, rb_status_from(err));
}

rb_status rb_destroy(rb_files *files, const char *path, const char *wal_dir) {
  rocksdb_options_t *o = rocksdb_options_create();
  rb_files_use(files, o);
  if (wal_dir != NULL) {
    rocksdb_options_set_wal_dir(o, wal_dir);
  }
  char *err = NULL;
  rocksdb_destroy_db(o, path, &err);
  rocksdb_options_destroy(o);
  return rb_status_from(err);
}
