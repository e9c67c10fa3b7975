/* disk.c: what watches over the table files of databases, how fast they go and how much they are.
 */
#include <stdlib.h>

#include "cxx.h"
#include "handles.h"

bool rb_disk_offered(void) {
  return rocksdb_sst_file_manager_create != NULL && rocksdb_sst_file_manager_destroy != NULL &&
         rocksdb_sst_file_manager_get_total_size != NULL &&
         rocksdb_sst_file_manager_set_delete_rate_bytes_per_second != NULL &&
         rocksdb_sst_file_manager_set_max_trash_db_ratio != NULL &&
         rocksdb_sst_file_manager_get_total_trash_size != NULL &&
         rocksdb_options_set_sst_file_manager != NULL;
}

rb_disk *rb_disk_new(rb_disk_limits l) {
  rb_disk *d = calloc(1, sizeof *d);
  if (d == NULL) {
    return NULL;
  }
  atomic_init(&d->holders, 1);
  if (rb_disk_offered()) {
    rocksdb_env_t *env = rocksdb_create_default_env();
    d->manager = rocksdb_sst_file_manager_create(env);
    rocksdb_env_destroy(env);
  } else if (rb_cxx_offered()) {
    d->cxx = rb_cxx_disk_new();
  }
  if (d->manager == NULL && d->cxx == NULL) {
    free(d);
    return NULL;
  }
  rb_disk_set(d, l);
  return d;
}

/* RocksDB's own limit is left alone: at it, it takes itself for broken (a background error),
 * recovers from that at once where there is no room still, and never where the limit is below the
 * memtables that it could need. So the limit is looked at here, before writes. */
void rb_disk_set(rb_disk *d, rb_disk_limits l) {
  atomic_store(&d->limit, l.limit);
  if (d->manager == NULL || !rb_disk_offered()) {
    rb_cxx_disk_set(d->cxx, l.rate, l.share);
    return;
  }
  rocksdb_sst_file_manager_set_delete_rate_bytes_per_second(d->manager, (int64_t)l.rate);
  rocksdb_sst_file_manager_set_max_trash_db_ratio(d->manager, l.share);
}

/* Bytes of all files. */
static uint64_t rb_disk_files(rb_disk *d) {
  return d->manager != NULL ? rocksdb_sst_file_manager_get_total_size(d->manager)
                            : rb_cxx_disk_files(d->cxx);
}

static bool rb_disk_full(rb_disk *d) {
  uint64_t limit = atomic_load(&d->limit);
  return limit > 0 && rb_disk_files(d) >= limit;
}

rb_disk_use rb_disk_used(rb_disk *d) {
  rb_disk_use u = {0, 0, 0};
  u.files = rb_disk_files(d);
  u.trash = d->manager != NULL ? rocksdb_sst_file_manager_get_total_trash_size(d->manager)
                               : rb_cxx_disk_trash(d->cxx);
  u.full = rb_disk_full(d);
  return u;
}

uint8_t rb_db_full(rb_db *db) { return db->disk != NULL && rb_disk_full(db->disk); }

void rb_disk_free(rb_disk *d) {
  if (d == NULL || atomic_fetch_sub(&d->holders, 1) > 1) {
    return;
  }
  if (d->manager != NULL) {
    rocksdb_sst_file_manager_destroy(d->manager);
  } else {
    rb_cxx_disk_free(d->cxx);
  }
  free(d);
}
