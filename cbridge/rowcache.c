/* rowcache.c: a cache of rows as they are in table files. */
#include "handles.h"

rb_status rb_options_set_row_cache(rocksdb_options_t *o, uint64_t size, rocksdb_cache_t **cache) {
  *cache = NULL;
  if (size == 0) {
    return rb_ok();
  }
  *cache = rocksdb_cache_create_lru((size_t)size); /* the only kind that takes keys of any length */
  if (*cache == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rocksdb_options_set_row_cache(o, *cache);
  return rb_ok();
}

uint64_t rb_row_cache_used(const rb_db *db) {
  return db->row_cache == NULL ? 0 : rocksdb_cache_get_usage(db->row_cache);
}
