/* cbatch.c: batches built by RocksDB itself, for comparison. */
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
